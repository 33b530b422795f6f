using Microsoft.AspNetCore.Http;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Cache;

/// <summary>Films of another server, as a viewer sees them.</summary>
public sealed class OriginFilmTests
{
    private const string Multivariant = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000000\n720/index.m3u8\n";

    private static string Film(int port) =>
        $"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-KEY:METHOD=AES-128,URI=\"secret.bin\"\n#EXTINF:4,\na.ts\n#EXTINF:4,\nhttp://127.0.0.1:{port}/film/720/b.ts\n#EXT-X-ENDLIST\n";

    private static Task Answer(HttpContext context) => context.Request.Path.Value switch
    {
        "/film/index.m3u8" => context.Response.WriteAsync(Multivariant),
        "/film/720/index.m3u8" => context.Response.WriteAsync(Film(context.Connection.LocalPort)),
        "/film/720/secret.bin" => ScriptedOrigin.File(context, "0123456789abcdef"u8.ToArray(), "\"k\"", "public, max-age=3600"),
        "/film/720/a.ts" or "/film/720/b.ts" => ScriptedOrigin.File(context, Pattern.Bytes(300_000, 4), "\"s\""),
        _ => ScriptedOrigin.NotFound(context),
    };

    [Theory]
    [InlineData("256MiB")]
    [InlineData("0")]
    public async Task A_film_plays_from_one_link_to_its_end(string memory)
    {
        await using var origin = await ScriptedOrigin.StartAsync(Answer);
        await using var server = await origin.FrontAsync("--cache.memory=" + memory);
        using var client = server.Connect();
        var entry = client.Ask("GET", TestServer.Signed("/film/index.m3u8"));
        Assert.Equal((200, "application/vnd.apple.mpegurl"), (entry.Status, entry["Content-Type"]));
        var further = entry.Text.Split('\n').Single(static l => l.StartsWith("/~s1.", StringComparison.Ordinal));
        var film = client.Ask("GET", further).Text;
        Assert.Contains("\na.ts\n", film, StringComparison.Ordinal);
        // The origin's own address is nothing to a viewer.
        Assert.Contains("\nb.ts\n", film, StringComparison.Ordinal);
        var below = further[..(further.LastIndexOf('/') + 1)];
        Pattern.AssertSame(Pattern.Bytes(300_000, 4), client.Ask("GET", below + "a.ts").Body);
        var key = client.Ask("GET", below + "secret.bin");
        Assert.Equal(("0123456789abcdef", "private, no-store"), (key.Text, key["Cache-Control"]));
        Assert.Equal(404, client.Ask("GET", below + "none.ts").Status);
    }

    [Fact]
    public async Task Nothing_that_lets_a_viewer_in_reaches_the_origin()
    {
        await using var origin = await ScriptedOrigin.StartAsync(Answer);
        await using var server = await origin.FrontAsync("--backend.headers={X-Origin-Key: known-to-both}");
        var grant = TestServer.Grant("viewer-17");
        using var client = server.Connect();
        string[] told =
        [
            "Cookie: session=cookie-17", "Authorization: Bearer bearer-17", "Referer: http://site/watch?token=referer-17", "X-Forwarded-For: 10.9.8.7",
            "X-Original-URL: /admin-17", "CMCD-Session: sid=\"cmcd-17\"", "Connection: X-Hop", "X-Hop: hop-17", "X-Player: kept", "Range: bytes=0-9",
        ];
        client.Ask("GET", $"/film/720/a.ts?{grant}&CMCD=sid%3D%22cmcd-17%22&v=3", told);
        client.Ask("GET", $"/film/index.m3u8?{grant}", told);
        client.Ask("GET", TestServer.Prefix("viewer-17") + "/film/720/b.ts", told);
        var token = grant[(grant.IndexOf("token=", StringComparison.Ordinal) + 6)..];
        Assert.Equal(3, origin.Requests.Count);
        foreach (var request in origin.Requests)
        {
            Assert.DoesNotContain("-17", request.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("10.9.8.7", request.Text, StringComparison.Ordinal);
            Assert.DoesNotContain(token[..20], request.Text, StringComparison.Ordinal);
            Assert.Equal("known-to-both", request.Headers["X-Origin-Key"]);
            Assert.Equal("kept", request.Headers["X-Player"]);
        }
        Assert.Equal("/film/720/a.ts?v=3", origin.Requests.First().Target);
    }

    [Fact]
    public async Task Ranges_and_conditions_are_answered_by_the_edge()
    {
        var bytes = Pattern.Bytes(5_000_000, 4);
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, bytes, "\"s\""));
        await using var server = await origin.FrontAsync();
        Check(server.Fetch("/a.ts", "Range: bytes=-5"), 206, bytes.AsSpan(^5));
        Check(server.Fetch("/a.ts", "Range: bytes=4900000-"), 206, bytes.AsSpan(4_900_000));
        Check(server.Fetch("/a.ts", "Range: bytes=1048570-1048580"), 206, bytes.AsSpan(1048570, 11));
        Check(server.Fetch("/a.ts", "Range: bytes=5-9", "If-Range: \"other\""), 200, bytes);
        Assert.Equal(416, server.Fetch("/a.ts", "Range: bytes=5000000-").Status);
        Assert.Equal(304, server.Fetch("/a.ts", "If-None-Match: \"s\"").Status);
        Assert.Equal(412, server.Fetch("/a.ts", "If-Match: \"other\"").Status);
        var head = server.Ask("HEAD", "/a.ts");
        Assert.Equal((200, 5_000_000L), (head.Status, head.ContentLength));
        Assert.Equal(416, server.Fetch("/b.ts", "Range: bytes=99999999-").Status);
        Check(server.Fetch("/b.ts"), 200, bytes);

        static void Check(Answer answer, int status, ReadOnlySpan<byte> body)
        {
            Assert.Equal(status, answer.Status);
            Pattern.AssertSame(body, answer.Body);
        }
    }

    [Fact]
    public async Task What_may_not_be_kept_goes_through_with_the_range_that_was_asked_for()
    {
        var bytes = Pattern.Bytes(5_000_000, 4);
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, bytes, "\"s\"", "no-store"));
        await using var server = await origin.FrontAsync();
        for (var i = 0; i < 2; i++)
        {
            Pattern.AssertSame(bytes, server.Fetch("/a.ts").Body);
            var part = server.Fetch("/a.ts", "Range: bytes=4000000-4000009");
            Assert.Equal((206, "bytes 4000000-4000009/5000000"), (part.Status, part["Content-Range"]));
            Pattern.AssertSame(bytes.AsSpan(4_000_000, 10), part.Body);
        }
    }

    [Fact]
    public async Task A_body_without_a_length_is_answered_with_one()
    {
        var bytes = Pattern.Bytes(2_500_000, 4);
        await using var origin = await ScriptedOrigin.StartAsync(async c =>
        {
            c.Response.Headers.CacheControl = "max-age=60";
            for (var at = 0; at < bytes.Length; at += 500_000)
            {
                await c.Response.BodyWriter.WriteAsync(bytes.AsMemory(at, 500_000));
                await c.Response.BodyWriter.FlushAsync();
            }
        });
        await using var server = await origin.FrontAsync();
        for (var i = 0; i < 2; i++)
        {
            var answer = server.Fetch("/a.ts");
            Assert.Equal(2_500_000, answer.ContentLength);
            Pattern.AssertSame(bytes, answer.Body);
        }
        Assert.Single(origin.Requests);
    }

    [Fact]
    public async Task Files_come_first_and_only_what_is_not_there_from_the_origin()
    {
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, "origin"u8.ToArray(), "\"o\""));
        await using var server = await origin.FrontAsync("--backend.mode=hybrid");
        server.Write("here.ts", "folder");
        Assert.Equal("folder", server.Fetch("/here.ts").Text);
        Assert.Equal("origin", server.Fetch("/there.ts").Text);
        Assert.Equal("origin", server.Fetch("/there.ts").Text);
        Assert.Single(origin.Requests);
        Assert.Equal(404, server.Fetch("/.hidden").Status);
        Assert.Single(origin.Requests);
    }

    [Theory]
    [InlineData(404, 404)]
    [InlineData(403, 403)]
    [InlineData(500, 500)]
    [InlineData(301, 301)]
    public async Task An_origin_s_own_answer_is_the_viewer_s(int said, int answered)
    {
        await using var origin = await ScriptedOrigin.StartAsync(c =>
        {
            c.Response.StatusCode = said;
            c.Response.Headers.Location = "http://127.0.0.1:1/inward";
            c.Response.Headers.SetCookie = "a=b";
            return c.Response.WriteAsync("so says the origin");
        });
        await using var server = await origin.FrontAsync("--backend.retries=0");
        var answer = server.Fetch("/a.ts");
        Assert.Equal((answered, "so says the origin"), (answer.Status, answer.Text));
        Assert.Equal("*", answer["Access-Control-Allow-Origin"]);
        Assert.Null(answer["Set-Cookie"]);
        // Never followed: it may lead anywhere inside.
        Assert.Single(origin.Requests);
        if (said >= 400)
            Assert.Equal("no-store", answer["Cache-Control"]);
    }
}
