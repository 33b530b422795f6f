using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using XLive.EndToEnd.Harness;
using XLive.Media;
using XLive.Media.Tests;

namespace XLive.EndToEnd;

/// <summary>Streams that come and go by the hundred, and what the process is afterwards: what it was.</summary>
[Collection(Undisturbed.Name)]
public sealed class ThousandStreamsTests
{
    const int AtATime = 10;

    // The runtime keeps what a collection has freed until it has been free for twenty more.
    const int Collections = 22;

    readonly byte[] _first;
    readonly byte[] _rest;
    readonly ConcurrentBag<Task> _watching = [];
    int _seen, _segments;

    public ThousandStreamsTests()
    {
        var frames = new SyntheticStream { Random = new Random(7), Seconds = 2, Gop = 0.5, VideoBytes = 5_000 }.Frames();
        var output = new ArrayBufferWriter<byte>();
        RtmpEncoder.Write(output, SyntheticStream.Video);
        RtmpEncoder.Write(output, SyntheticStream.Aac);
        var half = 0;
        foreach (var frame in frames)
        {
            if (half == 0 && frame.Decoded > Timestamp.FromMilliseconds(1000))
            {
                half = output.WrittenCount;
            }
            RtmpEncoder.Write(output, frame);
        }
        (_first, _rest) = (output.WrittenSpan[..half].ToArray(), output.WrittenSpan[half..].ToArray());
    }

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task After_a_thousand_streams_memory_and_descriptors_are_what_they_were()
    {
        using var folder = new TempFolder();
        // Code that runs hot is compiled anew for minutes, and its megabytes are no stream's.
        await using var server = await ServerProcess.Start(folder.Path, null, ["--auth.enable=false", "--access.enable=false", "--live.segment_seconds=0.5",
            "--live.reconnect_grace=1s", "--log.level=warning"], new Surroundings(Environment: new() { ["DOTNET_TieredCompilation"] = "0" }));
        // What the test keeps open is not the server's.
        server.Http.DefaultRequestHeaders.ConnectionClose = true;
        await PublishAll(server, "warm", 200);
        var (memory, descriptors) = await Settled(server);
        var (idle, clock) = (server.CpuTime(), Stopwatch.StartNew());
        await PublishAll(server, "cam", 1000);
        var took = clock.Elapsed;
        var (memoryAfter, descriptorsAfter) = await Settled(server);
        // The web server's pool of buffers gives back what has lain idle, from ten seconds on.
        while ((memoryAfter > memory * 1.02 || descriptorsAfter > descriptors * 1.02) && clock.Elapsed < took + TimeSpan.FromSeconds(30))
        {
            await Task.Delay(1000, Stop);
            (memoryAfter, descriptorsAfter) = await Settled(server);
        }
        TestContext.Current.SendDiagnosticMessage("{0:0.0} MiB before, {1:0.0} after; {2} descriptors, {3}; {4} frames seen, {5} segments; {6:0.0} s, of processor {7:0.0}, settled after {8:0.0}",
            memory / 1048576.0, memoryAfter / 1048576.0, descriptors, descriptorsAfter, _seen, _segments, took.TotalSeconds, (server.CpuTime() - idle).TotalSeconds, (clock.Elapsed - took).TotalSeconds);
        Assert.True(memoryAfter <= memory * 1.02, $"{memory >> 10} KiB before the thousand, {memoryAfter >> 10} KiB after");
        Assert.InRange(descriptorsAfter, 1, descriptors * 102 / 100);
        // They were streams: with viewers to the end, and with segments.
        Assert.True(_seen > 300 * 40 && _segments >= 100, $"{_seen} frames were seen, {_segments} segments fetched");
    }

    async Task PublishAll(ServerProcess server, string name, int count)
    {
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, AtATime).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var i && i < count)
            {
                await Publish(server, $"{name}-{i}", i);
            }
        }, Stop)));
        await Task.WhenAll(_watching);
        _watching.Clear();
    }

    async Task Publish(ServerProcess server, string name, int i)
    {
        using var encoder = await RtmpEncoder.Begin(server.RtmpPort, name, Stop);
        await encoder.Send(_first, Stop);
        if (i % 3 == 0)
        {
            var watcher = await FlvWatcher.Begin(server, $"/live/{name}.flv", Stop);
            _watching.Add(Watch(watcher));
        }
        await encoder.Send(_rest, Stop);
        if (i % 10 == 0)
        {
            await FetchSegment(server, name);
        }
        switch (i % 4)
        {
            // Those who are lost are waited for, and their viewers with them.
            case 1:
                encoder.Drop();
                break;
            case 3:
                encoder.Dispose();
                break;
            default:
                await encoder.Leave(Stop);
                break;
        }
    }

    async Task Watch(FlvWatcher watcher)
    {
        using (watcher)
        {
            await watcher.Watch(_ => Interlocked.Increment(ref _seen), Stop);
        }
    }

    async Task FetchSegment(ServerProcess server, string name)
    {
        var (path, playlist) = ($"/live/{name}.m3u8", "");
        // The multivariant one, then its child.
        for (var i = 0; i < 2; i++)
        {
            playlist = await server.Http.GetStringAsync(path, Stop);
            path = new Uri(new Uri(server.Url(path)), playlist.Split('\n').First(static l => l.Length > 0 && l[0] != '#')).AbsolutePath;
        }
        Assert.True((await server.Http.GetByteArrayAsync(path, Stop)).Length > 10_000);
        _ = Interlocked.Increment(ref _segments);
    }

    /// <summary>When no stream is left, and nothing of any.</summary>
    static async Task<(long Memory, int Descriptors)> Settled(ServerProcess server)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            using var stats = JsonDocument.Parse(await server.Http.GetStringAsync("/stats", Stop));
            var live = stats.RootElement.GetProperty("live");
            if (live.GetProperty("streams").GetInt32() == 0 && live.GetProperty("memory_bytes").GetInt64() == 0 && stats.RootElement.GetProperty("rtmp").GetProperty("open").GetInt32() == 0)
            {
                break;
            }
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(40), $"not settled: {live}");
            await Task.Delay(200, Stop);
        }
        for (var i = 0; i < Collections; i++)
        {
            await RuntimeDiagnostics.Collect(server.Process.Id, Stop);
        }
        return (server.Memory(), Directory.GetFileSystemEntries($"/proc/{server.Process.Id}/fd").Length);
    }
}
