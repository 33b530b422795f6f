using XLive.Server.Playback.Vod.Origin;
using static XLive.Server.Tests.Origin.Http2Origin.Frames;

namespace XLive.Server.Tests.Origin;

/// <summary>What goes wrong over HTTP/2: streams that are reset, connections that go away, lengths that no frame keeps to.</summary>
public sealed class Http2Tests
{
    private const int Size = 50_000;
    private static readonly byte[] s_body = HostileOrigin.Bytes(Size);

    private static Asker Over(Http2Origin origin, int retries = 2) =>
        new(new OriginOptions { Origins = [origin.Url], SslVerify = false, Http2 = OriginHttp2.On, Retries = retries });

    private static void Whole(Http2Origin.Frames frames) => frames.Headers(Status200, "etag: \"v1\"", $"content-length: {Size}").Data(s_body, end: true);

    private static void Rest(Http2Origin.Frames frames, int at) =>
        frames.Headers(Status206, "etag: \"v1\"", $"content-length: {Size - at}", $"content-range: bytes {at}-{Size - 1}/{Size}").Data(s_body.AsSpan(at), end: true);

    private static Http2Origin.Frames Half(Http2Origin.Frames frames) => frames.Headers(Status200, "etag: \"v1\"", $"content-length: {Size}").Data(s_body.AsSpan(0, 20_000));

    [Theory]
    [InlineData("reset")]
    [InlineData("goaway")]
    [InlineData("short")]
    [InlineData("cut")]
    public async Task What_breaks_off_goes_on(string how)
    {
        using var isRead = new ManualResetEventSlim();
        using var origin = new Http2Origin((number, frames) =>
        {
            if (number > 0)
            {
                Rest(frames, 20_000);
                return;
            }
            Half(frames);
            // A reset overtakes what the reader has not read yet.
            isRead.Wait(TimeSpan.FromSeconds(15));
            switch (how)
            {
                case "reset":
                    frames.ResetStream();
                    break;
                case "goaway":
                    frames.GoAway(0, code: 2).Cut();
                    break;
                case "short":
                    frames.Data([], end: true);
                    break;
                default:
                    frames.Cut();
                    break;
            }
        });
        using var asker = Over(origin);
        await using var reply = await asker.Open(new OriginRequest("/a.m3u8", "", OriginKind.Playlist));
        Assert.Equal((200, (long)Size), (reply.Status, reply.Length));
        var half = new byte[20_000];
        for (var read = 0; read < half.Length;)
            read += await reply.ReadAsync(half.AsMemory(read), TestContext.Current.CancellationToken);
        isRead.Set();
        var rest = await Asker.Read(reply);
        Assert.Equal(s_body, (byte[])[.. half, .. rest]);
        Assert.Equal(1, asker.Client.Servers[0].Stats.Resumes);
        Assert.Equal((0, 0), (asker.Client.Servers[0].Pending, asker.Client.Servers[0].Streams.Taken));
    }

    [Fact]
    public async Task More_than_promised_is_not_given_out()
    {
        using var origin = new Http2Origin(static (_, frames) => frames.Headers(Status200, "etag: \"v1\"", "content-length: 10").Data(s_body.AsSpan(0, 11), end: true));
        using var asker = Over(origin);
        Assert.Equal(OriginFault.BadAnswer, (await asker.Fault()).Fault);
    }

    [Theory]
    [InlineData("content-length: 10", "content-length: 11")]
    [InlineData("content-length: x")]
    [InlineData("connection: close")]
    public async Task A_head_that_cannot_be_is_a_bad_answer(params string[] lines)
    {
        using var origin = new Http2Origin((_, frames) => frames.Headers(Status200, lines).Data(new byte[10], end: true));
        using var asker = Over(origin, retries: 0);
        if (lines[0].StartsWith("connection", StringComparison.Ordinal))
            Assert.Null((await asker.Fetch("/a.m3u8")).Reply.Header("Connection"));
        else
            Assert.Equal(OriginFault.BadAnswer, (await asker.Fault()).Fault);
    }

    [Fact]
    public async Task A_connection_that_goes_away_before_the_answer_is_left_for_another()
    {
        using var origin = new Http2Origin(static (number, frames) =>
        {
            if (number == 0)
                frames.GoAway(0);
            else
                Whole(frames);
        });
        using var asker = Over(origin);
        Assert.Equal(s_body, (await asker.Fetch("/a.m3u8")).Body);
        Assert.Equal(2, origin.Connections);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(2)]
    public async Task A_stream_that_is_refused_is_asked_again(int code)
    {
        using var origin = new Http2Origin((number, frames) =>
        {
            if (number == 0)
                frames.ResetStream(code);
            else
                Whole(frames);
        });
        using var asker = Over(origin);
        Assert.Equal(s_body, (await asker.Fetch("/a.m3u8")).Body);
        Assert.Equal(2, origin.Asked);
    }

    [Fact]
    public async Task Streams_take_no_connection_from_others()
    {
        using var origin = new Http2Origin(static (_, frames) => frames.Headers(Status200, "content-length: 1"));
        using var asker = new Asker(new OriginOptions { Origins = [origin.Url], SslVerify = false, Http2 = OriginHttp2.On, ConnectorLimit = 2 });
        var open = new List<OriginReply>();
        for (var i = 0; i < 5; i++)
            open.Add(await asker.Open(new OriginRequest("/a.m3u8", "", OriginKind.Playlist)));
        var server = asker.Client.Servers[0];
        Assert.Equal((5, 5, 0, 1), (server.Pending, server.Streams.Taken, asker.Client.Connections.Taken, origin.Connections));
        foreach (var reply in open)
            await reply.DisposeAsync();
        Assert.Equal((0, 0), (server.Pending, server.Streams.Taken));
    }

    [Fact]
    public async Task Many_at_once_share_a_connection()
    {
        using var origin = new Http2Origin(static (_, frames) => Whole(frames));
        using var asker = Over(origin);
        await asker.Fetch("/a.m3u8");
        foreach (var (_, body) in await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => asker.Fetch("/a.m3u8"))))
            Assert.Equal(s_body, body);
        Assert.Equal(1, origin.Connections);
        Assert.Equal(20, asker.Client.Servers[0].Http2.Reused);
    }
}
