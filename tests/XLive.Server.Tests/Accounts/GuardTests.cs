using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using XLive.Server.Accounts;
using XLive.Server.Tests.Storage;

namespace XLive.Server.Tests.Accounts;

public sealed class GuardTestsOnSqlite() : GuardTests(DatabaseKind.Sqlite);

public sealed class GuardTestsOnPostgres() : GuardTests(DatabaseKind.Postgres);

public abstract class GuardTests(DatabaseKind kind) : AccountsTests(kind)
{
    [Theory]
    [InlineData("Production", HttpStatusCode.Forbidden)]
    [InlineData(PermissionGuard.TestEnvironment, HttpStatusCode.InternalServerError)]
    public async Task What_says_nothing_about_permissions_is_closed(string environment, HttpStatusCode expected)
    {
        await using AccountsHost host = await StartAsync(environment: environment);
        (string admin, _) = await host.SignIn();
        Assert.Equal(expected, (await host.Fetch("/forgotten", admin)).StatusCode);
    }

    [Fact]
    public async Task Every_route_of_the_accounts_says_who_may_call_it()
    {
        await using AccountsHost host = await StartAsync();
        Endpoint[] silent = [.. host.Endpoints.Where(e => e.Metadata.GetMetadata<Needs>() is null)];
        Assert.Equal("/forgotten", Assert.IsType<RouteEndpoint>(Assert.Single(silent)).RoutePattern.RawText);
        string[] open = [.. host.Endpoints.OfType<RouteEndpoint>().Where(e => e.Metadata.GetMetadata<Needs>() is { Permission: null })
            .Select(e => e.RoutePattern.RawText!).Where(p => p != "/fault")];
        Assert.Equal(["/login", "/refresh", "/logout", "/api/v1/me"], open);
    }

    [Fact]
    public async Task Nobody_gets_401_and_too_little_gets_403()
    {
        await using AccountsHost host = await StartAsync();
        await host.Users.AddAsync("viewer", Permission.Monitor, "viewer's password");
        (string viewer, _) = await host.SignIn("viewer", "viewer's password");
        (string admin, _) = await host.SignIn();
        using HttpResponseMessage nobody = await host.Fetch("/monitored");
        Assert.Equal(HttpStatusCode.Unauthorized, nobody.StatusCode);
        Assert.Equal("Bearer", nobody.Headers.WwwAuthenticate.ToString());
        Assert.Equal(HttpStatusCode.OK, (await host.Fetch("/monitored", viewer)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await host.Fetch("/monitored", admin)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await host.Fetch("/administered", viewer)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.Fetch($"/monitored?access_token={viewer}")).StatusCode);
        using HttpRequestMessage socket = new(HttpMethod.Get, $"/monitored?access_token={viewer}");
        socket.Headers.Add("Connection", "Upgrade");
        socket.Headers.Add("Upgrade", "websocket");
        using HttpResponseMessage answer = await host.Send(socket);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Theory]
    [InlineData("127.0.0.1", null, null, true)]
    [InlineData("::ffff:127.0.0.1", null, null, true)]
    [InlineData("::1", "localhost:7889", null, true)]
    [InlineData("::1", "[::1]:7889", "http://[::1]:7889", true)]
    [InlineData("192.0.2.1", null, null, false)]
    [InlineData("127.0.0.1", "evil.example", null, false)]
    [InlineData("127.0.0.1", null, "https://evil.example", false)]
    [InlineData("127.0.0.1", null, "null", false)]
    public async Task Without_logins_only_the_neighbours_get_in(string from, string? name, string? origin, bool opens)
    {
        await using AccountsHost host = await StartAsync(new AuthOptions { Enable = false });
        host.From = IPAddress.Parse(from);
        using HttpRequestMessage request = new(HttpMethod.Get, "/administered");
        if (name is not null)
        {
            request.Headers.Host = name;
        }
        if (origin is not null)
        {
            request.Headers.TryAddWithoutValidation("Origin", origin);
        }
        using HttpResponseMessage answer = await host.Send(request);
        Assert.Equal(opens ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task Errors_have_one_form()
    {
        await using AccountsHost host = await StartAsync();
        using HttpResponseMessage method = await host.Fetch("/login");
        Assert.Equal(["POST"], method.Content.Headers.Allow);
        using HttpResponseMessage fault = await host.Fetch("/fault");
        using HttpResponseMessage missing = await host.Fetch("/api/v1/nothing");
        foreach ((HttpResponseMessage answer, int status) in ((HttpResponseMessage, int)[])[(method, 405), (fault, 500), (missing, 404)])
        {
            Assert.Equal(status, (int)answer.StatusCode);
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.ToString());
            Assert.True(answer.Headers.CacheControl!.NoStore);
            string body = await AccountsHost.Text(answer);
            Assert.DoesNotContain("SECRET", body, StringComparison.Ordinal);
            using JsonDocument json = JsonDocument.Parse(body);
            Assert.Equal(["type", "title", "status", "detail", "request_id"], json.RootElement.EnumerateObject().Select(p => p.Name));
            Assert.Equal(status, json.RootElement.GetProperty("status").GetInt32());
            Assert.NotEqual("", json.RootElement.GetProperty("request_id").GetString());
        }
        using HttpRequestMessage head = new(HttpMethod.Head, "/api/v1/nothing");
        using HttpResponseMessage bodiless = await host.Send(head);
        Assert.Equal(HttpStatusCode.NotFound, bodiless.StatusCode);
    }
}
