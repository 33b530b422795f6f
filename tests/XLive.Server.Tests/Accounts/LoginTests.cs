using System.Net;
using System.Text.Json;
using XLive.Server.Accounts;
using XLive.Server.Tests.Storage;

namespace XLive.Server.Tests.Accounts;

public sealed class LoginTestsOnSqlite() : LoginTests(DatabaseKind.Sqlite);

public sealed class LoginTestsOnPostgres() : LoginTests(DatabaseKind.Postgres);

public abstract class LoginTests(DatabaseKind kind) : AccountsTests(kind)
{
    private static string Login(string name, string password) => JsonSerializer.Serialize(new { username = name, password });

    [Fact]
    public async Task Who_asks_who_he_is_learns_it_and_a_stranger_that_he_is_nobody()
    {
        await using AccountsHost host = await StartAsync(password: null);
        Assert.Equal("""{"name":null,"permissions":[],"by_address":false,"has_password":null}""", await AccountsHost.Text(await host.Fetch("/api/v1/me")));
        string once = host.Users.MakeLink(Users.Admin)[OneTimeLinks.Page.Length..];
        (string access, _) = await AccountsHost.Tokens(await host.Post("/login", $$"""{"once":"{{once}}"}"""));
        Assert.Contains("\"name\":\"admin\"", await AccountsHost.Text(await host.Fetch("/api/v1/me", access)), StringComparison.Ordinal);
        Assert.EndsWith("\"has_password\":false}", await AccountsHost.Text(await host.Fetch("/api/v1/me", access)), StringComparison.Ordinal);
        await host.Send(HttpMethod.Put, "/api/v1/users/admin/password", """{"password":"a password of ten"}""", access);
        Assert.EndsWith("\"has_password\":true}", await AccountsHost.Text(await host.Fetch("/api/v1/me", access)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_logins_the_address_is_who_he_is()
    {
        await using AccountsHost host = await StartAsync(new AuthOptions { Enable = false });
        Assert.StartsWith("""{"name":"local",""", await AccountsHost.Text(await host.Fetch("/api/v1/me")), StringComparison.Ordinal);
        Assert.Contains("\"by_address\":true", await AccountsHost.Text(await host.Fetch("/api/v1/me")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_right_password_gives_tokens_that_open_doors()
    {
        await using AccountsHost host = await StartAsync();
        using HttpResponseMessage answer = await host.Post("/login", Login("admin", AccountsHost.AdminPassword));
        Assert.True(answer.Headers.CacheControl!.NoStore);
        using JsonDocument json = JsonDocument.Parse(await AccountsHost.Text(answer));
        Assert.Equal(["access_token", "token_type", "expires_in", "refresh_token"], json.RootElement.EnumerateObject().Select(p => p.Name));
        Assert.Equal("Bearer", json.RootElement.GetProperty("token_type").GetString());
        Assert.Equal(900, json.RootElement.GetProperty("expires_in").GetInt32());
        using HttpResponseMessage who = await host.Fetch("/who", json.RootElement.GetProperty("access_token").GetString());
        Assert.Equal("admin", await AccountsHost.Text(who));
    }

    [Fact]
    public async Task A_wrong_password_and_an_unknown_user_read_the_same()
    {
        await using AccountsHost host = await StartAsync();
        await host.Users.AddAsync("gone", Permissions.All, "long enough pw");
        await host.Users.SetDisabledAsync("gone", true);
        List<string> details = [];
        foreach (string body in (string[])[Login("admin", "wrong"), Login("nobody", "wrong"), Login("gone", "long enough pw"), """{"once":"wrong"}"""])
        {
            using HttpResponseMessage answer = await host.Post("/login", body);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
            Assert.True(answer.Headers.CacheControl!.NoStore);
            details.Add(await AccountsHost.Detail(answer));
        }
        Assert.Single(details.Distinct());
    }

    [Theory]
    [InlineData("", "JSON body")]
    [InlineData("{", "well-formed")]
    [InlineData("[]", "well-formed")]
    [InlineData("null", "null")]
    [InlineData("{}", "username")]
    [InlineData("""{"username":"admin"}""", "password")]
    [InlineData("""{"username":5,"password":"x"}""", "username")]
    [InlineData("""{"username":"admin","password":"SECRET","password":"x"}""", "password")]
    [InlineData("""{"username":"admin","once":"x"}""", "once")]
    [InlineData("""{"once":""}""", "once")]
    public async Task A_malformed_login_is_told_which_field(string body, string named)
    {
        await using AccountsHost host = await StartAsync();
        using HttpResponseMessage answer = await host.Post("/login", body);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        string detail = await AccountsHost.Detail(answer);
        Assert.Contains(named, detail, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_long_body_is_refused()
    {
        await using AccountsHost host = await StartAsync();
        using HttpResponseMessage answer = await host.Post("/login", Login("admin", new string('x', 17 << 10)));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
    }

    [Fact]
    public async Task Guessing_ends_after_ten_and_begins_again_with_the_next_minute()
    {
        await using AccountsHost host = await StartAsync();
        HttpStatusCode[] answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            using HttpResponseMessage answer = await host.Post("/login", Login("admin", $"wrong {i}"));
            return answer.StatusCode;
        }));
        Assert.Equal(10, answers.Count(a => a == HttpStatusCode.Unauthorized));
        using HttpResponseMessage refused = await host.Post("/login", Login("admin", AccountsHost.AdminPassword));
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal(60, refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds);
        host.Clock.Pass(TimeSpan.FromSeconds(60));
        await host.SignIn();
    }

    [Fact]
    public async Task Strangers_cannot_lock_the_owner_out()
    {
        await using AccountsHost host = await StartAsync();
        int tried = 0;
        for (int i = 0; i < 100; i++)
        {
            host.From = new IPAddress([198, 51, 100, (byte)(i % 50)]);
            using HttpResponseMessage answer = await host.Post("/login", Login("admin", "wrong"));
            tried += answer.StatusCode == HttpStatusCode.Unauthorized ? 1 : 0;
        }
        Assert.Equal(50, tried); // one guess each: the second of an address comes after the account's tenth
        host.From = IPAddress.Parse("2001:db8::1");
        await host.SignIn();
    }

    [Fact]
    public async Task Right_passwords_are_not_counted()
    {
        await using AccountsHost host = await StartAsync();
        for (int i = 0; i < 30; i++)
        {
            await host.SignIn();
        }
    }

    [Fact]
    public async Task A_link_works_once()
    {
        await using AccountsHost host = await StartAsync(password: null);
        Assert.True(host.FirstStart);
        string once = host.Users.MakeLink("admin")["/monitor#once=".Length..];
        (string access, _) = await AccountsHost.Tokens(await host.Post("/login", $$"""{"once":"{{once}}"}"""));
        using HttpResponseMessage who = await host.Fetch("/administered", access);
        Assert.Equal(HttpStatusCode.OK, who.StatusCode);
        using HttpResponseMessage again = await host.Post("/login", $$"""{"once":"{{once}}"}""");
        Assert.Equal(HttpStatusCode.Unauthorized, again.StatusCode);
        Assert.DoesNotContain(once, host.AllLogs, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_is_void_after_half_an_hour_and_once_a_password_is_set()
    {
        await using AccountsHost host = await StartAsync(password: null);
        string late = host.Users.MakeLink("admin")["/monitor#once=".Length..];
        host.Clock.Pass(TimeSpan.FromMinutes(30));
        using HttpResponseMessage expired = await host.Post("/login", $$"""{"once":"{{late}}"}""");
        Assert.Equal(HttpStatusCode.Unauthorized, expired.StatusCode);
        string unused = host.Users.MakeLink("admin")["/monitor#once=".Length..];
        string used = host.Users.MakeLink("admin")["/monitor#once=".Length..];
        (string access, _) = await AccountsHost.Tokens(await host.Post("/login", $$"""{"once":"{{used}}"}"""));
        using HttpResponseMessage set = await host.Send(HttpMethod.Put, "/api/v1/users/admin/password", """{"password":"my new password"}""", access);
        Assert.Equal(HttpStatusCode.NoContent, set.StatusCode);
        using HttpResponseMessage voided = await host.Post("/login", $$"""{"once":"{{unused}}"}""");
        Assert.Equal(HttpStatusCode.Unauthorized, voided.StatusCode);
        using HttpResponseMessage still = await host.Fetch("/who", access);
        Assert.Equal(HttpStatusCode.OK, still.StatusCode);
        await host.SignIn(password: "my new password");
    }

    [Fact]
    public async Task Who_may_set_whose_password()
    {
        await using AccountsHost host = await StartAsync();
        await host.Users.AddAsync("viewer", Permission.Monitor, "viewer's password");
        (string admin, _) = await host.SignIn();
        (string viewer, _) = await host.SignIn("viewer", "viewer's password");
        (string other, string refresh) = await host.SignIn("viewer", "viewer's password");
        async Task<HttpStatusCode> Put(string name, string password, string? bearer)
        {
            using HttpResponseMessage answer = await host.Send(HttpMethod.Put, $"/api/v1/users/{name}/password",
                JsonSerializer.Serialize(new { password }), bearer);
            return answer.StatusCode;
        }
        Assert.Equal(HttpStatusCode.Unauthorized, await Put("viewer", "another password", null));
        Assert.Equal(HttpStatusCode.Forbidden, await Put("admin", "another password", viewer));
        Assert.Equal(HttpStatusCode.BadRequest, await Put("viewer", "too short", viewer));
        Assert.Equal(HttpStatusCode.NotFound, await Put("nobody", "another password", admin));
        Assert.Equal(HttpStatusCode.NoContent, await Put("viewer", "another password", viewer));
        Assert.Equal(HttpStatusCode.OK, (await host.Fetch("/monitored", viewer)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.Fetch("/monitored", other)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.Post("/refresh", $$"""{"refresh_token":"{{refresh}}"}""")).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, await Put("viewer", "by the admin now", admin));
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.Fetch("/monitored", viewer)).StatusCode);
    }

    [Fact]
    public async Task The_admin_password_of_the_settings_holds_at_each_start()
    {
        AccountsHost host = await StartAsync();
        (_, string refresh) = await host.SignIn();
        host = await host.RestartAsync(new AuthOptions { AdminPassword = "from the settings" });
        await using (host)
        {
            Assert.False(host.FirstStart);
            Assert.Equal(HttpStatusCode.Unauthorized, (await host.Post("/login", Login("admin", AccountsHost.AdminPassword))).StatusCode);
            await host.SignIn(password: "from the settings");
            Assert.Equal(HttpStatusCode.Unauthorized, (await host.Post("/refresh", $$"""{"refresh_token":"{{refresh}}"}""")).StatusCode);
        }
    }

    [Fact]
    public async Task No_secret_is_in_a_log_or_a_file()
    {
        await using AccountsHost host = await StartAsync();
        (string access, string refresh) = await host.SignIn();
        await host.Post("/login", Login("admin", "a-wrong-password"));
        await host.Fetch("/who", access[..^2]);
        await host.Post("/refresh", """{"refresh_token":"a-wrong-token"}""");
        await host.Fetch("/fault");
        string everything = host.AllLogs + string.Concat(Directory.GetFiles(host.DataDir)
            .Select(f => System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(f))));
        Assert.Contains("wrong password", everything, StringComparison.Ordinal);
        foreach (string secret in (string[])[AccountsHost.AdminPassword, "a-wrong-password", "a-wrong-token", access[^40..], refresh])
        {
            Assert.DoesNotContain(secret, everything, StringComparison.Ordinal);
        }
    }
}
