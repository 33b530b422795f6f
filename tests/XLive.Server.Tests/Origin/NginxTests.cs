using XLive.Server.Playback.Vod.Origin;

namespace XLive.Server.Tests.Origin;

/// <summary>nginx as the origin, in clear and over TLS.</summary>
public sealed class NginxTests
{
    private static readonly byte[] s_body = HostileOrigin.Bytes(3_000_000);

    private static OriginOptions Https(NginxOrigin nginx) => new() { Host = "127.0.0.1", Port = nginx.Tls, UseHttps = true, SslVerify = false };

    [Theory]
    [InlineData(OriginHttp2Word.Auto, true, "HTTP/2.0", "HTTP/1.1")]
    [InlineData(OriginHttp2Word.On, true, "HTTP/2.0", "HTTP/2.0")]
    [InlineData(OriginHttp2Word.Off, true, "HTTP/1.1", "HTTP/1.1")]
    [InlineData(OriginHttp2Word.Auto, false, "HTTP/1.1", "HTTP/1.1")]
    public async Task Playlists_come_over_HTTP2_where_it_is_spoken_and_media_over_HTTP1(OriginHttp2Word word, bool speaks, string playlists, string media)
    {
        using var nginx = new NginxOrigin(speaks);
        nginx.Write("a.m3u8", "#EXTM3U\n"u8.ToArray());
        nginx.Write("a.ts", s_body);
        var options = Https(nginx);
        options.Http2 = (OriginHttp2)word;
        using var asker = new Asker(options);
        for (var i = 0; i < 2; i++)
        {
            foreach (var (path, kind, protocol) in new[] { ("/a.m3u8", OriginKind.Playlist, playlists), ("/a.m3u8", OriginKind.Small, playlists), ("/a.ts", OriginKind.Media, media) })
            {
                var (reply, body) = await asker.Fetch(new OriginRequest(path, "", kind));
                Assert.Equal((200, protocol), (reply.Status, reply.Header("X-Protocol")));
                Assert.Equal(kind == OriginKind.Media ? s_body.Length : 8, body.Length);
            }
        }
        var server = asker.Client.Servers[0];
        Assert.Equal((0, 0, 0), (server.Pending, server.Connections.Taken, server.Streams.Taken));
        Assert.True(server.Http1.Created + server.Http2.Created <= 2, "a connection for each request");
    }

    [Theory]
    [InlineData(OriginHttp2Word.Off)]
    [InlineData(OriginHttp2Word.On)]
    public async Task Parts_and_conditions(OriginHttp2Word word)
    {
        using var nginx = new NginxOrigin();
        nginx.Write("a.ts", s_body);
        var options = Https(nginx);
        options.Http2 = (OriginHttp2)word;
        using var asker = new Asker(options);
        var request = new OriginRequest("/a.ts", "", OriginKind.Media);
        var (whole, all) = await asker.Fetch(request);
        Assert.Equal(s_body, all);
        var (part, some) = await asker.Fetch(request with { First = 1 << 20, Last = (2 << 20) - 1, IfMatchTag = whole.StrongTag });
        Assert.Equal((206, 1L << 20, s_body.Length), (part.Status, part.First, (int)part.Total));
        Assert.Equal(s_body[(1 << 20)..(2 << 20)], some);
        Assert.Equal(304, (await asker.Fetch(request with { IfNoneMatch = whole.StrongTag })).Reply.Status);
        Assert.Equal(416, (await asker.Fetch(request with { First = 5_000_000 })).Reply.Status);
        Assert.Equal(404, (await asker.Fetch("/b.ts")).Reply.Status);
        var (head, none) = await asker.Fetch(request with { IsHead = true });
        Assert.Equal((s_body.Length, 0), ((int)head.Total, none.Length));
        // Left after the first bytes: an HTTP/2 stream is reset, and its connection stays.
        await using (var left = await asker.Open(request))
            await left.ReadAsync(new byte[1000], TestContext.Current.CancellationToken);
        Assert.Equal(s_body, (await asker.Fetch(request)).Body);
        nginx.Write("a.ts", HostileOrigin.Bytes(3_000_001, seed: 2));
        Assert.Equal(OriginFault.Changed, (await asker.Fault(request with { First = 1000, IfMatchTag = whole.StrongTag })).Fault);
    }

    [Theory]
    [InlineData(OriginHttp2Word.On, true, "HTTP/2.0")]
    [InlineData(OriginHttp2Word.Auto, false, "HTTP/1.1")]
    public async Task In_clear_HTTP2_is_spoken_only_where_it_is_told_to_be(OriginHttp2Word word, bool speaks, string protocol)
    {
        using var nginx = new NginxOrigin(speaks);
        nginx.Write("a.m3u8", "#EXTM3U\n"u8.ToArray());
        using var asker = new Asker(new OriginOptions { Host = "127.0.0.1", Port = nginx.Clear, Http2 = (OriginHttp2)word });
        Assert.Equal(protocol, (await asker.Fetch(new OriginRequest("/a.m3u8", "", OriginKind.Playlist))).Reply.Header("X-Protocol"));
    }

    [Fact]
    public async Task A_certificate_that_nobody_vouches_for_is_refused_and_the_reason_said()
    {
        using var nginx = new NginxOrigin();
        nginx.Write("a.ts", [1]);
        var options = Https(nginx);
        (options.SslVerify, options.Retries) = (true, 0);
        using var asker = new Asker(options);
        var fault = await asker.Fault();
        Assert.Equal(OriginFault.Refused, fault.Fault);
        Assert.Contains("TLS: ", fault.Message, StringComparison.Ordinal);
        Assert.Contains("certificate", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_Host_set_is_the_name_asked_for_in_TLS()
    {
        using var nginx = new NginxOrigin();
        nginx.Write("a.ts", [1]);
        var options = Https(nginx);
        options.HostHeader = "films.example";
        using var asker = new Asker(options);
        Assert.Equal("films.example", (await asker.Fetch("/a.ts")).Reply.Header("X-Name"));
    }

    [Fact]
    public async Task Without_HTTP2_there_is_no_connection_where_it_must_be()
    {
        using var nginx = new NginxOrigin(http2: false);
        var options = Https(nginx);
        (options.Http2, options.Retries) = (OriginHttp2.On, 0);
        using var asker = new Asker(options);
        var fault = await asker.Fault();
        Assert.Equal(OriginFault.Refused, fault.Fault);
        Assert.Contains("TLS: ", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Over_TLS_nothing_is_lost_beside_a_reader_in_small_steps()
    {
        using var nginx = new NginxOrigin();
        nginx.Write("a.ts", s_body);
        using var asker = new Asker(Https(nginx));
        await using var reply = await asker.Open(new OriginRequest("/a.ts", "", OriginKind.Media));
        Assert.Equal(s_body, await Asker.Read(reply, piece: 777));
    }

    /// <summary>The settings' words, as a test's parameter may hold them.</summary>
    public enum OriginHttp2Word { Auto, On, Off }
}
