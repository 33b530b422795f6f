using System.Diagnostics;
using XLive.EndToEnd.Databases;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>What the books do on a disk that is full, read-only or somebody else's.</summary>
public sealed class LedgerDiskTests(ITestOutputHelper output)
{
    private const int Film = 300_000;

    [Fact]
    public async Task A_full_disk_stops_no_viewer_and_no_counting_and_all_is_in_the_ledger_when_there_is_room()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["data"]);
        (await Run("mount", "-t", "tmpfs", "-o", "size=8m", "xlive-full", folder["data"])).MustSucceed();
        try
        {
            var media = folder["media"];
            Directory.CreateDirectory(Path.Combine(media, "films"));
            File.WriteAllBytes(Path.Combine(media, "films/a.ts"), new byte[Film]);
            var served = 0L;
            await using (var server = await ServerProcess.Start(media, folder, ["--traffic.accumulator_timeout=1s", "--traffic.long_term_timeout=1s"]))
            {
                served += await Watch(server, "before");
                await Until(async () => await WaitingOf(folder, "before") == Film, "the first user's bytes in the ledger");
                Fill(Path.Combine(folder["data"], "filler"));
                for (var i = 0; i < 20; i++)
                    served += await Watch(server, "during" + i);
                await Until(() => Task.FromResult(LogOf(server).Contains("the ledger could not be written", StringComparison.Ordinal)), "the log to say so");
                File.Delete(Path.Combine(folder["data"], "filler"));
                for (var i = 0; i < 20; i++)
                    await Until(async () => await WaitingOf(folder, "during" + i) == Film, "the others' bytes in the ledger");
                await Until(() => Task.FromResult(LogOf(server).Contains("the ledger is written again", StringComparison.Ordinal)), "the log to say so");
                Assert.Equal(0, await server.Stop());
            }
            Assert.Equal(21L * Film, served);
            Assert.Equal("ok", (await Run("sqlite3", folder["data/traffic/ledger.db"], "PRAGMA integrity_check")).MustSucceed().Output.Trim());
        }
        finally
        {
            await Run("umount", "-l", folder["data"]);
        }
    }

    [Fact]
    public async Task A_disk_that_turns_read_only_stops_no_viewer_and_no_counting_and_all_goes_on_when_it_can_be_written()
    {
        const int viewers = 20;
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["media/films"]);
        File.WriteAllBytes(folder["media/films/a.ts"], new byte[Film]);
        await using var disk = await TurningDisk.Mount(folder["disk"], folder["data"]);
        await using (var server = await ServerProcess.Start(folder["media"], folder,
            [.. Operator.Options, "--traffic.accumulator_timeout=1s", "--traffic.long_term_timeout=1s"]))
        {
            using var op = new Operator(server, "/films/a.ts");
            await op.SignIn();
            var served = await Watch(server, "before");
            await Until(async () => await WaitingOf(folder, "before") == Film, "the first user's bytes in the ledger");
            var said = LogOf(server).Split('\n').Length;
            var turned = Stopwatch.StartNew();
            disk.TurnReadOnly();
            for (var i = 0; i < viewers; i++)
            {
                served += await Watch(server, "during" + i);
                await Task.Delay(150, TestContext.Current.CancellationToken);
            }
            var traffic = "";
            await Until(async () => (traffic = await op.DetailOf("traffic")).Contains("the ledger cannot be written, the counters go on", StringComparison.Ordinal), "the state to say so");
            output.WriteLine(traffic);
            Assert.Equal("degraded", (await op.Health()).State);
            // Whoever writes there says it once.
            Assert.InRange(LogOf(server).Split('\n').Length - said, 1, turned.Elapsed.TotalSeconds + 4);
            Assert.Equal((viewers + 1L) * Film, served);
            disk.TurnWritable();
            var back = Stopwatch.StartNew();
            await Until(async () => (await op.Health()).State == "healthy", "health");
            for (var i = 0; i < viewers; i++)
                await Until(async () => await WaitingOf(folder, "during" + i) == Film, "the others' bytes in the ledger");
            output.WriteLine($"well again after {back.Elapsed.TotalSeconds:0.0} s");
            // Twice the five seconds that it may take: other tests run beside this one.
            Assert.InRange(back.Elapsed.TotalSeconds, 0, 10);
            Assert.Equal(0, await server.Stop());
        }
        foreach (var file in (string[])["traffic/ledger.db", "sessions.db", "xlive.db"])
            Assert.Equal("ok", (await Run("sqlite3", Path.Combine(folder["data"], file), "PRAGMA integrity_check")).MustSucceed().Output.Trim());
        Assert.Equal($"{(viewers + 1L) * Film}", (await Run("sqlite3", folder["data/traffic/ledger.db"], "SELECT sum(waiting_bytes) FROM users")).MustSucceed().Output.Trim());
    }

    [Fact]
    public async Task A_damaged_ledger_is_refused_with_its_name_and_stays()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["media"]);
        Directory.CreateDirectory(folder["data/traffic"]);
        var damaged = new byte[9000];
        Random.Shared.NextBytes(damaged);
        File.WriteAllBytes(folder["data/traffic/ledger.db"], damaged);
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => ServerProcess.Start(folder["media"], folder, []));
        Assert.Contains("ended with 1", refused.Message, StringComparison.Ordinal);
        Assert.Contains(folder["data/traffic/ledger.db"] + " is damaged", refused.Message, StringComparison.Ordinal);
        Assert.Equal(damaged, File.ReadAllBytes(folder["data/traffic/ledger.db"]));
    }

    [Fact]
    public async Task A_read_only_data_directory_is_refused_in_clear_words()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["media"]);
        Directory.CreateDirectory(folder["data"]);
        await using (await ServerProcess.Start(folder["media"], folder, []))
        {
        }
        (await Run("mount", "--bind", folder["data"], folder["data"])).MustSucceed();
        try
        {
            (await Run("mount", "-o", "remount,bind,ro", folder["data"])).MustSucceed();
            var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => ServerProcess.Start(folder["media"], folder, []));
            Assert.Contains("ended with 1", refused.Message, StringComparison.Ordinal);
            Assert.Contains("Read-only file system", refused.Message, StringComparison.Ordinal);
            Assert.Contains("data", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            await Run("umount", "-l", folder["data"]);
        }
    }

    [Fact]
    public async Task A_second_server_on_one_data_directory_refuses_to_start()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["media"]);
        await using var first = await ServerProcess.Start(folder["media"], folder, []);
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => ServerProcess.Start(folder["media"], folder, []));
        Assert.Contains($"is in use by another XLive (process {first.Process.Id})", refused.Message, StringComparison.Ordinal);
    }

    private static async Task<long> Watch(ServerProcess server, string uid) =>
        (await server.Http.GetByteArrayAsync(ServerProcess.Sign("/films/a.ts", uid).InQuery)).Length;

    private static string LogOf(ServerProcess server) => File.ReadAllText(Path.Combine(server.LogFolder, "xlive.log"));

    private static void Fill(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        foreach (var size in (int[])[1 << 20, 1 << 12])
        {
            try
            {
                for (var block = new byte[size]; ;)
                    file.Write(block);
            }
            catch (IOException)
            {
                // Full, to within a block.
            }
        }
    }

    private static async Task<long> WaitingOf(TempFolder folder, string uid)
    {
        var asked = await Run("sqlite3", "-readonly", folder["data/traffic/ledger.db"], $"SELECT waiting_bytes FROM users WHERE uid = '{uid}'");
        return long.TryParse(asked.Output, System.Globalization.CultureInfo.InvariantCulture, out var bytes) ? bytes : 0;
    }

    private static Task<ToolResult> Run(string program, params string[] arguments) => Tool.Run(program, arguments, TimeSpan.FromSeconds(10));

    private static async Task Until(Func<Task<bool>> holds, string what)
    {
        for (var i = 0; i < 150; i++)
        {
            if (await holds())
                return;
            await Task.Delay(200);
        }
        Assert.Fail("waited 30 s for " + what);
    }
}
