using System.Diagnostics;
using System.Net;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>Network file systems hang. Whoever waits for one file must not hold up those who want another.</summary>
[Collection(Undisturbed.Name)]
public sealed class SlowDiskTests
{
    // More than half of the threads that one file system may have would be another test: here they all wait at once.
    const int Waiting = 100;

    static readonly byte[] Large = Noise(200_000); // read while it is sent
    static readonly byte[] Small = Noise(20_000); // held in memory

    [Theory, InlineData("getattr"), InlineData("open"), InlineData("read")]
    public async Task Files_that_hang_do_not_hold_up_others(string call)
    {
        var stop = TestContext.Current.CancellationToken;
        using var source = new TempFolder();
        foreach (var folder in (string[])["film", "other", "third"])
        {
            Directory.CreateDirectory(source[folder]);
            await File.WriteAllBytesAsync(Path.Combine(source[folder], "quick.ts"), Large, stop);
            await File.WriteAllBytesAsync(Path.Combine(source[folder], "small.ts"), Small, stop);
            await File.WriteAllTextAsync(Path.Combine(source[folder], "index.m3u8"),
                "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nquick.ts\n#EXT-X-ENDLIST\n", stop);
        }
        for (var i = 0; i < Waiting; i++)
        {
            await File.WriteAllBytesAsync(Path.Combine(source["film"], $"slow{i}.ts"), Large, stop);
        }
        await using var disk = await SlowFileSystem.Mount(source.Path);
        await using var server = await ServerProcess.Start(disk.Root);
        async Task<byte[]> Get(string path) => await server.Http.GetByteArrayAsync(ServerProcess.Sign(path).InQuery, stop);
        async Task Quickly(string path, byte[]? bytes)
        {
            var began = Stopwatch.StartNew();
            var body = await Get(path);
            // What hangs does so until it is told otherwise: on a busy machine three seconds are as good as one.
            Assert.InRange(began.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(3));
            Assert.Equal(bytes ?? body, body);
        }

        await Get("/film/quick.ts");
        await Get("/film/index.m3u8");
        await Get("/other/quick.ts");
        var threads = server.Process.Threads.Count;
        using var hang = disk.Hang(call);
        var hung = Enumerable.Range(0, Waiting).Select(i => Get($"/film/slow{i}.ts")).ToArray();
        await Task.Delay(1500, stop);
        Assert.DoesNotContain(hung, request => request.IsCompleted);

        for (var i = 0; i < 5; i++)
        {
            await Quickly("/film/index.m3u8", null);
            await Quickly("/film/quick.ts", Large);
            await Quickly("/other/quick.ts", Large);
            await Task.Delay(250, stop);
        }
        await Quickly("/other/small.ts", Small); // a file that nobody has asked for yet
        await Quickly("/third/small.ts", Small); // and a directory
        Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync("/health/live", stop)).StatusCode);
        server.Process.Refresh();
        Assert.InRange(server.Process.Threads.Count, threads, threads + Waiting + 30);

        disk.Release();
        foreach (var body in await Task.WhenAll(hung))
        {
            Assert.Equal(Large, body);
        }
    }

    [Fact]
    public async Task What_is_in_memory_is_served_while_the_whole_disk_hangs()
    {
        var stop = TestContext.Current.CancellationToken;
        using var source = new TempFolder();
        Directory.CreateDirectory(source["slow"]);
        await File.WriteAllTextAsync(Path.Combine(source["slow"], "index.m3u8"),
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n0.ts\n#EXT-X-ENDLIST\n", stop);
        await File.WriteAllBytesAsync(Path.Combine(source["slow"], "0.ts"), Small, stop);
        await using var disk = await SlowFileSystem.Mount(source.Path);
        await using var server = await ServerProcess.Start(disk.Root);
        async Task<byte[]> Get(string name) => await server.Http.GetByteArrayAsync(ServerProcess.Sign($"/slow/{name}").InQuery, stop);

        await Get("0.ts");
        await Get("index.m3u8");
        using var hang = disk.Hang("getattr", "open", "read", "readdir");
        await Task.Delay(1500, stop); // older than what needs no look
        for (var i = 0; i < 20; i++)
        {
            var began = Stopwatch.StartNew();
            Assert.StartsWith("#EXTM3U", System.Text.Encoding.UTF8.GetString(await Get("index.m3u8")), StringComparison.Ordinal);
            Assert.Equal(Small, await Get("0.ts"));
            Assert.InRange(began.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        }

        // And it follows the disk again once that answers.
        var newer = Noise(30_000);
        disk.Release();
        await File.WriteAllBytesAsync(Path.Combine(source["slow"], "new.ts"), newer, stop);
        File.Move(Path.Combine(source["slow"], "new.ts"), Path.Combine(source["slow"], "0.ts"), overwrite: true);
        for (var began = Stopwatch.StartNew(); !(await Get("0.ts")).SequenceEqual(newer); await Task.Delay(100, stop))
        {
            Assert.InRange(began.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        }
    }

    static byte[] Noise(int length)
    {
        var bytes = new byte[length];
        Random.Shared.NextBytes(bytes);
        return bytes;
    }
}
