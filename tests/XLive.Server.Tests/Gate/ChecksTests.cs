using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using XLive.Server.Access;

namespace XLive.Server.Tests.Gate;

/// <summary>The gate's checks and their order, asked over HTTP.</summary>
public sealed class ChecksTests
{
    private const string Path = Films.Segment;

    private static string With(string link, string name, string value) =>
        System.Text.RegularExpressions.Regex.Replace(link, $"([?&]{name}=)[^&]*", "${1}" + value);

    private static string Broken(string link)
    {
        var at = link.IndexOf("token=", StringComparison.Ordinal) + 6;
        return link[..at] + (link[at] == 'A' ? 'B' : 'A') + link[(at + 1)..];
    }

    [Fact]
    public async Task Each_check_has_its_answer()
    {
        await using var server = await GateServer.StartAsync("""
            keys:
              - {id: now, secret: now-secret-0123456789}
              - {id: soon, secret: soon-secret-0123456789, not_before: "2025-03-02T00:00:00Z"}
              - {id: gone, secret: gone-secret-0123456789, not_after: "2025-03-01T11:59:59Z"}
            """);
        Assert.Equal("200", await server.Verdict(server.Link(Path)));
        Assert.Equal("401 no_grant", await server.Verdict(Path));
        Assert.Equal("401 no_grant", await server.Verdict(Path + "?uid=u1&expires=9"));
        Assert.Equal("400 malformed", await server.Verdict(Path + "?token=short&uid=u1&expires=9"));
        Assert.Equal("401 wrong_token", await server.Verdict(Broken(server.Link(Path))));
        Assert.Equal("200", await server.Verdict(server.Link(Path, kid: "now", secret: "now-secret-0123456789")));
        Assert.Equal("401 wrong_token", await server.Verdict(server.Link(Path, kid: "unknown")));
        Assert.Equal("401 key_not_valid_yet", await server.Verdict(server.Link(Path, kid: "soon", secret: "soon-secret-0123456789")));
        Assert.Equal("401 key_expired", await server.Verdict(server.Link(Path, kid: "gone", secret: "gone-secret-0123456789")));
        Assert.Equal("410 expired", await server.Verdict(server.Link(Path, lasts: -31)));
        Assert.Equal("401 wrong_token", await server.Verdict(Broken(server.Link(Path, lasts: -31))));
        Assert.Equal("403 lifetime_too_long", await server.Verdict(server.Link(Path, lasts: 7 * 86400 + 31)));
        Assert.Equal("403 scope_too_wide", await server.Verdict(server.Link("/top.ts")));
        Assert.Equal("403 scope_too_wide", await server.Verdict(server.Link("/live/cam.m3u8")));
        Assert.Equal("403 outside_scope", await server.Verdict(server.Link(Path, scope: "/v/other/")));
        Assert.Equal("404 no such file", await server.Verdict(server.Link("/v/film/none.ts")));
        Assert.Equal("401 no_grant", await server.Verdict("/v/film/none.ts"));
    }

    [Fact]
    public async Task The_first_check_that_fails_is_the_answer()
    {
        // Each line is wrong in all the ways of the lines below it too.
        await using var server = await GateServer.StartAsync("""
            deny: [127.0.0.9]
            keys:
              - {id: gone, secret: gone-secret-0123456789, not_after: "2025-03-01T11:59:59Z"}
            """);
        const string Nowhere = "/none.ts";
        string[] expected = ["401 no_grant", "400 malformed", "403 address_refused"];
        string[] asked = [Nowhere, Nowhere + "?token=x", server.Link(Nowhere, lasts: -99, kid: "unknown", scope: "/other/")];
        for (var i = 0; i < asked.Length; i++)
            Assert.Equal(expected[i], GateServer.VerdictOf(await server.GetFrom("127.0.0.9", asked[i])));

        Assert.Equal("401 wrong_token", await server.Verdict(server.Link(Nowhere, lasts: -99, kid: "unknown", scope: "/other/")));
        Assert.Equal("401 wrong_token", await server.Verdict(server.Link(Nowhere, lasts: -99, kid: "gone", scope: "/other/")));
        Assert.Equal("401 key_expired", await server.Verdict(server.Link(Nowhere, lasts: -99, kid: "gone", secret: "gone-secret-0123456789", scope: "/other/")));
        Assert.Equal("410 expired", await server.Verdict(server.Link(Nowhere, lasts: -99, scope: "/other/")));
        Assert.Equal("403 lifetime_too_long", await server.Verdict(server.Link(Nowhere, lasts: 99 * 86400, scope: "/other/")));
        Assert.Equal("403 outside_scope", await server.Verdict(server.Link(Nowhere, scope: "/other/")));
        Assert.Equal("403 scope_too_wide", await server.Verdict(server.Link(Nowhere)));
        Assert.Equal("404 no such file", await server.Verdict(server.Link(Nowhere, scope: "/")));
    }

    [Fact]
    public async Task The_contracts_vector_plays()
    {
        const string Vector = "?uid=u1&expires=9999999999&token=nV600swVPV9-L8vIIFr7IcTjVjvedAerpceJCnWLdWE";
        await using var server = await GateServer.StartAsync();
        server.Reload("max_lifetime: 0", secret: "yardstick-secret-0123456789abcdef");
        var reply = await server.Get("/yard/f2.ts" + Vector);
        Assert.Equal((200, "yard"), (reply.Status, reply.Text));
        Assert.Equal("401 wrong_token", await server.Verdict(Path + Vector));
        server.Reload(secret: "yardstick-secret-0123456789abcdef");
        Assert.Equal("403 lifetime_too_long", await server.Verdict("/yard/f2.ts" + Vector));
    }

    [Theory]
    [InlineData("/v/film/720p/0.ts", "u1", null)]
    [InlineData("/v/film/720p/0.ts", "Jürgen +1 & 日本語/🎬", null)]
    [InlineData("/v/ein Film/ü & ß.ts", "a b", null)]
    [InlineData("/v/film/720p/0.ts", "u1", "/v/")]
    [InlineData("/v/film/720p/0.ts", "u1", "/v/film/720*")]
    [InlineData("/v/film/720p/0.ts", "u1", "/v/film/720p/0.ts")]
    [InlineData("/live/cam.m3u8", "u1", "/live/cam")]
    [InlineData("/live/cam/0.ts", "u1", "/live/cam")]
    [InlineData("/top.ts", "u1", "/")]
    [InlineData("/top.ts", "u1", "/*")]
    public async Task A_link_plays_in_both_forms_and_its_uid_is_who_watched(string path, string uid, string? scope)
    {
        await using var server = await GateServer.StartAsync();
        foreach (var link in (string[])[server.Link(path, uid, scope: scope), server.PathLink(path, uid, scope: scope)])
        {
            var reply = await server.Get(link);
            Assert.Equal(200, reply.Status);
            var line = await server.AccessLine(l => l.Contains(" 200 ", StringComparison.Ordinal));
            Assert.Contains($"uid=\"{uid}\"", line, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("/v/film/sub/0.ts", "/v/film/720p/")]
    [InlineData("/v/film/sub/0.ts", "/v/film/720*")]
    [InlineData("/v/film/720p/1.ts", "/v/film/720p/0.ts")]
    [InlineData("/live/cam2.m3u8", "/live/cam")]
    [InlineData("/v/film/720p/0.ts", "/v/film/720p")]
    public async Task A_scope_covers_no_more_than_it_says(string path, string scope)
    {
        await using var server = await GateServer.StartAsync();
        Assert.Equal("403 outside_scope", await server.Verdict(server.Link(path, scope: scope)));
        Assert.Equal("403 outside_scope", await server.Verdict(server.PathLink(path, scope: scope)));
    }

    [Fact]
    public async Task One_spelling_of_each_field_and_none_twice()
    {
        await using var server = await GateServer.StartAsync();
        var link = server.Link(Path);
        foreach (var name in (string[])["uid", "expires", "token"])
        {
            var value = System.Text.RegularExpressions.Regex.Match(link, $"[?&]{name}=([^&]*)").Groups[1].Value;
            Assert.Equal("400 malformed", await server.Verdict($"{link}&{name}={value}"));
            Assert.Equal("400 malformed", await server.Verdict($"{link}&%{(int)name[0]:x2}{name[1..]}={value}"));
        }
        Assert.Equal("400 malformed", await server.Verdict(link + "&kid=&kid="));
        Assert.Equal("200", await server.Verdict(link.Replace("uid=", "%75id=", StringComparison.Ordinal)));
        Assert.Equal("200", await server.Verdict(link.Replace("token=", "toke%6E=", StringComparison.Ordinal)));
        // Another case is another parameter, somebody else's.
        Assert.Equal("200", await server.Verdict(link + "&UID=x&Token=y"));
        Assert.Equal("200", await server.Verdict(link + "&_HLS_msn=3&_HLS_part=1&CMCD=bl%3D21300%2Csid%3D%226e%22&x&=&%ZZ=1"));
        Assert.Equal("400 malformed", await server.Verdict(link.Replace("expires=", "expires=0", StringComparison.Ordinal)));
        Assert.Equal("400 malformed", await server.Verdict(With(link, "expires", "1234567890123")));
        Assert.Equal("400 malformed", await server.Verdict(With(link, "uid", "")));
        Assert.Equal("400 malformed", await server.Verdict(With(link, "uid", "a%0Ab")));
        Assert.Equal("400 malformed", await server.Verdict(With(link, "uid", "a%C0%80b")));
        Assert.Equal("400 malformed", await server.Verdict(With(link, "uid", "a%2")));
        Assert.Equal("400 malformed", await server.Verdict(With(link, "uid", new string('u', 129))));
        Assert.Equal("400 malformed", await server.Verdict(link + "="));
        Assert.Equal("400 malformed", await server.Verdict(server.Link(Path, scope: "/v/").Replace("scope=/v/", "scope=/v/../v/", StringComparison.Ordinal)));
        Assert.Equal("400 malformed", await server.Verdict(server.Link(Path, scope: "/v/").Replace("scope=/v/", "scope=", StringComparison.Ordinal)));
        // In a query + is a blank, so the two below name one user.
        var blank = server.Link(Path, "a b");
        Assert.Equal("200", await server.Verdict(blank.Replace("a%20b", "a+b", StringComparison.Ordinal)));
        Assert.Equal("401 wrong_token", await server.Verdict(server.Link(Path, "a+b").Replace("a%2Bb", "a+b", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task The_path_form_is_strict_and_counts_before_the_query()
    {
        await using var server = await GateServer.StartAsync();
        var link = server.PathLink(Path);
        var parts = link[..link.IndexOf('/', 1)].Split('.');
        string Of(int part, string value) => string.Join('.', parts.Select((p, i) => i == part ? value : p)) + Path;
        Assert.Equal("200", await server.Verdict(Of(0, parts[0])));
        Assert.Equal("400 malformed", await server.Verdict(Of(1, "")));
        Assert.Equal("400 malformed", await server.Verdict(Of(1, "dTE=")));
        Assert.Equal("400 malformed", await server.Verdict(Of(1, "dTF")));
        Assert.Equal("400 malformed", await server.Verdict(Of(2, "0" + parts[2])));
        Assert.Equal("400 malformed", await server.Verdict(Of(3, "")));
        Assert.Equal("401 wrong_token", await server.Verdict(Of(3, Base64Url.EncodeToString("k"u8))));
        Assert.Equal("400 malformed", await server.Verdict(Of(5, parts[5] + ".x")));
        Assert.Equal("401 wrong_token", await server.Verdict(Of(1, Base64Url.EncodeToString("u2"u8))));
        Assert.Equal("401 wrong_token", await server.Verdict(Of(4, Base64Url.EncodeToString("/"u8))));
        // The path's grant counts, for better and for worse.
        Assert.Equal("200", await server.Verdict(link + "?uid=x&expires=1&token=no"));
        Assert.Equal("400 malformed", await server.Verdict(Of(1, "") + server.Link(Path)[Path.Length..]));
    }

    [Fact]
    public async Task What_a_token_was_right_for_does_not_rub_off_on_other_fields()
    {
        // The grant is remembered under its token, so the fields around it must still be looked at.
        await using var server = await GateServer.StartAsync();
        var link = server.Link(Path);
        Assert.Equal("200", await server.Verdict(link));
        Assert.Equal("401 wrong_token", await server.Verdict(With(link, "uid", "u2")));
        Assert.Equal("401 wrong_token", await server.Verdict(With(link, "expires", (server.Now + 9999).ToString(System.Globalization.CultureInfo.InvariantCulture))));
        Assert.Equal("401 wrong_token", await server.Verdict(link + "&kid=k"));
        Assert.Equal("401 wrong_token", await server.Verdict(link + "&scope=/v/"));
        Assert.Equal("200", await server.Verdict(link + "&scope=/v/film/720p/"));
        Assert.Equal("401 wrong_token", await server.Verdict("/v/other/0.ts" + link[Path.Length..]));
        Assert.Equal("403 outside_scope", await server.Verdict("/v/other/0.ts" + link[Path.Length..] + "&scope=/v/film/720p/"));
        // A link whose stated scope is wide is no licence to leave it out.
        var wide = server.Link("/live/cam.m3u8", scope: "/live/");
        Assert.Equal("200", await server.Verdict(wide));
        Assert.Equal("403 scope_too_wide", await server.Verdict(wide.Replace("&scope=/live/", "", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_remembered_grant_is_asked_again_for_time_and_key()
    {
        await using var server = await GateServer.StartAsync("""
            keys:
              - {id: k, secret: k-secret-0123456789, not_after: "2025-03-01T13:00:00Z"}
            """);
        var link = server.Link(Path, lasts: 100);
        var keyed = server.Link(Path, lasts: 7200, kid: "k", secret: "k-secret-0123456789");
        Assert.Equal("200", await server.Verdict(link));
        Assert.Equal("200", await server.Verdict(keyed));
        server.Clock.Pass(TimeSpan.FromSeconds(130));
        Assert.Equal("200", await server.Verdict(link));
        server.Clock.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal("410 expired", await server.Verdict(link));
        server.Clock.Pass(TimeSpan.FromSeconds(3600 - 131));
        Assert.Equal("200", await server.Verdict(keyed));
        server.Clock.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal("401 key_expired", await server.Verdict(keyed));
    }

    [Fact]
    public async Task Refusals_are_told_to_pages_and_never_stored()
    {
        await using var server = await GateServer.StartAsync();
        foreach (var target in (string[])[Path, Path + "?token=x", server.Link(Path, lasts: -99), server.Link(Path, scope: "/x/"), server.Link("/v/film/none.ts")])
        {
            var reply = await server.Get(target, "Origin: https://page.example");
            Assert.Equal("no-store", reply["Cache-Control"]);
            Assert.Equal("*", reply["Access-Control-Allow-Origin"]);
            Assert.Equal("text/plain; charset=utf-8", reply["Content-Type"]);
            Assert.Matches("^[0-9a-f]{16}$", reply["X-Request-Id"]!);
            Assert.Contains(reply["X-Request-Id"]!, reply.Text, StringComparison.Ordinal);
            Assert.True(reply.Body.Length < 200);
            Assert.Equal(reply.Status == 401, reply["WWW-Authenticate"] is not null);
        }
    }

    [Fact]
    public async Task Reserved_names_and_unknown_prefixes_lead_nowhere()
    {
        await using var server = await GateServer.StartAsync();
        var wide = server.Link("/x.m3u8", scope: "/")["/x.m3u8".Length..];
        var prefix = server.PathLink("/x.m3u8", scope: "/")[..^"/x.m3u8".Length];
        var session = await server.SessionPath(server.Link("/public/p.m3u8", scope: "/"));
        foreach (var target in (string[])[
            "/~own/x.ts" + wide, "/~s2.a.b/v/film/720p/0.ts" + wide, "/~/v/film/720p/0.ts", "/~v2.x/top.ts",
            prefix + "/api/x.ts", prefix + "/.well-known/x.ts", prefix + "/~own/x.ts", prefix + "/health", prefix + session + "/public/p.ts"])
            Assert.Equal(404, (await server.Get(target)).Status);
        foreach (var reserved in (string[])["/.well-known/x.ts", "/api/x.ts", "/api", "/.well-known/acme-challenge/x"])
            Assert.Equal((404, "application/problem+json"), ((await server.Get(reserved + wide)).Status, (await server.Get(reserved + wide))["Content-Type"]));
        Assert.Equal("400 a grant in the path must be followed by a path", await server.Verdict("/~own"));
    }

    /// <summary>The contract's recipe written out here, so that the signer and the gate cannot be wrong together.</summary>
    [Fact]
    public async Task A_site_that_signs_by_the_recipe_is_let_in()
    {
        await using var server = await GateServer.StartAsync();
        var text = $"v1\n\nü 1\n{server.Now + 60}\n/v/film/720p/";
        var token = Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(GateServer.Secret), Encoding.UTF8.GetBytes(text)))
            .TrimEnd('=').Replace('+', '-').Replace('/', '_');
        Assert.Equal("200", await server.Verdict($"{Path}?token={token}&uid=%C3%BC+1&expires={server.Now + 60}"));
        Assert.Equal("200", await server.Verdict($"/~v1.w7wgMQ.{server.Now + 60}.-.L3YvZmlsbS83MjBwLw.{token}{Path}"));
    }
}
