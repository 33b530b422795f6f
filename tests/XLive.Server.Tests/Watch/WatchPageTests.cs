using System.IO.Compression;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Playback.Http;
using XLive.Server.Playback.Watch;
using XLive.Server.Sessions;
using XLive.Server.Tests.Gate;

namespace XLive.Server.Tests.Watch;

/// <summary>The page of a live stream over sockets, with files that stand for what npm builds. What it does in a browser: tests/XLive.EndToEnd/WatchTests.cs.</summary>
public sealed class WatchPageTests
{
    private const string Page = "/watch/live/studio", Stream = "/live/studio";
    private const string Html = "<!doctype html><html data-refused=\"\"><script src=\"../watch-1a2b.js\"></script>";
    private const string AsBrowser = "Accept: text/html,application/xhtml+xml,*/*;q=0.8";
    private static readonly string s_script = string.Concat(Enumerable.Repeat("play();\n", 200));

    private static async Task<GateServer> StartAsync(string access = "", string rest = "", bool isBuilt = true)
    {
        var server = await GateServer.StartAsync(access, rest);
        var files = new Dictionary<string, byte[]> { ["stream/index.html"] = Encoding.UTF8.GetBytes(Html), ["watch-1a2b.js"] = Encoding.UTF8.GetBytes(s_script), ["watch-1a2b.js.gz"] = Zip(s_script) };
        server.Services.GetRequiredService<WatchPage>().Files = new BuiltPages(isBuilt ? files : []);
        return server;
    }

    private static byte[] Zip(string text)
    {
        using var into = new MemoryStream();
        using (var gzip = new GZipStream(into, CompressionLevel.Optimal))
            gzip.Write(Encoding.UTF8.GetBytes(text));
        return into.ToArray();
    }

    private static string Unzip(byte[] bytes)
    {
        using var reader = new StreamReader(new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress));
        return reader.ReadToEnd();
    }

    private static int Sessions(GateServer server) => server.Services.GetRequiredService<SessionTable>().Count;

    [Fact]
    public async Task One_grant_of_the_stream_opens_page_playlist_and_FLV_and_the_page_opens_no_session()
    {
        await using var server = await StartAsync();
        var page = await server.Get(server.Link(Page, scope: Stream), AsBrowser);
        Assert.Equal((200, Html), (page.Status, page.Text));
        Assert.Equal((200, Html), ((await server.Get(server.PathLink(Page, scope: Stream))).Status, (await server.Get(server.PathLink(Page, scope: Stream))).Text));
        // What the page asks, to know whether there is something to play.
        foreach (var form in (string[])[".m3u8", ".flv"])
            Assert.Equal(404, (await server.Ask("HEAD", server.Link(Stream + form, scope: Stream))).Status);
        Assert.Equal(0, Sessions(server));
        Assert.Equal(404, (await server.Get(server.Link(Stream + ".m3u8", scope: Stream))).Status);
        Assert.Equal(1, Sessions(server));
        // An app's directory and a beginning cover it too, as they cover the stream.
        foreach (var scope in (string[])["/live/", "/live/s*", "/"])
            Assert.Equal(200, (await server.Get(server.Link(Page, scope: scope))).Status);
        Assert.Equal(1, Sessions(server));
    }

    [Fact]
    public async Task Who_may_not_watch_the_stream_may_not_see_its_page_for_the_same_reason()
    {
        await using var server = await StartAsync("keys:\n  - {id: old, secret: 0123456789abcdef0123, not_after: 2001-01-01}");
        static string QueryOf(string link) => link[(link.IndexOf('?', StringComparison.Ordinal) + 1)..];
        var right = QueryOf(server.Link(Page, scope: Stream));
        foreach (var (query, verdict) in ((string, string)[])
        [
            ("", "401 no_grant"),
            (right.Replace("uid=u1", "uid=u2", StringComparison.Ordinal), "401 wrong_token"),
            (right.Replace("token=", "token=x", StringComparison.Ordinal), "400 malformed"),
            (right + "&uid=u1", "400 malformed"),
            (QueryOf(server.Link(Page, lasts: -3600, scope: Stream)), "410 expired"),
            (QueryOf(server.Link(Page, lasts: 30 * 86400, scope: Stream)), "403 lifetime_too_long"),
            (QueryOf(server.Link(Page, scope: "/live/other")), "403 outside_scope"),
            (QueryOf(server.Link(Page, scope: Page)), "403 outside_scope"),
            (QueryOf(server.Link(Page, kid: "old", secret: "0123456789abcdef0123", scope: Stream)), "401 key_expired"),
        ])
        {
            Assert.Equal((verdict, verdict), (await server.Verdict($"{Page}?{query}"), await server.Verdict($"{Stream}.m3u8?{query}")));
        }
        // A token over the directory of pages is no token of a stream.
        Assert.Equal("401 wrong_token", await server.Verdict(server.Link(Page)));
        server.Services.GetRequiredService<SessionTable>().Revocations.Put(new Revocation(RevocationKind.Uid, "u1", server.Now, Revocation.Ever, "", "test"));
        Assert.Equal("403 revoked", await server.Verdict(server.Link(Page, scope: Stream)));
        Assert.Equal(0, Sessions(server));
    }

    [Fact]
    public async Task A_browser_is_given_the_reason_in_the_page()
    {
        await using var server = await StartAsync();
        foreach (var (link, refusal) in ((string, string)[])[(Page, "401 no_grant"), (server.Link(Page, lasts: -3600, scope: Stream), "410 expired")])
        {
            var refused = await server.Get(link, AsBrowser);
            Assert.Equal(refusal, $"{refused.Status} {refusal[4..]}");
            Assert.Equal(Html.Replace("\"\"", $"\"{refusal}\"", StringComparison.Ordinal), refused.Text);
            Assert.Equal(("text/html; charset=utf-8", "private, no-store"), (refused["Content-Type"], refused["Cache-Control"]));
            Assert.NotNull(refused["X-Request-Id"]);
            Assert.Equal(refused.Status == 401, refused["WWW-Authenticate"] is not null);
        }
        Assert.DoesNotContain(server.Link(Page, lasts: -3600, scope: Stream).Split("token=")[1].Split('&')[0], server.AllOutput(), StringComparison.Ordinal);
        Assert.Contains(server.LogLines("audit.log"), static line => line.Contains("no_grant", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_page_may_stand_in_any_frame_and_tells_nobody_its_address()
    {
        await using var server = await StartAsync();
        var link = server.Link(Page, scope: Stream);
        foreach (var method in (string[])["GET", "HEAD"])
        {
            var page = await server.Ask(method, link, AsBrowser);
            Assert.Equal((200, Html.Length.ToString(System.Globalization.CultureInfo.InvariantCulture)), (page.Status, page["Content-Length"]));
            Assert.Equal(method == "HEAD" ? "" : Html, page.Text);
            Assert.Equal(("private, no-store", "strict-origin", "nosniff", "*"),
                (page["Cache-Control"], page["Referrer-Policy"], page["X-Content-Type-Options"], page["Access-Control-Allow-Origin"]));
            Assert.Null(page["X-Frame-Options"]);
            var policy = page["Content-Security-Policy"]!;
            Assert.StartsWith("default-src 'none'; script-src 'self'; ", policy, StringComparison.Ordinal);
            Assert.Contains("frame-ancestors *;", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        }
        var posted = await server.Ask("POST", link);
        Assert.Equal((405, "GET, HEAD, OPTIONS"), (posted.Status, posted["Allow"]));
    }

    [Fact]
    public async Task Its_scripts_are_everybodys_and_kept_for_a_year()
    {
        await using var server = await StartAsync();
        foreach (var target in (string[])["/watch/watch-1a2b.js", server.PathLink("/watch/watch-1a2b.js", scope: Stream)])
        {
            var plain = await server.Get(target);
            Assert.Equal((200, s_script), (plain.Status, plain.Text));
            Assert.Equal(("text/javascript; charset=utf-8", "public, max-age=31536000, immutable", "Accept-Encoding", "*"),
                (plain["Content-Type"], plain["Cache-Control"], plain["Vary"], plain["Access-Control-Allow-Origin"]));
            var zipped = await server.Get(target, "Accept-Encoding: br, gzip");
            Assert.Equal(("gzip", s_script, "Accept-Encoding"), (zipped["Content-Encoding"], Unzip(zipped.Body), zipped["Vary"]));
            Assert.NotEqual(plain["ETag"], zipped["ETag"]);
            Assert.Equal(304, (await server.Get(target, "If-None-Match: " + plain["ETag"])).Status);
            var head = await server.Ask("HEAD", target);
            Assert.Equal((200, plain["Content-Length"], 0), (head.Status, head["Content-Length"], head.Body.Length));
        }
        Assert.Equal(0, Sessions(server));
        // Every other name is a film's.
        Assert.Equal("401 no_grant", await server.Verdict("/watch/watch-0000.js"));
        Assert.Equal("401 no_grant", await server.Verdict("/watch/stream/index.html"));
        Assert.Equal("404 no such file", await server.Verdict(server.Link("/watch/watch-0000.js")));
    }

    [Fact]
    public async Task A_folder_of_films_may_have_its_name()
    {
        await using var server = await StartAsync();
        var folder = Directory.CreateDirectory(Path.Combine(server.Folder, "media", "watch", "films")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "one.ts"), "a film", TestContext.Current.CancellationToken);
        Assert.Equal("a film", (await server.Get(server.Link("/watch/films/one.ts"))).Text);
        Assert.Equal("404 no such file", await server.Verdict(server.Link("/watch/films/two")));
        Assert.Equal("404 no such file", await server.Verdict(server.Link("/watch/live/cam/", scope: "/")));
        Assert.Equal("404 no such file", await server.Verdict(server.Link("/watch/live/.cam", scope: "/")));
    }

    [Fact]
    public async Task Where_the_stream_needs_no_grant_its_page_needs_none_and_pages_and_addresses_are_the_streams()
    {
        await using var server = await StartAsync("public: [/live/**]\nreferers: {/live/**: [none, .example.com]}");
        Assert.Equal(200, (await server.Get(Page)).Status);
        Assert.Equal(200, (await server.Get(Page, "Referer: https://tv.example.com/")).Status);
        Assert.Equal("403 page_refused", await server.Verdict(Page, "Referer: https://elsewhere.example/"));
    }

    [Fact]
    public async Task A_server_that_was_built_without_it_says_so_to_who_may_know()
    {
        await using var server = await StartAsync(isBuilt: false);
        Assert.Equal("401 no_grant", await server.Verdict(Page, AsBrowser));
        var missing = await server.Get(server.Link(Page, scope: Stream), AsBrowser);
        Assert.Equal((503, "no-store", "text/plain; charset=utf-8"), (missing.Status, missing["Cache-Control"], missing["Content-Type"]));
        Assert.Contains("npm", missing.Text, StringComparison.Ordinal);
        Assert.Contains("/live/studio.m3u8", missing.Text, StringComparison.Ordinal);
        Assert.False(server.Services.GetRequiredService<WatchPage>().IsBuilt);
    }
}
