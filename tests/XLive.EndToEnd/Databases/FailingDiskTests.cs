using System.Diagnostics;
using System.Net;
using XLive.EndToEnd.Harness;
using XLive.Server.Storage;

namespace XLive.EndToEnd.Databases;

/// <summary>
/// strace has every third call of a kind fail, on the files of the running server below data.dir, as a disk that dies does. Viewers play,
/// operators are let in or told to come again, and when the disk is well again so is everything.
/// </summary>
public sealed class FailingDiskTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("pwrite64", "EIO")]
    [InlineData("pwrite64", "ENOSPC")]
    [InlineData("pwrite64", "EINTR")]
    [InlineData("pread64", "EIO")]
    [InlineData("fdatasync,fsync", "EIO")]
    [InlineData("ftruncate,fallocate", "ENOSPC")]
    [InlineData("openat,rename", "EIO")]
    public async Task Calls_fail_and_nothing_is_lost_by_it(string calls, string error)
    {
        await using ServerProcess server = await ServerProcess.Start(Operator.MediaIn(_folder), _folder, Operator.Options);
        using Operator op = new(server, "/film/a.ts");
        await op.SignIn();
        string[] keys = Directory.GetFiles(Path.Combine(server.DataFolder, "keys"));
        string[] files = [.. Directory.GetFiles(server.DataFolder, "xlive.db*"), .. Directory.GetFiles(Path.Combine(server.DataFolder, "traffic"))];
        Process strace = await Attach(server, calls, error, files);
        int failed = 0;
        for (int i = 0; i < 12; i++)
        {
            HttpStatusCode said = await op.Try();
            failed += said is HttpStatusCode.ServiceUnavailable or HttpStatusCode.InsufficientStorage ? 1 : 0;
            // A token whose use could not be written for certain may count as used: then one signs in anew.
            Assert.True(said is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable or HttpStatusCode.InsufficientStorage or HttpStatusCode.Unauthorized, $"{said}\n{server.Output}");
            Assert.Equal(200_000, (await server.Http.GetByteArrayAsync(ServerProcess.Sign("/film/a.ts", $"v{i}").InQuery, TestContext.Current.CancellationToken)).Length);
            if (said == HttpStatusCode.Unauthorized)
            {
                break;
            }
        }
        await Tool.Stop(strace, TimeSpan.FromSeconds(10));
        strace.Dispose();
        if (calls == "pwrite64" && error != "EINTR") // SQLite itself repeats what a signal broke
        {
            Assert.InRange(failed, 1, 12);
        }
        await op.ComesBack(TimeSpan.FromSeconds(5));
        Assert.Equal(HttpStatusCode.OK, await op.Refresh());
        Assert.False(server.Process.HasExited);
        Assert.Equal(keys, Directory.GetFiles(Path.Combine(server.DataFolder, "keys")));
        foreach (string file in (string[])["xlive.db", "traffic/ledger.db"])
        {
            using Sqlite db = Sqlite.Open(Path.Combine(server.DataFolder, file));
            Assert.Equal("ok", db.First("PRAGMA integrity_check", static row => row.Text(0)));
        }
    }

    private static async Task<Process> Attach(ServerProcess server, string calls, string error, string[] files)
    {
        Process strace = Process.Start(new ProcessStartInfo("strace", ["-f", "-p", $"{server.Process.Id}", "-o", "/dev/null",
            .. files.SelectMany(f => (string[])["-P", f]), "-e", "trace=" + calls, "-e", $"inject={calls}:error={error}:when=2+3"])
        { RedirectStandardError = true })!;
        Stopwatch waited = Stopwatch.StartNew();
        while ((await strace.StandardError.ReadLineAsync())?.Contains("attached", StringComparison.Ordinal) != true)
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(10), "strace did not attach");
        }
        _ = strace.StandardError.ReadToEndAsync();
        return strace;
    }
}
