using System.Text.Json;
using XLive.Server.Operations.Health;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Sessions;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Cache.Disk;

/// <summary>Whatever the disk does, films play; somebody is told, once; and when it is well it is used again.</summary>
public sealed class DiskFaultTests
{
    private const int MiB = Shelved.MiB;

    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(30);

    [Fact]
    public async Task A_disk_that_refuses_is_told_of_once_and_films_play()
    {
        var bytes = Pattern.Bytes(3 * MiB, 1);
        using var folder = new DiskFolder();
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, bytes, "\"1\""));
        await using var server = await folder.FrontAsync(origin);
        var disk = server.Get<DiskCache>();
        disk.Files.OnCall = static writes =>
        {
            if (writes)
                throw new IOException("Input/output error", 5);
        };
        for (var i = 0; i < 6; i++)
            Pattern.AssertSame(bytes, server.Fetch($"/{i}.ts").Body);
        Until.True(() => disk.Fault is not null, "a fault");
        Pattern.AssertSame(bytes, server.Fetch("/7.ts").Body);
        var entry = server.Get<HealthChecks>().Entries.Single(static e => e.Name == "cache");
        Assert.Equal(HealthState.Degraded, entry.State);
        Assert.Contains("Input/output error", entry.Detail, StringComparison.Ordinal);
        Assert.Single(server.Log().Split('\n'), static l => l.Contains("cache.dir", StringComparison.Ordinal));
        await Assert.ThrowsAsync<IOException>(() => server.Get<OriginCache>().PurgeAsync([new CacheScope("/1.ts", false)]));
    }

    [Fact]
    public async Task It_is_tried_again_and_what_was_to_be_purged_is()
    {
        var fails = false;
        using var shelves = new Shelved(pause: Soon, onCall: writes => _ = fails && writes ? throw new IOException("No space left on device", 28) : 0);
        for (var i = 0; i < 32; i++)
            shelves.Put($"/{i}.ts", Pattern.Bytes(MiB, i));
        fails = true;
        shelves.Put("/32.ts", Pattern.Bytes(MiB, 32));
        Until.True(() => shelves.Disk.Fault is not null, "a fault");
        // Others need the room more.
        Assert.InRange(shelves.Disk.Index.Bound, 28 * MiB, 33 * MiB);
        Assert.InRange(shelves.Disk.Index.Evicted, 1, 4);
        await Assert.ThrowsAsync<IOException>(() => shelves.PurgeAsync("/5.ts"));
        // It is not believed from now on, though it cannot be removed.
        Assert.Null(await shelves.GetAsync("/5.ts"));
        fails = false;
        Until.True(() => shelves.Disk.Fault is null, "well again");
        shelves.Put("/33.ts", Pattern.Bytes(MiB, 33), again: true);
        await shelves.HasAsync("/33.ts", Pattern.Bytes(MiB, 33));
        Until.Equal(0, () => shelves.Disk.PurgesToSweep, "purged");
        // What could not be removed then is now.
        Assert.Equal(shelves.Disk.Index.Files, shelves.Files.Count());
        Assert.InRange(shelves.OnDisk, 20 * MiB, shelves.Disk.Index.Bound);
        using var again = Again(shelves);
        Assert.Null(await again.GetAsync("/5.ts"));
    }

    [Fact]
    public async Task A_purge_that_a_full_disk_cannot_take_is_503()
    {
        using var folder = new DiskFolder();
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, "one film"u8.ToArray(), "\"1\""));
        await using var server = await folder.FrontAsync(origin, CacheApi.Open);
        server.Get<DiskCache>().Files.OnCall = static writes => _ = writes ? throw new IOException("No space left on device", 28) : 0;
        server.Fetch("/a.ts");
        var reply = await CacheApi.PostAsync(server, "/api/v1/cache/purge", CacheApi.Paths("/a.ts"));
        Assert.Equal(503, reply.Status);
        Assert.Contains("No space left on device", reply.Text, StringComparison.Ordinal);
        Assert.Equal("10", reply["Retry-After"]);
        // From memory it is gone all the same.
        server.Fetch("/a.ts");
        Assert.Equal(2, origin.Requests.Count);
    }

    [Fact]
    public async Task A_purge_waits_ten_seconds_for_a_disk_that_hangs()
    {
        var clock = new HandClock();
        using var hangs = new ManualResetEventSlim();
        var doesHang = false;
        using var shelves = new Shelved(clock: clock, onCall: writes =>
        {
            if (writes && Volatile.Read(ref doesHang))
                hangs.Wait();
        });
        Volatile.Write(ref doesHang, true);
        var purging = shelves.PurgeAsync("/5.ts");
        Until.True(() => clock.Timers.Length > 0, "it waits");
        clock.Pass(TimeSpan.FromSeconds(9.9));
        Assert.False(purging.IsCompleted);
        clock.Pass(TimeSpan.FromSeconds(0.2));
        Assert.Contains("does not answer", (await Assert.ThrowsAsync<IOException>(() => purging)).Message, StringComparison.Ordinal);
        hangs.Set();
    }

    private static Shelved Again(Shelved shelves)
    {
        shelves.Disk.Dispose();
        return new Shelved(folder: shelves.Folder);
    }

    [Fact]
    public async Task A_folder_that_is_removed_is_made_anew()
    {
        using var shelves = new Shelved(pause: Soon);
        shelves.Put("/1.ts", Pattern.Bytes(9000, 1));
        var gone = shelves.Folder + ".gone";
        Directory.Move(shelves.Folder, gone);
        Directory.Delete(gone, recursive: true);
        Assert.Null(await shelves.GetAsync("/1.ts"));
        Until.True(() =>
        {
            shelves.Put("/2.ts", Pattern.Bytes(9000, 2));
            return shelves.Files.Count() == 2;
        }, "a file");
        await shelves.HasAsync("/2.ts", Pattern.Bytes(9000, 2));
        Assert.Equal(2, shelves.Disk.Index.Files);
    }

    [Fact]
    public async Task A_folder_in_it_that_is_removed_is_made_anew_too()
    {
        using var shelves = new Shelved(pause: Soon);
        var folder = Path.Combine(shelves.Folder, DiskName.FolderName(DiskName.Head(DiskName.KeyOf("/1.ts")).Folder));
        Directory.Delete(folder);
        shelves.Put("/1.ts", Pattern.Bytes(9000, 1));
        Until.True(() => Directory.Exists(folder) && shelves.Disk.Fault is null, "the folder");
        shelves.Put("/1.ts", Pattern.Bytes(9000, 1));
        await shelves.HasAsync("/1.ts", Pattern.Bytes(9000, 1));
    }

    [Fact]
    public async Task A_place_where_no_folder_can_be_is_no_reason_not_to_start()
    {
        using var folder = new DiskFolder();
        var taken = Path.Combine(folder.Path, "taken");
        await File.WriteAllTextAsync(taken, "", TestContext.Current.CancellationToken);
        using var shelves = new Shelved(folder: taken, pause: Soon, looksThrough: false);
        Until.True(() => shelves.Disk.Fault is not null, "a fault");
        shelves.Put("/1.ts", Pattern.Bytes(9000, 1));
        Assert.Null(await shelves.GetAsync("/1.ts"));
        File.Delete(taken);
        Until.True(() => shelves.Disk is { Fault: null, IsScanned: true }, "well");
        shelves.Put("/1.ts", Pattern.Bytes(9000, 1));
        await shelves.HasAsync("/1.ts", Pattern.Bytes(9000, 1));
    }

    [Fact]
    public void Two_do_not_share_a_folder()
    {
        using var first = new Shelved();
        using var second = new Shelved(folder: first.Folder, pause: Soon, looksThrough: false);
        Until.True(() => second.Disk.Fault is not null, "a fault");
        Assert.Contains($"in use by another XLive (process {Environment.ProcessId})", second.Disk.Fault, StringComparison.Ordinal);
        second.Put("/1.ts", Pattern.Bytes(9000, 1));
        Assert.Empty(first.Files);
    }

    [Fact]
    public async Task Where_a_read_hangs_the_origin_is_asked_and_nobody_gets_other_bytes()
    {
        var bytes = Pattern.Bytes(4 * MiB, 1);
        using var folder = new DiskFolder();
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, bytes, "\"1\""));
        await using (var first = await folder.FrontAsync(origin))
        {
            first.Fetch("/a.mp4");
            Until.Equal(4, () => first.Get<DiskCache>().Figures.Writes, "written");
        }
        using var hangs = new ManualResetEventSlim();
        await using var server = await folder.FrontAsync(origin);
        Pattern.AssertSame(bytes.AsSpan(0, 10), server.Fetch("/a.mp4", "Range: bytes=0-9").Body);
        Assert.Single(origin.Requests);
        server.Get<DiskCache>().Files.OnCall = writes =>
        {
            if (!writes)
                hangs.Wait();
        };
        await Crowd.Of(3, _ => Pattern.AssertSame(bytes, server.Fetch("/a.mp4").Body));
        Assert.Equal("it does not answer", server.Get<DiskCache>().Fault);
        Assert.InRange(origin.Requests.Count, 4, 5);
        hangs.Set();
        Pattern.AssertSame(bytes, server.Fetch("/a.mp4").Body);
    }

    [Fact]
    public void What_waits_for_the_disk_is_bounded()
    {
        using var gate = new ManualResetEventSlim(true);
        using var shelves = new Shelved(waiting: 4 * MiB, onCall: writes => gate.Wait());
        gate.Reset();
        var kept = shelves.Make("/a.mp4", Pattern.Bytes(20 * MiB, 1));
        shelves.Disk.Put(kept);
        Assert.InRange(shelves.Disk.Queue.Bytes, 3 * MiB, 4 * MiB);
        Assert.InRange(shelves.Disk.Figures.Dropped, 15, 17);
        gate.Set();
        shelves.Settle();
        Assert.Equal(0, shelves.Disk.Queue.Bytes);
        // Dropped once is not dropped for ever.
        shelves.Disk.Offer(kept, kept.At(19)!, again: true);
        Until.True(() => kept.At(19)!.OnDisk is not null, "written");
    }

    [Fact]
    public async Task Its_figures_are_told()
    {
        using var folder = new DiskFolder();
        var taken = Path.Combine(folder.Path, "taken");
        await File.WriteAllTextAsync(taken, "", TestContext.Current.CancellationToken);
        await using var api = await SessionApi.StartAsync($"backend:\n  mode: http\n  origins: ['http://127.0.0.1:{FreePort.Next()}']\ncache:\n  disk: 64MiB\n  dir: {taken}\n");
        Until.True(() => api.Server.Services.GetService(typeof(DiskCache)) is DiskCache { Fault: not null }, "a fault");
        using var page = JsonDocument.Parse((await api.Ask("GET", "/debug/http-client")).Body);
        var disk = page.RootElement.GetProperty("cache").GetProperty("disk");
        Assert.Equal((64 * MiB, 0, false), (disk.GetProperty("bytes_limit").GetInt32(), disk.GetProperty("hits").GetInt32(), disk.GetProperty("looked_through").GetBoolean()));
        Assert.Contains(taken, disk.GetProperty("fault").GetString(), StringComparison.Ordinal);
        Assert.True(disk.GetProperty("errors").GetInt32() > 0);
        using var stats = JsonDocument.Parse((await api.Ask("GET", "/stats")).Body);
        Assert.Equal(1024, stats.RootElement.GetProperty("cache_disk").GetProperty("files_limit").GetInt32());
        Assert.Contains("\nxlive_cache_disk_degraded 1\n", (await api.Ask("GET", "/metrics")).Text, StringComparison.Ordinal);
    }
}
