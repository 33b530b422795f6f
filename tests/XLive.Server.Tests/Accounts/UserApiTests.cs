using System.Text.Json;
using XLive.Server.Accounts;
using XLive.Server.Storage;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Storage;

namespace XLive.Server.Tests.Accounts;

public sealed class UserApiTestsOnSqlite() : UserApiTests(DatabaseKind.Sqlite);

public sealed class UserApiTestsOnPostgres() : UserApiTests(DatabaseKind.Postgres);

/// <summary>Users and stream keys through the API: nobody writes over what he has not seen, and somebody who may stays.</summary>
public abstract class UserApiTests(DatabaseKind kind)
{
    private const string Password = "a password of 2026";

    private static async Task<int> SignIn(AccountApi api, string name) =>
        (await Reply.Post(api.Server.Port, "/login", $$"""{"username":"{{name}}","password":"{{Password}}"}""")).Status;

    [Fact]
    public async Task A_user_is_made_changed_and_removed()
    {
        await using var api = await AccountApi.StartAsync(kind);
        var made = await api.Ask("POST", "/api/v1/users", $$"""{"name":"anna","permissions":["publish"],"streams":["wida/*"],"password":"{{Password}}"}""");
        Assert.Equal((201, "/api/v1/users/anna"), (made.Status, made.Headers.Location?.ToString()));
        Assert.Equal("""["publish"]["wida/*"]""", made.Json.GetProperty("permissions").ToString() + made.Json.GetProperty("streams"));
        var tag = made.Headers.ETag!.Tag;
        Assert.Equal(tag, made.Json.GetProperty("etag").GetString());
        Assert.Equal(200, await SignIn(api, "anna"));
        Assert.Equal(409, await api.Status("POST", "/api/v1/users", """{"name":"anna"}"""));

        // Who has seen nothing, or something older, changes nothing.
        Assert.Equal(428, await api.Status("PATCH", "/api/v1/users/anna", """{"permissions":["monitor"]}"""));
        Assert.Equal(412, await api.Status("PATCH", "/api/v1/users/anna", """{"permissions":["monitor"]}""", ifMatch: "\"0123456789abcdef\""));
        var changed = await api.Ask("PATCH", "/api/v1/users/anna", """{"permissions":["monitor"]}""", ifMatch: tag);
        Assert.Equal((200, """["monitor"]["wida/*"]"""), (changed.Status, changed.Json.GetProperty("permissions").ToString() + changed.Json.GetProperty("streams")));
        Assert.Equal(412, await api.Status("PATCH", "/api/v1/users/anna", """{"disabled":true}""", ifMatch: tag));
        Assert.Equal(412, await api.Status("DELETE", "/api/v1/users/anna", ifMatch: tag));
        Assert.Equal(400, await api.Status("PATCH", "/api/v1/users/anna", "{}", ifMatch: "*"));
        Assert.Equal(400, await api.Status("PATCH", "/api/v1/users/anna", """{"permissions":["root"]}""", ifMatch: "*"));
        Assert.Equal(404, await api.Status("PATCH", "/api/v1/users/nobody", """{"disabled":true}""", ifMatch: "*"));

        // Disabled, he is out, with what he had.
        Assert.True((await api.Got(200, "PATCH", "/api/v1/users/anna", """{"disabled":true}""", ifMatch: changed.Headers.ETag!.Tag)).GetProperty("disabled").GetBoolean());
        Assert.Equal(401, await SignIn(api, "anna"));
        Assert.Equal(404, await api.Status("POST", "/api/v1/users/anna/link"));
        Assert.Equal(200, await api.Status("PATCH", "/api/v1/users/anna", """{"disabled":false}""", ifMatch: "*"));
        var link = (await api.Got(201, "POST", "/api/v1/users/anna/link")).GetProperty("link").GetString()!;
        var once = link[(link.IndexOf("once=", StringComparison.Ordinal) + 5)..];
        Assert.Equal(200, (await Reply.Post(api.Server.Port, "/login", $$"""{"once":"{{once}}"}""")).Status);
        Assert.Equal(204, await api.Status("DELETE", "/api/v1/users/anna"));
        Assert.Equal(404, await api.Status("GET", "/api/v1/users/anna"));
        foreach (var what in (string[])["made the user anna with publish for wida/*", "changed the user anna: permissions monitor", "changed the user anna: disabled", "removed the user anna"])
            Assert.True(api.IsAudited("\"admin\" \"" + what), what);
        Assert.False(api.IsWritten(Password) || api.IsWritten(once), "a secret is written down");
    }

    [Fact]
    public async Task The_last_admin_stays()
    {
        await using var api = await AccountApi.StartAsync(kind);
        foreach (var change in (string[])["""{"permissions":["monitor"]}""", """{"permissions":[]}""", """{"disabled":true}"""])
            Assert.Equal(409, await api.Status("PATCH", "/api/v1/users/admin", change, ifMatch: "*"));
        Assert.Equal(409, await api.Status("DELETE", "/api/v1/users/admin"));
        // A disabled one is nobody who could undo it.
        Assert.Equal(201, await api.Status("POST", "/api/v1/users", """{"name":"other","permissions":["admin"],"disabled":true}"""));
        Assert.Equal(409, await api.Status("PATCH", "/api/v1/users/admin", """{"disabled":true}""", ifMatch: "*"));
        Assert.Equal(200, await api.Status("PATCH", "/api/v1/users/other", """{"disabled":false}""", ifMatch: "*"));
        // The one that each start would make again is not removed while others are there either.
        Assert.Equal(409, await api.Status("DELETE", "/api/v1/users/admin"));
        Assert.Equal(200, await api.Status("PATCH", "/api/v1/users/admin", """{"permissions":["admin"],"streams":["live/*"]}""", ifMatch: "*"));
        // Of two who take it from each other at once one stays.
        await Task.WhenAll(api.Status("PATCH", "/api/v1/users/admin", """{"permissions":["monitor"]}""", ifMatch: "*"),
            api.Status("PATCH", "/api/v1/users/other", """{"permissions":["monitor"]}""", ifMatch: "*"));
        Assert.Single(api.Get<Users>().All, static u => (u.Permissions & Permission.Admin) != 0 && !u.Disabled);
    }

    [Fact]
    public async Task Users_are_listed_page_by_page_and_by_what_they_may()
    {
        await using var api = await AccountApi.StartAsync(kind);
        foreach (var (name, permission) in ((string, string)[])[("zoe", "publish"), ("bert", "monitor"), ("anna", "publish")])
            Assert.Equal(201, await api.Status("POST", "/api/v1/users", $$"""{"name":"{{name}}","permissions":["{{permission}}"]}"""));
        static IEnumerable<string?> Names(IEnumerable<JsonElement> users) => users.Select(static u => u.GetProperty("name").GetString());
        foreach (var most in (int[])[1, 2, 100])
            Assert.Equal(["admin", "anna", "bert", "zoe"], Names(await api.Pages("/api/v1/users", "users", most)));
        Assert.Equal(["admin", "anna", "zoe"], Names(await api.Pages("/api/v1/users?permission=publish", "users", 2)));
        Assert.Equal(["anna"], Names(await api.Pages("/api/v1/users?name=nn", "users", 2)));
        Assert.Equal(400, await api.Status("GET", "/api/v1/users?permission=root"));
        foreach (var wrong in (string[])["{}", """{"name":"a b"}""", """{"name":"c","password":"short"}""", """{"name":"c","streams":["x"]}""", """{"name":"c","permissions":["x"]}""", """{"name":"c","hash":"x"}"""])
            Assert.Equal((wrong, 400), (wrong, await api.Status("POST", "/api/v1/users", wrong)));
    }

    [Fact]
    public async Task Stream_keys_are_made_named_ended_and_removed()
    {
        await using var api = await AccountApi.StartAsync(kind);
        var keys = api.Get<StreamKeys>();
        var made = await api.Ask("POST", "/api/v1/streamkeys", """{"stream":"live/cam","name":"studio 1","for":"1h"}""");
        Assert.Equal(201, made.Status);
        var (id, key) = (made.Json.GetProperty("id").GetString()!, made.Json.GetProperty("key").GetString()!);
        var spare = (await api.Got(201, "POST", "/api/v1/streamkeys", """{"stream":"live/cam"}""")).GetProperty("key").GetString()!;
        await api.Got(201, "POST", "/api/v1/streamkeys", """{"stream":"wida/wida"}""");
        Assert.Equal(3, (await api.Pages("/api/v1/streamkeys", "streamkeys", 1)).Count);
        Assert.Equal(2, (await api.Pages("/api/v1/streamkeys?stream=live/cam", "streamkeys", 1)).Count);
        Assert.Equal("live/cam", (await keys.FindAsync(key))!.Stream);

        Assert.Equal(428, await api.Status("PATCH", "/api/v1/streamkeys/" + id, """{"for":"never"}"""));
        var named = await api.Ask("PATCH", "/api/v1/streamkeys/" + id, """{"name":"studio 2"}""", ifMatch: made.Headers.ETag!.Tag);
        Assert.Equal((200, "studio 2"), (named.Status, named.Json.GetProperty("name").GetString()));
        Assert.Equal(made.Json.GetProperty("expires").GetInt64(), named.Json.GetProperty("expires").GetInt64());
        Assert.Equal(412, await api.Status("PATCH", "/api/v1/streamkeys/" + id, """{"for":"never"}""", ifMatch: made.Headers.ETag!.Tag));
        api.Server.Clock.Pass(TimeSpan.FromHours(1));
        Assert.Null(await keys.FindAsync(key));
        Assert.NotNull(await keys.FindAsync(spare));
        Assert.Equal(200, await api.Status("PATCH", "/api/v1/streamkeys/" + id, """{"for":"never"}""", ifMatch: "*"));
        Assert.NotNull(await keys.FindAsync(key));
        Assert.Equal(204, await api.Status("DELETE", "/api/v1/streamkeys/" + id));
        Assert.Null(await keys.FindAsync(key));
        Assert.Equal(404, await api.Status("GET", "/api/v1/streamkeys/" + id));
        foreach (var wrong in (string[])["{}", """{"stream":"cam"}""", """{"stream":"nowhere/cam"}""", """{"stream":"live/.cam"}""", """{"stream":"live/sk_cam"}""", """{"stream":"live/cam","name":"a\nb"}"""])
            Assert.Equal((wrong, 400), (wrong, await api.Status("POST", "/api/v1/streamkeys", wrong)));
        Assert.True(api.IsAudited($"\"admin\" \"made the stream key {id} of live/cam") && api.IsAudited($"\"admin\" \"removed the stream key {id}"));
        Assert.False(api.IsWritten(key), "the key is written down");
    }

    [Fact]
    public async Task Signing_keys_are_made_and_removed()
    {
        await using var api = await AccountApi.StartAsync(kind);
        var secret = (await api.Got(201, "POST", "/api/v1/keys", """{"id":"site/2"}""")).GetProperty("secret").GetString()!;
        Assert.Equal(409, await api.Status("POST", "/api/v1/keys", """{"id":"site/2"}"""));
        Assert.Equal(400, await api.Status("POST", "/api/v1/keys", """{"id":"a","not_before":2,"not_after":1}"""));
        var all = await api.Pages("/api/v1/keys", "keys", 1);
        Assert.Equal([" settings", "site/2 data"], all.Select(static k => $"{k.GetProperty("id").GetString()} {k.GetProperty("from").GetString()}"));
        Assert.DoesNotContain(secret, string.Concat(all), StringComparison.Ordinal);
        var link = api.Server.Link(Films.Segment, kid: "site/2", secret: secret);
        await Sessions.SessionApi.Eventually(async () => (await api.Server.Get(link)).Status == 200, "its link plays");
        Assert.Equal(404, await api.Status("DELETE", "/api/v1/keys?id="));
        Assert.Equal(204, await api.Status("DELETE", "/api/v1/keys?id=site%2F2"));
        await Sessions.SessionApi.Eventually(async () => (await api.Server.Get(link)).Status == 401, "its link plays no more");
        Assert.True(api.IsAudited("\"admin\" \"made the signing key 'site/2'") && api.IsAudited("\"admin\" \"removed the signing key 'site/2'"));
        Assert.DoesNotContain(secret, api.Server.AllOutput(), StringComparison.Ordinal);
    }
}
