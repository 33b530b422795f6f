using System.Net;
using System.Text;
using XLive.Server.Accounts;
using XLive.Server.Limits;
using XLive.Server.Tests.Storage;

namespace XLive.Server.Tests.Accounts;

public sealed class SignInTestsOnSqlite() : SignInTests(DatabaseKind.Sqlite);

public sealed class SignInTestsOnPostgres() : SignInTests(DatabaseKind.Postgres);

public abstract class SignInTests(DatabaseKind kind) : AccountsTests(kind)
{
    private static string Refresh(string token) => $$"""{"refresh_token":"{{token}}"}""";

    [Fact]
    public async Task Refresh_tokens_rotate_and_an_old_one_ends_them_all()
    {
        await using AccountsHost host = await StartAsync();
        (_, string first) = await host.SignIn();
        (_, string otherBrowser) = await host.SignIn();
        (string access, string second) = await AccountsHost.Tokens(await host.Post("/refresh", Refresh(first)));
        Assert.NotEqual(first, second);
        Assert.Equal(HttpStatusCode.OK, (await host.Fetch("/who", access)).StatusCode);

        Assert.Equal(HttpStatusCode.Unauthorized, (await host.Post("/refresh", Refresh(first))).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.Post("/refresh", Refresh(second))).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.Fetch("/who", access)).StatusCode);
        await AccountsHost.Tokens(await host.Post("/refresh", Refresh(otherBrowser)));
    }

    [Fact]
    public async Task Of_two_refreshes_at_once_one_wins()
    {
        await using AccountsHost host = await StartAsync();
        (_, string token) = await host.SignIn();
        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => host.Post("/refresh", Refresh(token))));
        Assert.Equal(1, answers.Count(a => a.IsSuccessStatusCode));
    }

    [Fact]
    public async Task A_refresh_token_lives_thirty_days_from_its_last_use()
    {
        await using AccountsHost host = await StartAsync();
        (_, string token) = await host.SignIn();
        host.Clock.Pass(TimeSpan.FromDays(29));
        (_, token) = await AccountsHost.Tokens(await host.Post("/refresh", Refresh(token)));
        host.Clock.Pass(TimeSpan.FromDays(29));
        (_, token) = await AccountsHost.Tokens(await host.Post("/refresh", Refresh(token)));
        host.Clock.Pass(TimeSpan.FromDays(30));
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.Post("/refresh", Refresh(token))).StatusCode);
        await host.SignIn(); // clears away what has expired
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.Post("/refresh", Refresh(token))).StatusCode);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task Logout_ends_both_tokens_and_a_restart_does_not_bring_them_back(bool byAccess, bool byRefresh)
    {
        AccountsHost host = await StartAsync();
        (string access, string refresh) = await host.SignIn();
        using (HttpResponseMessage done = await host.Send(HttpMethod.Post, "/logout", byRefresh ? Refresh(refresh) : null, byAccess ? access : null))
        {
            Assert.Equal(HttpStatusCode.NoContent, done.StatusCode);
        }
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.Fetch("/who", access)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.Post("/refresh", Refresh(refresh))).StatusCode);
        host = await host.RestartAsync();
        await using (host)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await host.Fetch("/who", access)).StatusCode);
            Assert.Equal(HttpStatusCode.Unauthorized, (await host.Post("/logout", "{}")).StatusCode);
        }
    }

    [Fact]
    public async Task What_a_command_beside_the_server_changes_counts_within_two_seconds()
    {
        await using AccountsHost host = await StartAsync();
        await host.Users.AddAsync("viewer", Permission.Monitor, "viewer's password");
        (string viewer, _) = await host.SignIn("viewer", "viewer's password");
        Assert.Equal(HttpStatusCode.OK, (await host.Fetch("/monitored", viewer)).StatusCode);
        using (XLive.Server.Storage.Database other = host.OpenBeside())
        {
            other.Execute("UPDATE users SET permissions = 2 WHERE name = $1", "viewer");
        }
        host.Clock.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(HttpStatusCode.Forbidden, (await host.Fetch("/monitored", viewer)).StatusCode);
        await host.Users.RemoveAsync("viewer");
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.Fetch("/who", viewer)).StatusCode);
        await host.Users.AddAsync("viewer", Permission.Monitor, "somebody else's");
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.Fetch("/who", viewer)).StatusCode);
    }

    [Fact]
    public async Task Passwords_cost_what_they_should_and_a_crowd_is_told_to_wait()
    {
        using Passwords passwords = new();
        string hash = await passwords.HashAsync("a password");
        Assert.StartsWith("$pbkdf2-sha512$i=210000$", hash, StringComparison.Ordinal);
        Assert.True(await passwords.IsRightAsync("a password", hash));
        Assert.False(await passwords.IsRightAsync("another", hash));
        Assert.False(await passwords.IsRightAsync("a password", null));
        Assert.False(await passwords.IsRightAsync("a password", hash.Replace("i=210000", "i=999999999", StringComparison.Ordinal)));
        using Passwords cheap = new(1000);
        Assert.True(passwords.IsWeak(await cheap.HashAsync("a password")));
        Assert.True(await passwords.IsRightAsync("a password", await cheap.HashAsync("a password")));

        Task<bool>[] crowd = [.. Enumerable.Range(0, 40).Select(_ => cheap.IsRightAsync("x", hash))];
        await Task.WhenAll(crowd.Select(t => t.ContinueWith(_ => { }, TaskScheduler.Default)));
        Assert.Contains(crowd, t => t.Exception?.InnerException is PasswordsBusyException);
        Assert.Contains(crowd, t => t.IsCompletedSuccessfully);
        Assert.False(await cheap.IsRightAsync("x", await cheap.HashAsync("y")));
    }

    [Fact]
    public void The_tables_of_the_limits_are_bounded()
    {
        XLive.Server.Tests.Telemetry.StoppedClock clock = new();
        LoginLimits limits = new(clock, static () => new RateLimit { Count = 10, Window = TimeSpan.FromMinutes(1) });
        for (int i = 0; i < 50_000; i++)
        {
            limits.Begin(new IPAddress(i + 1), Convert.ToBase64String(Encoding.ASCII.GetBytes($"{i}")));
        }
        Assert.InRange(limits.Keys, 1, 30_000);
        IPAddress six = IPAddress.Parse("2001:db8::1");
        for (int i = 0; i < 10; i++)
        {
            Assert.Null(limits.Begin(IPAddress.Parse($"2001:db8::{i}"), null));
        }
        Assert.NotNull(limits.Begin(six, null));
        Assert.Null(limits.Begin(IPAddress.Parse("2001:db8:0:1::1"), null));
        Assert.Null(limits.Begin(IPAddress.Parse("192.0.2.1"), null));
        limits.Begin(IPAddress.Parse("::ffff:192.0.2.1"), null);
    }
}
