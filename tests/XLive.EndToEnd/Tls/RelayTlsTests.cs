using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
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

    /// <summary>The certificate is right and so is each word: but what began encrypted, with a key in its URL, does not go on in clear.</summary>
    [Fact]
    public async Task A_redirect_from_https_into_clear_is_not_followed()
    {
        using var folder = new TempFolder();
        using var authority = await Authority.Make();
        using var clear = new TcpListener(IPAddress.Loopback, 0);
        using var origin = new TcpListener(IPAddress.Loopback, 0);
        clear.Start();
        origin.Start();
        var port = ((IPEndPoint)origin.LocalEndpoint).Port;
        await using var node = await ServerProcess.Start(folder.Path, null, ["--auth.enable=false", $"--live.pull=[{{stream: live/cam, url: \"https://localhost:{port}/cam.flv?key=sk_secret\"}}]"],
            new Surroundings(Environment: new() { ["SSL_CERT_FILE"] = authority.Root }));
        using (var socket = await origin.AcceptSocketAsync(Stop).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Stop))
        {
            using var pem = X509Certificate2.CreateFromPemFile(authority.Chain, authority.Key);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(authority.Chain);
            await using var tls = new SslStream(new NetworkStream(socket));
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = SslStreamCertificateContext.Create(pem, chain, offline: true) }, Stop);
            var head = new byte[4096];
            Assert.True(await tls.ReadAsync(head, Stop) > 0);
            await tls.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 302 Found\r\nLocation: http://localhost:{((IPEndPoint)clear.LocalEndpoint).Port}/cam.flv\r\nContent-Length: 0\r\n\r\n"), Stop);
        }
        var trouble = "";
        for (var i = 0; trouble.Length == 0; i++)
        {
            using var stats = JsonDocument.Parse(await node.Http.GetStringAsync("/stats", Stop));
            trouble = stats.RootElement.GetProperty("live").GetProperty("pulls")[0].GetProperty("trouble").GetString()!;
            Assert.True(i < 500, node.Output);
            await Task.Delay(20, Stop);
        }
        Assert.Equal($"localhost:{port} redirects away from https", trouble);
        Assert.False(clear.Pending(), "it was asked in clear");
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
