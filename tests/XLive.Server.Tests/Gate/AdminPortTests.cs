using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Door;
using XLive.Server.Door.Clients;

namespace XLive.Server.Tests.Gate;

/// <summary>admin.port and admin.allow: where console, API and health details are, and that they are nowhere else.</summary>
public sealed class AdminPortTests
{
    public static TheoryData<string> ManagementPaths =>
        ["/", "/monitor", "/monitor/console.js", "/api/v1/me", "/api/v1/config", "/stats", "/login", "/refresh", "/logout", "/streams", "/traffic", "/metrics", "/debug"];

    [Fact]
    public async Task With_a_port_of_its_own_management_is_nowhere_else()
    {
        var port = FreePort.Next();
        await using var server = await GateServer.StartAsync(rest: $"admin:\n  port: {port}\n");
        foreach (var path in ManagementPaths.Select(p => p.Data))
        {
            var there = await Reply.Of(server.Port, "GET", path);
            AssertNothing(there, await Reply.Of(server.Port, "GET", "/.well-known/nothing"));
            // Nor does another method tell that there is something.
            Assert.Equal(404, (await Reply.Of(server.Port, "POST", path)).Status);
            Assert.Equal(404, (await Reply.Of(server.Port, "OPTIONS", path)).Status);
        }
        Assert.Equal(302, (await Reply.Of(port, "GET", "/")).Status);
        Assert.Equal(200, (await Reply.Of(port, "GET", "/monitor")).Status);
        Assert.Equal(200, (await Reply.Of(port, "GET", "/api/v1/me")).Status);
        Assert.Equal(401, (await Reply.Of(port, "GET", "/stats")).Status);
        Assert.Equal(405, (await Reply.Of(port, "GET", "/login")).Status);
    }

    [Fact]
    public async Task Port_for_management_has_no_media()
    {
        var port = FreePort.Next();
        await using var server = await GateServer.StartAsync("public: [/public/**]", $"admin:\n  port: {port}\n");
        Assert.Equal(200, (await Reply.Of(server.Port, "GET", server.Link(Films.Master))).Status);
        var session = await server.SessionPath(server.Link(Films.Master));
        foreach (var target in (string[])[server.Link(Films.Master), server.PathLink(Films.Master), session + Films.Segment, Films.Segment, "/public/p.ts", "/nothing"])
        {
            var reply = await Reply.Of(port, "GET", target);
            Assert.Equal("404 there is no media at this port", GateServer.VerdictOf(reply));
            Assert.Equal(404, (await Reply.Of(port, "OPTIONS", target)).Status);
        }
    }

    [Fact]
    public async Task Bare_health_is_everywhere_and_its_details_are_with_management()
    {
        var port = FreePort.Next();
        await using var server = await GateServer.StartAsync(rest: $"admin:\n  port: {port}\nauth:\n  enable: false\n");
        foreach (var path in (string[])["/health", "/health/ready", "/health/live"])
        {
            Assert.True(await HasDetails(port, path));
            Assert.False(await HasDetails(server.Port, path));
        }
        server.Reload(rest: $"admin:\n  port: {port}\n  allow: [192.0.2.0/24]\nauth:\n  enable: false\n");
        Assert.False(await HasDetails(port, "/health"));
    }

    [Fact]
    public async Task Only_whom_admin_allow_names_finds_management()
    {
        await using var server = await GateServer.StartAsync("trusted_proxies: [127.0.0.1]", "admin:\n  allow: [127.0.0.8, \"2001:db8::/32\"]\nauth:\n  enable: false\n");
        var nothing = await Reply.Of(server.Port, "GET", "/.well-known/nothing");
        foreach (var path in ManagementPaths.Select(p => p.Data))
            AssertNothing(await server.GetFrom("127.0.0.9", path), nothing);
        Assert.Equal(200, (await server.GetFrom("127.0.0.8", "/stats")).Status);
        // By the client's address, behind a proxy.
        AssertNothing(await server.Get("/monitor"), nothing);
        AssertNothing(await server.Get("/monitor", "X-Forwarded-For: 127.0.0.9"), nothing);
        Assert.Equal(200, (await server.Get("/monitor", "X-Forwarded-For: 2001:db8::7")).Status);
        AssertNothing(await server.GetFrom("127.0.0.9", "/monitor", "X-Forwarded-For: 127.0.0.8"), nothing);
        // Media and health are for everybody.
        Assert.Equal(200, (await server.GetFrom("127.0.0.9", server.Link(Films.Segment))).Status);
        Assert.Equal(200, (await server.GetFrom("127.0.0.9", "/health")).Status);
        var audit = string.Join('\n', server.LogLines("audit.log"));
        Assert.Contains(" 127.0.0.9 \"refused\" \"outside_admin_allow\" path=\"/", audit, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Admin_allow_changes_while_running()
    {
        await using var server = await GateServer.StartAsync();
        Assert.Equal(200, (await server.Get("/monitor")).Status);
        server.Reload(rest: "admin:\n  allow: [192.0.2.0/24]\n");
        Assert.Equal(404, (await server.Get("/monitor")).Status);
        server.Reload(rest: "admin:\n  allow: [127.0.0.0/8]\n");
        Assert.Equal(200, (await server.Get("/monitor")).Status);
    }

    [Fact]
    public async Task Every_management_route_that_is_mapped_is_one_that_hides()
    {
        await using var server = await GateServer.StartAsync(rest: "admin:\n  allow: [192.0.2.0/24]\n");
        var routes = server.Services.GetRequiredService<Microsoft.AspNetCore.Routing.EndpointDataSource>().Endpoints
            .OfType<Microsoft.AspNetCore.Routing.RouteEndpoint>().Select(e => "/" + e.RoutePattern.RawText!.TrimStart('/')).Distinct().ToList();
        Assert.Contains("/api/v1/users/{name}/password", routes);
        foreach (var route in routes)
        {
            var target = route.Replace("{name}", "admin", StringComparison.Ordinal);
            Assert.True(FrontDoor.IsReserved(target), route + " is taken for media");
            Assert.Equal(target.StartsWith("/health", StringComparison.Ordinal) ? 200 : 404, (await server.Get(target)).Status);
        }
    }

    private static async Task<bool> HasDetails(int port, string path)
    {
        var reply = await Reply.Of(port, "GET", path);
        Assert.Equal(200, reply.Status);
        using var json = JsonDocument.Parse(reply.Text);
        Assert.Equal("healthy", json.RootElement.GetProperty("status").GetString());
        return json.RootElement.TryGetProperty("checks", out _);
    }

    /// <summary>Nothing that tells it from an address where nothing ever was, but for its own id.</summary>
    private static void AssertNothing(Reply reply, Reply nothing)
    {
        Assert.Equal(404, reply.Status);
        Assert.Equal("application/problem+json", reply["Content-Type"]);
        Assert.Equal(nothing.Headers.Select(h => h.Key).Order(), reply.Headers.Select(h => h.Key).Order());
        using var problem = JsonDocument.Parse(reply.Text);
        using var other = JsonDocument.Parse(nothing.Text);
        Assert.Equal(reply["X-Request-Id"], problem.RootElement.GetProperty("request_id").GetString());
        foreach (var member in (string[])["type", "title", "status", "detail"])
            Assert.Equal(other.RootElement.GetProperty(member).ToString(), problem.RootElement.GetProperty(member).ToString());
    }
}
