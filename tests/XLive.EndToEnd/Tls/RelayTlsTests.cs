using System.Buffers;
using XLive.EndToEnd.Harness;
using XLive.Media;
using XLive.Media.Flv;
using XLive.Media.Tests;

namespace XLive.EndToEnd.Tls;

/// <summary>Streams between two nodes over TLS, where the certificate is signed by whom the fetching process trusts.</summary>
public sealed class RelayTlsTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Streams_are_fetched_and_forwarded_over_TLS_and_the_good_bye_goes_over_it_too()
    {
        using var folder = new TempFolder();
        using var authority = await Authority.Make();
        var (https, rtmps) = (FreePort.Next(), FreePort.Next());
        string[] open = ["--auth.enable=false", "--access.enable=false"];
        await using var origin = await ServerProcess.Start(folder.Path, [.. open, $"--tls.port={https}", $"--rtmps.port={rtmps}", $"--tls.certificate={authority.Chain}", $"--tls.key={authority.Key}", "--live.reconnect_grace=10m"]);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var pushing = PushAsync(origin, over.Token);
        try
        {
            await using var node = await ServerProcess.Start(folder.Path, null, [.. open,
                $"--live.pull=[{{stream: live/https, url: \"https://localhost:{https}/live/cam.flv\"}}, {{stream: live/rtmps, url: \"rtmps://localhost:{rtmps}/live/cam\"}}]",
                $"--live.forward=[{{stream: live/https, url: \"rtmps://localhost:{rtmps}/live/back\"}}]"], new Surroundings(Environment: new() { ["SSL_CERT_FILE"] = authority.Root }));
            await SeeAsync(node, "/live/https.flv");
            await SeeAsync(node, "/live/rtmps.flv");
            using var watcher = await FlvWatcher.Begin(origin, "/live/back.flv", Stop);
            var pictures = 0;
            // To the stream's end, which without a good-bye is ten minutes away.
            var watching = watcher.Watch(tag => pictures += IsPicture(tag) ? 1 : 0, Stop);
            while (Volatile.Read(ref pictures) < 10)
                await Task.Delay(20, Stop);
            Assert.Equal(0, await node.Stop());
            await watching.WaitAsync(TimeSpan.FromSeconds(60), Stop);
        }
        finally
        {
            await over.CancelAsync();
            await Task.WhenAny(pushing);
        }
    }

    private static async Task SeeAsync(ServerProcess server, string path)
    {
        using var watcher = await FlvWatcher.Begin(server, path, Stop);
        using var seen = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var pictures = 0;
        await watcher.Watch(tag =>
        {
            if (IsPicture(tag) && ++pictures == 10)
                seen.Cancel();
        }, seen.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Assert.True(pictures >= 10, $"{path}: {pictures} pictures\n{server.Output}");
    }

    private static bool IsPicture(in FlvTag tag) => tag.Type == FlvTagType.Video && tag.Body.Span[1] == 1;

    // As fast as it plays, with a key frame twice a second.
    private static async Task PushAsync(ServerProcess server, CancellationToken stop)
    {
        using var encoder = await RtmpEncoder.Begin(server.RtmpPort, "cam", stop);
        var output = new ArrayBufferWriter<byte>();
        RtmpEncoder.Write(output, SyntheticStream.Video);
        RtmpEncoder.Write(output, SyntheticStream.Aac);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        foreach (var frame in new SyntheticStream { Random = new Random(7), Seconds = 120, Gop = 0.5, VideoBytes = 2000 }.Frames())
        {
            RtmpEncoder.Write(output, frame);
            await encoder.Send(output.WrittenMemory, stop);
            output.ResetWrittenCount();
            if (TimeSpan.FromMilliseconds(frame.Decoded.Milliseconds) - clock.Elapsed is { Ticks: > 0 } early)
                await Task.Delay(early, stop);
        }
    }
}
