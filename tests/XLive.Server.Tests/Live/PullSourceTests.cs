using System.Buffers;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using XLive.Media;
using XLive.Media.Flv;
using XLive.Media.Tests;
using XLive.Server.Ingest.Pull;
using XLive.Server.Live;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Origin;
using XLive.Server.Tests.Tls;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Live;

/// <summary>Where a stream is fetched from may lead elsewhere, may be an impostor, and may lie.</summary>
public sealed class PullSourceTests : IDisposable
{
    private const string Head = "HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\n\r\n";

    private static readonly StreamName Cam = new("live", "cam");

    private readonly CancellationTokenSource _over = new();

    public void Dispose()
    {
        _over.Cancel();
        _over.Dispose();
    }

    private bool IsOver(int within) => _over.Token.WaitHandle.WaitOne(within);

    private static Task<TestServer> NodeAsync(string url, bool onDemand = true, TimeProvider? clock = null) =>
        TestServer.StartAsync(clock ?? TimeProvider.System, $"--live.pull=[{{stream: live/cam, url: \"{url}\", on_demand: {(onDemand ? "true" : "false")}}}]");

    private static IEnumerable<Frame> Frames() => new SyntheticStream { Random = new Random(7), Seconds = 1 }.Frames();

    private static byte[] Flv()
    {
        var written = new ArrayBufferWriter<byte>();
        FlvWriter.WriteHeader(written, hasAudio: true, hasVideo: true);
        FlvWriter.WriteConfiguration(written, SyntheticStream.Video, 0);
        FlvWriter.WriteConfiguration(written, SyntheticStream.Aac, 0);
        foreach (var frame in Frames())
            WireForm.Flv.WriteFrame(written, frame);
        return written.WrittenSpan.ToArray();
    }

    private void Hold(HostileOrigin.Wire wire)
    {
        wire.Say(Head).Send(Flv());
        IsOver(Timeout.Infinite);
    }

    private static void Redirect(HostileOrigin.Wire wire, string to, int status = 302) =>
        wire.Say($"HTTP/1.1 {status} Elsewhere\r\n{(to.Length == 0 ? "" : $"Location: {to}\r\n")}Content-Length: 0\r\n\r\n");

    [Fact]
    public async Task A_redirect_is_followed_and_the_password_stays_where_it_belongs()
    {
        using var edge = new HostileOrigin((_, _, wire) => Hold(wire));
        using var first = new HostileOrigin((heard, _, wire) => Redirect(wire, heard.Target == "/cam.flv" ? "/moved?x=1" : edge.Url + "/there.flv", heard.Target == "/cam.flv" ? 301 : 307));
        await using var node = await NodeAsync(first.Url.Replace("//", "//ann:word@", StringComparison.Ordinal) + "/cam.flv", onDemand: false);
        Until.True(() => node.Get<LiveStreams>().TryFind(Cam, out var found) && found.HasFrames, "it comes from where the redirects lead");
        Assert.Equal(["/cam.flv", "/moved?x=1"], first.Asked.Select(static a => a.Target));
        Assert.All(first.Asked, static a => Assert.Equal("Basic " + Convert.ToBase64String("ann:word"u8), a["Authorization"]));
        Assert.Equal(("/there.flv", null), (edge.Asked.Single().Target, edge.Asked.Single()["Authorization"]));
    }

    [Theory]
    [InlineData("", 1, "redirects to nowhere")]
    [InlineData("/again", 6, "redirects more than 5 times")]
    [InlineData("https://127.0.0.1/cam.flv", 1, "redirects away from http")]
    [InlineData("rtmp://127.0.0.1/live/cam", 1, "redirects away from http")]
    [InlineData("file:///etc/passwd", 1, "redirects away from http")]
    [InlineData("http://169.254.169.254/latest/meta-data", 1, "redirects further into the network")]
    [InlineData("http://[fe80::1]/cam.flv", 1, "redirects further into the network")]
    [InlineData("http://[::ffff:169.254.169.254]/", 1, "redirects further into the network")]
    public async Task A_redirect_that_leads_astray_is_not_followed(string to, int asked, string why)
    {
        using var origin = new HostileOrigin((_, _, wire) => Redirect(wire, to));
        await using var node = await NodeAsync(origin.Url + "/cam.flv");
        Assert.Equal(503, node.Fetch("/live/cam.flv").Status);
        Until.True(() => node.Get<Pulls>().All.Single().Trouble.EndsWith(why, StringComparison.Ordinal), why);
        Assert.Equal((asked, 0), (origin.Asked.Count, node.Get<LiveStreams>().Count));
    }

    [Theory]
    [InlineData("8.8.8.8", 0)]
    [InlineData("2606:4700::1111", 0)]
    [InlineData("172.32.0.1", 0)]
    [InlineData("10.0.0.1", 1)]
    [InlineData("172.31.255.255", 1)]
    [InlineData("192.168.1.1", 1)]
    [InlineData("100.64.0.1", 1)]
    [InlineData("fd00::1", 1)]
    [InlineData("64:ff9b::10.0.0.1", 1)]
    [InlineData("127.8.8.8", 2)]
    [InlineData("::1", 2)]
    [InlineData("::ffff:127.0.0.1", 2)]
    [InlineData("169.254.169.254", 3)]
    [InlineData("64:ff9b::169.254.169.254", 3)]
    [InlineData("fe80::1", 3)]
    [InlineData("0.0.0.0", 3)]
    [InlineData("::", 3)]
    [InlineData("239.1.1.1", 3)]
    public void How_far_inside_an_address_lies(string address, int depth) => Assert.Equal(depth, NetworkDepth.Of(IPAddress.Parse(address)));

    [Theory]
    [InlineData("https")]
    [InlineData("rtmps")]
    public async Task An_impostor_s_certificate_ends_it_before_anything_is_said(string scheme)
    {
        var pair = TestAuthority.SelfSigned("127.0.0.1");
        using var certificate = X509CertificateLoader.LoadPkcs12(X509Certificate2.CreateFromPem(pair.Certificate, pair.Key).Export(X509ContentType.Pkcs12), null);
        using var origin = new HostileOrigin((_, _, wire) => Hold(wire), certificate);
        await using var node = await NodeAsync($"{scheme}://127.0.0.1:{origin.Port}/live/cam.flv?key=sk_secret");
        Assert.Equal(503, node.Fetch("/live/cam.flv").Status);
        Until.Equal($"127.0.0.1:{origin.Port}: its certificate is not valid here", () => node.Get<Pulls>().All.Single().Trouble, "what is wrong");
        Assert.Empty(origin.Asked);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 20\r\n\r\n<html>Welcome</html>", "sends no FLV: no FLV of version 1")]
    [InlineData(Head + "FLV\u0001\u0005\0\0\0\u0009\0\0\0\0\u0029\0\0\u0001\0\0\0\0\0\0\0", "sends no FLV: an encrypted tag")]
    [InlineData(Head + "FLV\u0001\u0005\0\0\0\u0009\0\0\0\0\u0009\u00ff\u00ff\u00ff\0\0\0\0\0\0\0", "sends no FLV: a tag of 16777215 bytes")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFLV\r\n", "Exception")]
    [InlineData("RTSP/1.0 200 OK\r\n\r\n", "HttpRequestException")]
    [InlineData("HTTP/1.1 206 Partial Content\r\nContent-Length: 0\r\n\r\n", "answered 206")]
    public async Task What_is_no_stream_is_said_to_be_none(string answer, string why)
    {
        using var origin = new HostileOrigin((_, _, wire) =>
        {
            wire.Say(answer);
            IsOver(Timeout.Infinite);
        });
        await using var node = await NodeAsync(origin.Url + "/cam.flv");
        Assert.Equal(503, node.Fetch("/live/cam.flv").Status);
        Until.True(() => node.Get<Pulls>().All.Single().Trouble.EndsWith(why, StringComparison.Ordinal), why);
        Assert.Equal(0, node.Get<LiveStreams>().Count);
    }

    [Fact]
    public async Task A_head_without_an_end_is_read_no_further_than_any_head()
    {
        var sent = 0L;
        using var origin = new HostileOrigin((_, _, wire) =>
        {
            wire.Say("HTTP/1.1 200 OK\r\n");
            var line = Encoding.ASCII.GetBytes("X-Endless: " + new string('x', 1000) + "\r\n");
            while (true)
                sent += wire.Send(line) is null ? 0 : line.Length;
        });
        await using var node = await NodeAsync(origin.Url + "/cam.flv");
        Assert.Equal(503, node.Fetch("/live/cam.flv").Status);
        Until.True(() => node.Get<Pulls>().All.Single().Trouble.EndsWith("HttpRequestException", StringComparison.Ordinal), "it is refused");
        // 64 KiB, and what lay in the sockets' buffers.
        Assert.InRange(sent, 60_000, 32 << 20);
    }

    [Fact]
    public async Task Bytes_that_bring_no_frame_are_silence()
    {
        var clock = new HandClock();
        using var origin = new HostileOrigin((_, _, wire) =>
        {
            wire.Say(Head).Send(Flv());
            // A tag of metadata that takes a day.
            wire.Say("\u0012\u0070\0\0\0\0\0\0\0\0\0");
            while (!IsOver(1))
                wire.Say("x");
        });
        await using var node = await NodeAsync(origin.Url + "/cam.flv", onDemand: false, clock);
        var streams = node.Get<LiveStreams>();
        clock.Pass(TimeSpan.FromSeconds(1));
        // All of it: what a second read brought would begin the nine seconds anew.
        var sent = Frames().Sum(static f => (long)f.Payload.Length);
        Until.Equal(sent, () => streams.TryFind(Cam, out var found) && found.Publication is { } its ? its.Received : 0, "it comes");
        var publication = streams.All.Single().Publication!;
        for (var seconds = 0; seconds < 8; seconds++)
        {
            clock.Pass(TimeSpan.FromSeconds(1));
            Assert.Null(publication.EndedFor);
            IsOver(30);
        }
        clock.Pass(TimeSpan.FromSeconds(1.5));
        Until.Equal(PublishEnd.Lost, () => publication.EndedFor ?? PublishEnd.Finished, "nine seconds without a frame");
        Until.Equal($"nothing came from 127.0.0.1:{origin.Port}", () => node.Get<Pulls>().All.Single().Trouble, "what is wrong");
    }
}
