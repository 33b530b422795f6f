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
    [InlineData("pwrite64", "EROFS")]
    [InlineData("pwrite64", "EINTR")]
    [InlineData("fdatasync,fsync", "EIO")]
    public async Task Calls_fail_and_nothing_is_lost_by_it(string calls, string error)
    {
        await using ServerProcess server = await ServerProcess.Start(Operator.MediaIn(_folder), _folder, Operator.Options);
        using Operator op = new(server, "/film/a.ts");
        await op.SignIn();
        string[] keys = Directory.GetFiles(Path.Combine(server.DataFolder, "keys"));
        string[] files = [.. Directory.GetFiles(server.DataFolder, "xlive.db*"), .. Directory.GetFiles(Path.Combine(server.DataFolder, "traffic"))];
        Process strace = await Attach(server, calls, error, files, _folder["trace"]);
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
        Assert.Contains("(INJECTED)", await File.ReadAllTextAsync(_folder["trace"], TestContext.Current.CancellationToken), StringComparison.Ordinal);
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

    [Theory]
    [InlineData("fsync,fdatasync", "EIO")]
    [InlineData("rename,renameat,renameat2,link,linkat", "EIO")]
    [InlineData("rename,renameat,renameat2,link,linkat", "ENOSPC")]
    public async Task A_key_is_there_whole_or_not_at_all(string calls, string error)
    {
        string keys = Path.Combine(_folder["data"], "keys");
        string[] command = ["key", "new", "k1", "--data.dir=" + _folder["data"]];
        for (int n = 1; n <= 2; n++)
        {
            ToolResult ran = await Tool.Run("strace", ["-f", "-qq", "-o", _folder["trace"], "-e", "trace=" + calls, "-e", $"inject={calls}:error={error}:when={n}",
                Repository.Server, .. command], TimeSpan.FromSeconds(30));
            bool injected = File.ReadAllText(_folder["trace"]).Contains("(INJECTED)", StringComparison.Ordinal);
            Assert.True(n > 1 || injected, ran.ToString());
            Assert.True(ran.ExitCode == 0 || (injected && ran.ExitCode == 1), ran.ToString());
            foreach (string file in Directory.Exists(keys) ? Directory.GetFiles(keys) : [])
            {
                Assert.False(file.EndsWith(".tmp", StringComparison.Ordinal), file);
                Assert.InRange(new FileInfo(file).Length, 40, 4096);
            }
            if (ran.ExitCode == 0)
            {
                (await Tool.Run(Repository.Server, ["key", "remove", .. command[2..]], TimeSpan.FromSeconds(30))).MustSucceed();
            }
        }
        // What failed may have left the key behind, whole: then it is there, else it is made.
        ToolResult again = await Tool.Run(Repository.Server, command, TimeSpan.FromSeconds(30));
        Assert.True(again.ExitCode == 0 || Directory.GetFiles(keys).Length > 0, again.ToString());
        (await Tool.Run(Repository.Server, ["key", "show", .. command[2..]], TimeSpan.FromSeconds(30))).MustSucceed();
    }

    private static async Task<Process> Attach(ServerProcess server, string calls, string error, string[] files, string trace)
    {
        Process strace = Process.Start(new ProcessStartInfo("strace", ["-f", "-p", $"{server.Process.Id}", "-o", trace,
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
