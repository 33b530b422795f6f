using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Sessions;

namespace XLive.Server.Tests.Cache;

/// <summary>POST /api/v1/cache/purge: what an operator takes out of the cache.</summary>
public sealed class PurgeTests
{
    [Theory]
    [InlineData("/a/1.ts", 3)]
    [InlineData("/a/1*", 4)]
    [InlineData("/a/", 5)]
    [InlineData("/a*", 6)]
    [InlineData("/", 8)]
    [InlineData("/*", 8)]
    [InlineData("/a/%31.ts", 3)]
    [InlineData("/%C3%A9%2A.ts", 1)]
    [InlineData("/é%2A.ts", 1)]
    [InlineData("/a", 0)]
    [InlineData("/A/", 0)]
    [InlineData("/a/1.t", 0)]
    public async Task One_path_with_all_its_forms_or_all_that_begins_so(string path, int gone)
    {
        await using var origin = await ScriptedOrigin.StartAsync(c =>
        {
            c.Response.Headers.Vary = "X-Player";
            return ScriptedOrigin.File(c, "x"u8.ToArray(), "\"1\"");
        });
        await using var server = await origin.FrontAsync(CacheApi.Open);
        foreach (var kept in (string[])["/a/1.ts", "/a/1.ts?v=2", "/a/10.ts", "/a/2.ts", "/b/1.ts", "/ab.ts", "/%C3%A9*.ts"])
            server.Fetch(kept);
        server.Fetch("/a/1.ts", "X-Player: other");
        Assert.Equal(gone, await CacheApi.PurgeAsync(server, path));
        Assert.Equal(0, await CacheApi.PurgeAsync(server, path));
        Assert.Equal(8 - gone, await CacheApi.PurgeAsync(server, "/"));
    }

    [Fact]
    public async Task What_was_purged_is_fetched_anew_and_who_did_it_stands_in_the_audit_log()
    {
        var text = "old";
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, System.Text.Encoding.ASCII.GetBytes(text), $"\"{text}\""));
        await using var server = await origin.FrontAsync(CacheApi.Open);
        server.Fetch("/films/a.ts");
        text = "new";
        Assert.Equal("old", server.Fetch("/films/a.ts").Text);
        Assert.Equal(1, await CacheApi.PurgeAsync(server, "/films/", "/other/"));
        Assert.Equal("new", server.Fetch("/films/a.ts").Text);
        Assert.Contains("\"local\" \"purged /films/ and 1 more from the cache, 1 objects\"", server.Log("audit.log"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "A JSON body is needed.")]
    [InlineData("{", "not well-formed")]
    [InlineData("null", "null")]
    [InlineData("[]", "not well-formed")]
    [InlineData("{}", "paths: a list of 1 to 1000 paths")]
    [InlineData("""{"path":"/a"}""", "path: not of the right type")]
    [InlineData("""{"paths":[]}""", "paths: a list of 1 to 1000 paths")]
    [InlineData("""{"paths":"/a"}""", "paths: not of the right type")]
    [InlineData("""{"paths":[7]}""", "paths[0]: not of the right type")]
    [InlineData("""{"paths":["/a"],"paths":["/"]}""", "paths: not of the right type, or given twice")]
    [InlineData("""{"paths":["/a",null]}""", "paths[1] is null")]
    [InlineData("""{"paths":["films/"]}""", "paths[0] does not begin with /")]
    [InlineData("""{"paths":["/a",""]}""", "paths[1] does not begin with /")]
    [InlineData("""{"paths":["*"]}""", "paths[0] does not begin with /")]
    [InlineData("""{"paths":["/a/../b"]}""", "paths[0] has a dot segment")]
    [InlineData("""{"paths":["/a/%2e%2e/b"]}""", "paths[0] has a dot segment")]
    [InlineData("""{"paths":["/a//b"]}""", "paths[0] has an empty segment")]
    [InlineData("""{"paths":["/a%2Fb"]}""", "paths[0] has an escaped slash")]
    [InlineData("""{"paths":["/a%252Fb"]}""", "paths[0] is escaped twice")]
    [InlineData("""{"paths":["/a%zz"]}""", "paths[0] has a broken percent escape")]
    [InlineData("""{"paths":["/a%FF"]}""", "paths[0] is not UTF-8")]
    [InlineData("""{"paths":["/a\u0000"]}""", "paths[0] has an escaped slash, backslash or control character")]
    [InlineData("""{"paths":["/a\nb"]}""", "paths[0] has an escaped slash, backslash or control character")]
    [InlineData("""{"paths":["/a\u0085"]}""", "paths[0] has a control character")]
    [InlineData("""{"paths":["/a\\b"]}""", "paths[0] has a backslash")]
    [InlineData("""{"paths":["/a#b"]}""", "paths[0] has a backslash or a character that must be escaped")]
    [InlineData("""{"paths":["/a\ud800"]}""", "")]
    [InlineData("""{"paths":["/a?b=1"]}""", "paths[0] has a query")]
    [InlineData("""{"paths":["/a/*/b"]}""", "paths[0] has a * elsewhere")]
    [InlineData("""{"paths":["/a**"]}""", "paths[0] has a * elsewhere")]
    [InlineData("""{"paths":["/~s1.x.y/a"]}""", "paths[0] begins with a viewer's grant")]
    public async Task What_is_wrong_is_named(string body, string detail)
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        await using var server = await origin.FrontAsync(CacheApi.Open);
        var problem = SessionApi.Json(await CacheApi.PostAsync(server, "/api/v1/cache/purge", body), 400);
        Assert.Contains(detail, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task There_are_bounds_to_what_is_read()
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        await using var server = await origin.FrontAsync(CacheApi.Open);
        var path = "/" + new string('a', 8 * 1024);
        Assert.Contains("paths[0] is longer than 8192 characters", SessionApi.Json(await CacheApi.PostAsync(server, "/api/v1/cache/purge", CacheApi.Paths(path)), 400).GetProperty("detail").GetString(), StringComparison.Ordinal);
        var many = CacheApi.Paths([.. Enumerable.Repeat("/a", 1001)]);
        Assert.Contains("1 to 1000", SessionApi.Json(await CacheApi.PostAsync(server, "/api/v1/cache/purge", many), 400).GetProperty("detail").GetString(), StringComparison.Ordinal);
        var huge = CacheApi.Paths([.. Enumerable.Repeat("/" + new string('a', 300), 1000)]);
        SessionApi.Json(await CacheApi.PostAsync(server, "/api/v1/cache/purge", huge), 413);
    }

    [Fact]
    public async Task A_folder_has_nothing_to_purge_or_warm()
    {
        await using var server = await TestServer.StartAsync(CacheApi.Open);
        foreach (var target in (string[])["/api/v1/cache/purge", "/api/v1/cache/warm"])
            Assert.Contains("backend.mode is filesystem", SessionApi.Json(await CacheApi.PostAsync(server, target, CacheApi.Paths("/a.ts")), 404).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }
}
