using XLive.Server.Playback.Vod.Origin;

namespace XLive.Server.Tests.Origin;

/// <summary>What goes over the wire to an origin, and what of a good answer comes back.</summary>
public sealed class AskingTests
{
    private static OriginRequest Media(string path) => new(path, "", OriginKind.Media);

    [Fact]
    public async Task A_file_and_a_part_of_it_arrive_over_one_connection()
    {
        var body = HostileOrigin.Bytes(300_000);
        using var origin = new HostileOrigin(HostileOrigin.File(body));
        using var asker = new Asker(origin);
        var (whole, all) = await asker.Fetch("/films/a.ts");
        Assert.Equal((200, 0L, 300_000L, 300_000L, "\"v1\"", true), (whole.Status, whole.First, whole.Length, whole.Total, whole.StrongTag, whole.IsDelimited));
        Assert.Equal(body, all);
        var (part, some) = await asker.Fetch(Media("/films/a.ts") with { First = 1000, Last = 1999, IfMatchTag = "\"v1\"" });
        Assert.Equal((206, 1000L, 1000L, 300_000L), (part.Status, part.First, part.Length, part.Total));
        Assert.Equal(body[1000..2000], some);
        Assert.Equal(("bytes=1000-1999", "\"v1\""), (origin.Asked[1]["Range"], origin.Asked[1]["If-Range"]));
        var (rest, end) = await asker.Fetch(Media("/films/a.ts") with { First = 299_000, Last = 400_000 });
        Assert.Equal((206, 1000L), (rest.Status, rest.Length));
        Assert.Equal(body[299_000..], end);
        var (head, none) = await asker.Fetch(Media("/films/a.ts") with { IsHead = true });
        Assert.Equal((200, 0L, 300_000L, 0), (head.Status, head.Length, head.Total, none.Length));
        Assert.Equal(1, origin.Connections);
        var server = asker.Client.Servers[0];
        Assert.Equal((4L, 1L, 3L, 1, 0), (server.Http1.Requests, server.Http1.Created, server.Http1.Reused, server.Http1.Open, server.Pending));
        Assert.Equal(0, asker.Client.Connections.Taken);
    }

    [Fact]
    public async Task Nothing_is_sent_but_what_was_asked_for()
    {
        using var origin = new HostileOrigin(HostileOrigin.File([1]));
        using var asker = new Asker(new OriginOptions
        {
            Origins = [origin.Url + "/store/"],
            Headers = new() { ["X-Origin-Key"] = "sesame", ["user-agent"] = "XLive/site" },
        });
        KeyValuePair<string, string>[] named =
        [
            new("Cookie", "session=1"), new("Authorization", "Bearer xl_1"), new("Referer", "http://site/?token=1"), new("X-Forwarded-For", "10.0.0.1"),
            new("Connection", "X-User"), new("X-User", "kept"), new("Upgrade", "h2c"), new("Host", "inside"), new("Range", "bytes=0-"), new("TE", "gzip"),
            new("If-Range", "\"x\""), new("Content-Length", "5"), new("Transfer-Encoding", "chunked"), new("Proxy-Authorization", "x"), new("X-Evil", "a\r\nX-Injected: 1"),
            new("Bad Name", "x"), new("Accept-Language", "fü"), new("Via", "1.1 x"), new("Expect", "100-continue"),
        ];
        // A trace of ours would go on as traceparent.
        using var trace = new System.Diagnostics.Activity("a viewer's request").Start();
        await asker.Fetch(Media("/a%2e/ü b?#&=+%/%2F.ts") with { Headers = named });
        var head = Assert.Single(origin.Asked).Head;
        Assert.Equal("GET /store/a%252e/%C3%BC%20b%3F%23&=+%25/%252F.ts HTTP/1.1", origin.Asked[0].Line);
        var lines = head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries)[1..].Select(static l => l.ToLowerInvariant()).Order(StringComparer.Ordinal);
        Assert.Equal(["accept-encoding: identity", "accept-language: fü", $"host: 127.0.0.1:{origin.Port}", "user-agent: xlive/site", "x-origin-key: sesame", "x-user: kept"],
            lines);
    }

    [Fact]
    public async Task A_query_goes_on_as_it_is()
    {
        using var origin = new HostileOrigin(HostileOrigin.File([1]));
        using var asker = new Asker(origin);
        await asker.Fetch(new OriginRequest("/live/a.m3u8", "?_HLS_msn=7&_HLS_part=1", OriginKind.Playlist));
        Assert.Equal("/live/a.m3u8?_HLS_msn=7&_HLS_part=1", origin.Asked[0].Target);
        await Assert.ThrowsAsync<ArgumentException>(() => asker.Fetch("a.ts"));
        Assert.Single(origin.Asked);
    }

    [Fact]
    public async Task An_encoding_that_was_asked_for_comes_as_it_is()
    {
        using var origin = new HostileOrigin(static (_, _, wire) =>
            wire.Say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nVary: Accept-Encoding\r\nContent-Length: 3\r\n\r\nabc"));
        using var asker = new Asker(origin);
        var (reply, body) = await asker.Fetch(Media("/a.vtt") with { Headers = [new("Accept-Encoding", "gzip;q=1.0")] });
        Assert.Equal(("gzip", "gzip;q=1.0", 3), (reply.Header("Content-Encoding"), origin.Asked[0]["Accept-Encoding"], body.Length));
    }

    [Fact]
    public async Task Another_Host_is_sent_where_one_is_set()
    {
        using var origin = new HostileOrigin(HostileOrigin.File([1]));
        using var asker = new Asker(new OriginOptions { Host = "127.0.0.1", Port = origin.Port, HostHeader = "films.example:8080" });
        await asker.Fetch("/a.ts");
        Assert.Equal("films.example:8080", origin.Asked[0]["Host"]);
    }

    [Fact]
    public async Task A_condition_has_its_answer()
    {
        using var origin = new HostileOrigin(static (_, _, wire) => wire.Say("HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\nCache-Control: max-age=5\r\n\r\n"));
        using var asker = new Asker(origin);
        var (reply, body) = await asker.Fetch(Media("/a.ts") with { IfNoneMatch = "\"v1\"", IfModifiedSince = "Sun, 01 Mar 2026 00:00:00 GMT" });
        Assert.Equal((304, 0L, 0, "max-age=5"), (reply.Status, reply.Length, body.Length, reply.Header("cache-control")));
        Assert.Equal(("\"v1\"", "Sun, 01 Mar 2026 00:00:00 GMT"), (origin.Asked[0]["If-None-Match"], origin.Asked[0]["If-Modified-Since"]));
    }

    [Fact]
    public async Task What_belongs_to_one_connection_stays_there()
    {
        using var origin = new HostileOrigin(static (_, _, wire) => wire.Say(
            "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\nTrailer: X\r\n"
            + "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-U: ü\r\nETag: W/\"weak\"\r\nContent-Type: video/mp2t\r\nContent-Length: 1\r\n\r\nx"));
        using var asker = new Asker(origin);
        var (reply, _) = await asker.Fetch("/a.ts");
        Assert.Equal(["Content-Length: 1", "Content-Type: video/mp2t", "ETag: W/\"weak\"", "Set-Cookie: a=1", "Set-Cookie: b=2"],
            reply.Headers.Select(static h => $"{h.Key}: {h.Value}").Where(static h => !h.StartsWith("X-", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Null(reply.Header("X-Hop"));
        Assert.Equal("ü", reply.Header("X-U"));
        Assert.Null(reply.StrongTag);
    }

    [Theory]
    [InlineData(301, "http://127.0.0.1:1/inside")]
    [InlineData(302, "/a.ts")]
    [InlineData(307, "http://169.254.169.254/latest/meta-data/")]
    public async Task A_redirect_is_a_reply_and_not_followed(int status, string to)
    {
        using var origin = new HostileOrigin((_, _, wire) => wire.Say($"HTTP/1.1 {status} Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"));
        using var asker = new Asker(origin);
        var (reply, _) = await asker.Fetch("/a.ts");
        Assert.Equal((status, to), (reply.Status, reply.Header("Location")));
        Assert.Single(origin.Asked);
    }

    [Fact]
    public async Task No_cookie_of_an_answer_is_sent_back()
    {
        using var origin = new HostileOrigin(static (_, _, wire) => wire.Say("HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nContent-Length: 1\r\n\r\nx"));
        using var asker = new Asker(origin);
        await asker.Fetch("/a.ts");
        await asker.Fetch("/a.ts");
        Assert.All(origin.Asked, static a => Assert.Null(a["Cookie"]));
    }

    [Fact]
    public async Task Connections_are_as_many_as_allowed_and_the_others_wait_in_a_queue_with_an_end()
    {
        using var gate = new ManualResetEventSlim();
        using var origin = new HostileOrigin((_, _, wire) =>
        {
            gate.Wait(TimeSpan.FromSeconds(15));
            wire.Say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
        });
        using var asker = new Asker(new OriginOptions { Origins = [origin.Url], ConnectorLimit = 2 });
        var waiting = Enumerable.Range(0, 22).Select(_ => asker.Fetch("/a.ts")).ToList();
        await Eventually(() => asker.Client.Connections is { Taken: 2, Waiting: 20 } && origin.Connections == 2);
        Assert.Equal(OriginFault.Busy, (await asker.Fault()).Fault);
        gate.Set();
        await Task.WhenAll(waiting);
        Assert.Equal((0, 0), (asker.Client.Connections.Taken, asker.Client.Connections.Waiting));
        Assert.True(origin.Connections <= 2, $"{origin.Connections} connections");
    }

    [Fact]
    public async Task A_viewer_who_goes_is_no_failure_of_the_origin()
    {
        using var origin = new HostileOrigin(static (_, _, _) => { });
        using var asker = new Asker(origin);
        using var gone = new CancellationTokenSource();
        var asking = asker.Client.OpenAsync(Media("/a.ts"), gone.Token).AsTask();
        await Eventually(() => origin.Asked.Count == 1);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        Assert.All(asker.Client.Servers[0].Stats.Failures, static f => Assert.Equal(0, f.Count));
        Assert.Equal((0, 0), (asker.Client.Servers[0].Pending, asker.Client.Connections.Taken));
    }

    internal static async Task Eventually(Func<bool> holds)
    {
        for (var until = DateTime.UtcNow.AddSeconds(10); !holds(); await Task.Delay(10, TestContext.Current.CancellationToken))
            Assert.True(DateTime.UtcNow < until, "it has not come to be within 10 s");
    }
}
