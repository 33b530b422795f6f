using System.Text.Json;
using XLive.Server.Accounts;
using XLive.Server.Storage;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Storage;

namespace XLive.Server.Tests.Accounts;

public sealed class ApiTokenTestsOnSqlite() : ApiTokenTests(DatabaseKind.Sqlite);

public sealed class ApiTokenTestsOnPostgres() : ApiTokenTests(DatabaseKind.Postgres);

/// <summary>What machines come in by: it opens what it is for, is told once, and opens nothing from the moment that it is revoked.</summary>
public abstract class ApiTokenTests(DatabaseKind kind)
{
    private static async Task<(string Id, string Secret)> Make(AccountApi api, string name, string more = "\"permissions\":[\"monitor\"]")
    {
        var made = await api.Got(201, "POST", "/api/v1/tokens", $$"""{"name":"{{name}}",{{more}}}""");
        return (made.GetProperty("id").GetString()!, made.GetProperty("token").GetString()!);
    }

    private static string? Used(AccountApi api)
    {
        using var beside = api.OpenBeside();
        return beside.First("SELECT used FROM api_tokens", static row => row.IsNull(0) ? "never" : row.Int64(0).ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task A_token_opens_what_it_is_for_until_it_is_revoked()
    {
        await using var api = await AccountApi.StartAsync(kind);
        var (id, secret) = await Make(api, "prometheus");
        Assert.Matches("^xl_[A-Za-z0-9_-]{43}$", secret);
        Assert.Equal(200, await api.Status("GET", "/stats", bearer: secret));
        Assert.Equal(403, await api.Status("GET", "/api/v1/tokens", bearer: secret));
        Assert.Equal(403, await api.Status("POST", "/api/v1/tokens", """{"name":"x","permissions":["admin"]}""", secret));
        var me = await api.Got(200, "GET", "/api/v1/me", bearer: secret);
        Assert.Equal(("token prometheus", false), (me.GetProperty("name").GetString(), me.GetProperty("by_address").GetBoolean()));
        // It ends no sign-in, and is nobody's who could set his password.
        Assert.Equal(401, await api.Status("POST", "/logout", null, secret));
        Assert.Equal(403, await api.Status("PUT", "/api/v1/users/admin/password", """{"password":"another one 12"}""", secret));

        var listed = await api.Got(200, "GET", "/api/v1/tokens");
        var entry = Assert.Single(listed.GetProperty("tokens").EnumerateArray());
        Assert.Equal((id, "prometheus", "admin", false), (entry.GetProperty("id").GetString(), entry.GetProperty("name").GetString(),
            entry.GetProperty("made_by").GetString(), entry.GetProperty("expired").GetBoolean()));
        Assert.Equal(api.Server.Now + 365 * 86400, entry.GetProperty("expires").GetInt64());
        Assert.Equal(JsonSerializer.Serialize(entry), JsonSerializer.Serialize(await api.Got(200, "GET", "/api/v1/tokens/" + id)));

        foreach (var near in (string[])[secret[..^1], secret + "A", secret[3..], "xl_", "xl_" + id, "xl_" + new string('A', 43), "xl_" + new string('A', 8000)])
            Assert.Equal(401, await api.Status("GET", "/stats", bearer: near));
        // In a query it opens nothing of the API: queries end up in histories and logs.
        Assert.Equal(401, await api.Status("GET", "/stats?access_token=" + secret, bearer: ""));

        Assert.Equal(204, await api.Status("DELETE", "/api/v1/tokens/" + id));
        Assert.Equal(401, await api.Status("GET", "/stats", bearer: secret));
        Assert.Equal(404, await api.Status("DELETE", "/api/v1/tokens/" + id));
        Assert.Equal(404, await api.Status("GET", "/api/v1/tokens/" + id));
        Assert.Empty((await api.Got(200, "GET", "/api/v1/tokens")).GetProperty("tokens").EnumerateArray());
        Assert.True(api.IsAudited($"\"admin\" \"made the API token prometheus ({id}) with monitor for **"));
        Assert.True(api.IsAudited($"\"admin\" \"revoked the API token prometheus ({id})"));
        Assert.False(api.IsWritten(secret), "the token is written down");
        Assert.False(api.IsWritten(secret[3..]), "the token is written down");
    }

    [Fact]
    public async Task A_token_ends_by_itself()
    {
        await using var api = await AccountApi.StartAsync(kind);
        var (_, secret) = await Make(api, "short", "\"permissions\":[\"monitor\"],\"for\":\"1h\"");
        var (_, forever) = await Make(api, "long", "\"permissions\":[\"monitor\"],\"for\":\"never\"");
        api.Server.Clock.Pass(TimeSpan.FromMinutes(60) - TimeSpan.FromSeconds(1));
        Assert.Equal(200, await api.Status("GET", "/stats", bearer: secret));
        api.Server.Clock.Pass(TimeSpan.FromSeconds(1));
        var refused = await api.Got(401, "GET", "/stats", bearer: secret);
        Assert.EndsWith(":expired", refused.GetProperty("type").GetString(), StringComparison.Ordinal);
        Assert.Equal(200, await api.Status("GET", "/stats", bearer: forever));
        var tokens = (await api.Got(200, "GET", "/api/v1/tokens")).GetProperty("tokens").EnumerateArray().ToDictionary(static t => t.GetProperty("name").GetString()!);
        Assert.True(tokens["short"].GetProperty("expired").GetBoolean());
        Assert.Equal(JsonValueKind.Null, tokens["long"].GetProperty("expires").ValueKind);
    }

    [Fact]
    public async Task What_is_asked_for_wrongly_makes_none()
    {
        await using var api = await AccountApi.StartAsync(kind);
        foreach (var wrong in (string[])[
            "{}", """{"name":"a"}""", """{"name":"a","permissions":[]}""", """{"name":"a","permissions":["root"]}""", """{"name":"a","permissions":[null]}""",
            """{"name":"","permissions":["monitor"]}""", """{"name":"a b","permissions":["monitor"]}""", $$"""{"name":"{{new string('a', 65)}}","permissions":["monitor"]}""",
            """{"name":"a","permissions":["monitor"],"for":"0"}""", """{"name":"a","permissions":["monitor"],"for":"soon"}""", """{"name":"a","permissions":["monitor"],"for":"99999d"}""",
            """{"name":"a","permissions":["publish"],"streams":[]}""", """{"name":"a","permissions":["publish"],"streams":["cam"]}""", """{"name":"a","permissions":["publish"],"streams":["a/b/c"]}""",
            """{"name":"a","permissions":["publish"],"streams":[null]}""", """{"name":"a","permissions":["monitor"],"streams":["live/*"]}""",
            """{"name":"a","permissions":["admin","publish"],"streams":["live/*"]}""", """{"name":"a","permissions":["monitor"],"hash":"x"}""", """{"name":"a","name":"b","permissions":["monitor"]}""", "[]", ""])
            Assert.Equal((wrong, 400), (wrong, await api.Status("POST", "/api/v1/tokens", wrong)));
        await Make(api, "taken");
        Assert.Equal(409, await api.Status("POST", "/api/v1/tokens", """{"name":"taken","permissions":["monitor"]}"""));
        Assert.Equal(413, await api.Status("POST", "/api/v1/tokens", $$"""{"name":"{{new string('a', 20_000)}}"}"""));
        Assert.Single((await api.Got(200, "GET", "/api/v1/tokens")).GetProperty("tokens").EnumerateArray());
        Assert.Equal(400, await api.Status("GET", "/api/v1/tokens?limit=0"));
        Assert.Equal(400, await api.Status("GET", "/api/v1/tokens?limit=1001"));
    }

    [Fact]
    public async Task They_are_listed_page_by_page_and_there_are_not_too_many()
    {
        await using var api = await AccountApi.StartAsync(kind);
        foreach (var name in (string[])["ci-2", "ci-1", "obs", "CI-0", "prom"])
            await Make(api, name);
        foreach (var most in (int[])[1, 2, 5, 100])
            Assert.Equal(["CI-0", "ci-1", "ci-2", "obs", "prom"], (await api.Pages("/api/v1/tokens", "tokens", most)).Select(static t => t.GetProperty("name").GetString()));
        Assert.Equal(["CI-0", "ci-1", "ci-2"], (await api.Pages("/api/v1/tokens?name=ci-", "tokens", 2)).Select(static t => t.GetProperty("name").GetString()));
        var database = api.Get<Database>();
        await database.RunAsync(d => d.Transaction(() =>
        {
            for (var i = 5; i < ApiTokens.Most; i++)
            {
                d.Execute("INSERT INTO api_tokens (id, name, hash, permissions, streams, made_by, created) VALUES ($1, $1, $2, 4, '**', '', 0)",
                    $"more-{i}", BitConverter.GetBytes(i));
            }
            return 0;
        }));
        Assert.Equal(507, await api.Status("POST", "/api/v1/tokens", """{"name":"one-more","permissions":["monitor"]}"""));
    }

    [Fact]
    public async Task When_it_was_used_last_costs_no_write_a_request()
    {
        await using var api = await AccountApi.StartAsync(kind);
        var (id, secret) = await Make(api, "prometheus");
        async Task<JsonElement> LastUsed() => (await api.Got(200, "GET", "/api/v1/tokens/" + id)).GetProperty("last_used");
        Assert.Equal(JsonValueKind.Null, (await LastUsed()).ValueKind);
        for (var i = 0; i < 5; i++)
            Assert.Equal(200, await api.Status("GET", "/stats", bearer: secret));
        Assert.Equal(api.Server.Now, (await LastUsed()).GetInt64());
        api.Get<ApiTokens>().StoreUses();
        Assert.Equal("never", Used(api));
        api.Server.Clock.Pass(TimeSpan.FromMinutes(1));
        var first = api.Server.Now - 60;
        Until.Equal(first.ToString(System.Globalization.CultureInfo.InvariantCulture), () => Used(api), "the time that it was used, written by a loop");
        Assert.Equal(first, (await LastUsed()).GetInt64());
        // At a stop too.
        Assert.Equal(200, await api.Status("GET", "/stats", bearer: secret));
        api.Get<ApiTokens>().StoreUses(atOnce: true);
        Assert.Equal((first + 60).ToString(System.Globalization.CultureInfo.InvariantCulture), Used(api));
    }

    [Fact]
    public async Task What_another_node_makes_and_revokes_counts_within_two_seconds()
    {
        await using var api = await AccountApi.StartAsync(kind);
        var (_, secret) = await Make(api, "prometheus");
        Assert.Equal(200, await api.Status("GET", "/stats", bearer: secret));
        using (var beside = api.OpenBeside())
            beside.Execute("DELETE FROM api_tokens");
        api.Server.Clock.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(401, await api.Status("GET", "/stats", bearer: secret));
        using (var beside = api.OpenBeside())
        {
            beside.Execute("INSERT INTO api_tokens (id, name, hash, permissions, streams, made_by, created) VALUES ('a', 'a', $1, 4, '**', '', 0)",
                System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes("xl_made-elsewhere")));
        }
        api.Server.Clock.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(200, await api.Status("GET", "/stats", bearer: "xl_made-elsewhere"));
    }

    [Theory]
    [InlineData("**", "live", "cam", true)]
    [InlineData("live/*", "live", "cam", true)]
    [InlineData("live/*", "livex", "cam", false)]
    [InlineData("live/cam", "live", "cam", true)]
    [InlineData("live/cam", "live", "cam2", false)]
    [InlineData("live/cam-*-hd", "live", "cam-1-hd", true)]
    [InlineData("live/cam-*-hd", "live", "cam-1-sd", false)]
    [InlineData("*/cam", "wida", "cam", true)]
    [InlineData("**/cam", "wida", "cam", true)]
    [InlineData("live/Cam", "live", "cam", false)]
    [InlineData("live/c?m", "live", "cam", false)]
    [InlineData("live/a wida/b", "wida", "b", true)]
    [InlineData("", "live", "cam", false)]
    [InlineData("live", "live", "cam", false)]
    public void A_pattern_is_for_apps_and_streams(string patterns, string app, string stream, bool covered) =>
        Assert.Equal(covered, StreamPatterns.Parse(patterns).Cover(app, stream));
}
