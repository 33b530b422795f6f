using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>The web page as its owner meets it: from the link that the first start prints to the day the server is gone.</summary>
public sealed partial class ConsoleTests
{
    sealed record Look(string Url, string Title, string Place, string Language, string Banner, string Error, string Said, string Heading,
        string Waiting, string Focus, string State, string[] Checks, Dictionary<string, string> Tiles, bool TooWide, bool TooWideOnPhone, string[] Names,
        int Kept, string Cookies);

    sealed record Seen(Dictionary<string, Look> Steps, string[] ConsoleErrors, string[] Requests, string Fault, bool ShortRefused, string? Shown,
        string? Duplicate, string? BusyWord);

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_owner_comes_in_by_the_link_and_sees_what_stands()
    {
        await using var server = await ServerProcess.Start((await Film.Get()).Root);
        var link = PrintedLink().Match(server.Output).Groups[1].Value;
        var seen = await Visit(server, link);
        Assert.True(seen.Fault.Length == 0, seen.Fault + "\n" + string.Join('\n', seen.ConsoleErrors));
        var steps = seen.Steps;

        Assert.EndsWith("/monitor", steps["signIn"].Url, StringComparison.Ordinal);
        Assert.Equal("username", steps["signIn"].Focus);
        Assert.Contains("with the link", steps["linkInUse"].Waiting, StringComparison.Ordinal);
        Assert.All(steps.Values, step => Assert.DoesNotContain("#", step.Url, StringComparison.Ordinal));

        Assert.Equal("Set a password", steps["setPassword"].Heading);
        Assert.Equal("chosen", steps["setPassword"].Focus);
        Assert.True(seen.ShortRefused);
        Assert.Equal("text", seen.Shown);

        var overview = steps["overview"];
        Assert.Equal("Everything works", overview.State);
        Assert.Equal("The password is set.", overview.Said);
        Assert.Equal(17, overview.Checks.Length);
        Assert.Equal(["requests", "throughput", "latency", "connections", "sessions", "files", "refused", "server"], overview.Tiles.Keys);
        Assert.Contains("./run sign", overview.Tiles["sessions"], StringComparison.Ordinal);
        Assert.Contains("None since the start", overview.Tiles["refused"], StringComparison.Ordinal);
        Assert.NotEqual(overview.Tiles["requests"], steps["traffic"].Tiles["requests"]);
        Assert.StartsWith("Sessions 1 ", steps["traffic"].Tiles["sessions"], StringComparison.Ordinal);
        Assert.Contains("no grant 40", steps["traffic"].Tiles["refused"], StringComparison.Ordinal);

        // A reload stays signed in; so does a tab that was duplicated, although each renewal makes the token before it worthless.
        Assert.Equal("overview", steps["reloaded"].Place);
        Assert.Equal("overview", seen.Duplicate);

        Assert.Contains("does not answer", steps["offline"].Banner, StringComparison.Ordinal);
        Assert.Equal("The server answers again.", steps["backAgain"].Said);
        Assert.Contains("./run user link", steps["usedLink"].Error, StringComparison.Ordinal);
        Assert.Contains("do not fit", steps["wrongPassword"].Error, StringComparison.Ordinal);
        Assert.Equal("Signing in…", seen.BusyWord);
        Assert.Equal(("zh-CN", "登录"), (steps["chineseSignIn"].Language, steps["chineseSignIn"].Heading));
        Assert.Equal("一切正常", steps["chineseOverview"].State);
        Assert.Contains("does not answer", steps["serverAway"].Banner, StringComparison.Ordinal);
        Assert.Equal("Out of reach", steps["serverAway"].State);
        Assert.Contains("does not answer", steps["serverAwayForm"].Error, StringComparison.Ordinal);

        Assert.All(steps.Values, step => Assert.Empty(step.Names)); // of fields and buttons without one
        Assert.All(steps, step => Assert.False(step.Value.TooWide || step.Value.TooWideOnPhone, step.Key));
        Assert.All(steps.Values, step => Assert.True(step is { Kept: 0, Cookies: "" }));
        Assert.All(seen.Requests, url => Assert.StartsWith(server.Url("/"), url, StringComparison.Ordinal));
        // Chromium itself reports every answer of 4xx, and every request that fails.
        Assert.DoesNotContain(seen.ConsoleErrors, e => !e.StartsWith("Failed to load resource", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_page_and_its_files_are_public_and_strict()
    {
        await using var server = await ServerProcess.Start((await Film.Get()).Root);
        using var home = await server.Http.GetAsync("/", Cancel);
        Assert.Equal((HttpStatusCode.Found, "/monitor"), (home.StatusCode, home.Headers.Location!.ToString()));

        var page = await server.Http.GetStringAsync("/monitor", Cancel);
        var files = NamedFiles().Matches(page).Select(m => m.Value).Distinct().Append("/monitor").ToList();
        Assert.Contains("/monitor/console.js", files);
        foreach (var path in files)
        {
            using var answer = await server.Http.GetAsync(path, Cancel);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
            Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
            Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
            Assert.Equal("no-referrer", Assert.Single(answer.Headers.GetValues("Referrer-Policy")));

            using var again = new HttpRequestMessage(HttpMethod.Get, path);
            again.Headers.IfNoneMatch.Add(answer.Headers.ETag!);
            Assert.Equal(HttpStatusCode.NotModified, (await server.Http.SendAsync(again, Cancel)).StatusCode);
        }
        using var missing = await server.Http.GetAsync("/monitor/nothing.js", Cancel);
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        using var posted = await server.Http.PostAsync("/monitor", null, Cancel);
        Assert.Equal((HttpStatusCode.MethodNotAllowed, "GET, HEAD"), (posted.StatusCode, string.Join(", ", posted.Content.Headers.Allow)));
        var nobody = await server.Http.GetFromJsonAsync<JsonElement>("/api/v1/me", Cancel);
        Assert.Equal(JsonValueKind.Null, nobody.GetProperty("name").ValueKind);
    }

    static async Task<Seen> Visit(ServerProcess server, string link)
    {
        var options = JsonSerializer.Serialize(new
        {
            server = server.Url(""),
            link,
            process = server.Process.Id,
            films = new[] { server.Url(ServerProcess.Sign(Film.Path).InQuery), server.Url(Film.Path) },
            screens = Environment.GetEnvironmentVariable("XLIVE_TEST_SCREENS"),
        });
        var folder = Path.Combine(Repository.EndToEnd, "browser");
        var result = (await Tool.Run("node", ["console.mjs", options], TimeSpan.FromSeconds(180), folder)).MustSucceed();
        return JsonSerializer.Deserialize<Seen>(result.Output, JsonSerializerOptions.Web)!;
    }

    [GeneratedRegex(@"^Sign in: .*?(/monitor#once=\S+)", RegexOptions.Multiline)]
    private static partial Regex PrintedLink();

    [GeneratedRegex(@"/monitor/[\w.]+")]
    private static partial Regex NamedFiles();
}
