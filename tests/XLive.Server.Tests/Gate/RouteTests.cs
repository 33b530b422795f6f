using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Accounts;
using XLive.Server.Door;

namespace XLive.Server.Tests.Gate;

/// <summary>Everything that is not media: who may call it, and the one form of its errors.</summary>
public sealed class RouteTests
{
    // Public by name. A new public route is a decision, and is written down here.
    // The page, its parts, the state of health, the ways in, and the description of the API, which is in the sources for all to read.
    private static readonly string[] Readable =
    [
        "/", "/api/v1/openapi.json", "/health", "/health/live", "/health/ready", "/monitor", "/monitor/console.css", "/monitor/console.js", "/monitor/icon.svg",
        "/monitor/overview.js", "/monitor/session.js", "/monitor/words.js",
    ];

    private static readonly string[] PublicRoutes =
    [
        .. Readable.Append("/api/v1/me").Order(StringComparer.Ordinal).Select(path => "GET " + path), .. Readable.Select(path => "HEAD " + path), "POST /login", "POST /logout", "POST /refresh",
    ];

    private static IEnumerable<(string Method, string Path, Needs? Needs)> Routes(GateServer server) =>
        from endpoint in ((IEndpointRouteBuilder)server.App).DataSources.SelectMany(s => s.Endpoints).OfType<RouteEndpoint>()
        let path = "/" + System.Text.RegularExpressions.Regex.Replace(endpoint.RoutePattern.RawText!.TrimStart('/'), "\\{[^}]*\\}", "x")
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET", "POST", "PUT", "PATCH", "DELETE"]
        select (method, path, endpoint.Metadata.GetMetadata<Needs>());

    [Fact]
    public async Task Every_route_is_public_by_name_or_refuses_a_stranger()
    {
        await using var server = await GateServer.StartAsync();
        var routes = Routes(server).ToList();
        Assert.Contains(routes, r => r is { Method: "GET", Path: "/stats" });
        Assert.Equal(PublicRoutes, routes.Where(r => r.Needs is { Permission: null }).Select(r => $"{r.Method} {r.Path}").Order(StringComparer.Ordinal));
        foreach (var (method, path, needs) in routes)
        {
            Assert.True(needs is not null, $"{method} {path} says neither Requires nor Public");
            Assert.True(FrontDoor.IsReserved(path), $"{path} would be taken for a film");
            if (needs.Permission is null)
                continue;
            foreach (var authorization in (string[])["X-None: 1", "Authorization: Bearer x.y.z", "Authorization: Basic YWRtaW46eA=="])
            {
                var reply = await server.Ask(method, path, authorization);
                Assert.True(reply.Status == 401, $"{method} {path} answers {reply.Status} to {authorization}");
                Assert.StartsWith("Bearer", reply["WWW-Authenticate"], StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task A_login_opens_what_its_permissions_cover()
    {
        await using var server = await GateServer.StartAsync(rest: $"auth:\n  admin_password: {GateServer.AdminPassword}\n");
        var bearer = "Authorization: Bearer " + await SignIn(server);
        // Not those of one session, of which there is none yet.
        foreach (var (method, path, needs) in Routes(server).Where(r => r.Needs?.Permission > Permission.None && r.Method == "GET" && !r.Path.EndsWith("/x", StringComparison.Ordinal)))
            Assert.Equal(200, (await server.Ask(method, path, bearer)).Status);

        await server.Get(server.Link(Films.Segment));
        using var stats = JsonDocument.Parse((await server.Get("/stats", bearer)).Body);
        Assert.Equal(2048, stats.RootElement.GetProperty("traffic").GetProperty("body_bytes").GetInt64());
        Assert.Equal(1, stats.RootElement.GetProperty("sessions").GetProperty("opened").GetInt64());
        Assert.Equal(1, stats.RootElement.GetProperty("sessions").GetProperty("grants_remembered").GetInt64());
        await server.Get(Films.Segment);
        using var after = JsonDocument.Parse((await server.Get("/stats", bearer)).Body);
        Assert.Equal(1, after.RootElement.GetProperty("requests").GetProperty("refused").GetProperty("no_grant").GetInt64());
        Assert.Equal("", (await server.Ask("HEAD", "/stats", bearer)).Text);
    }

    [Theory]
    [InlineData(Permission.Publish)]
    [InlineData(Permission.Subscribe)]
    [InlineData(Permission.Monitor)]
    [InlineData(Permission.Admin)]
    public async Task Each_permission_opens_what_it_covers_and_no_more(Permission has)
    {
        await using var server = await GateServer.StartAsync();
        var routes = Routes(server).Where(static r => r.Needs?.Permission > Permission.None).ToList();
        Assert.Contains(routes, static r => r is { Method: "POST", Path: "/api/v1/users" });
        foreach (var (method, path, needs) in routes)
        {
            // Of its own for each: a call may take it away.
            var (_, _, secret) = await server.Services.GetRequiredService<ApiTokens>().MakeAsync("machine" + Guid.NewGuid().ToString("N"), has, StreamPatterns.All, null, "a test");
            var reply = await server.Ask(method, path, "Authorization: Bearer " + secret, "Content-Length: 0");
            Assert.True((reply.Status != 403) == has.Cover(needs!.Permission!.Value) && reply.Status != 401, $"{method} {path} answers {reply.Status} to {has}: {reply.Text}");
        }
    }

    [Fact]
    public async Task The_settings_are_told_without_their_secrets()
    {
        await using var server = await GateServer.StartAsync(
            "keys:\n  - {id: k1, secret: key-secret-0123456789}", $"auth:\n  admin_password: {GateServer.AdminPassword}\nserver:\n  secret: service-secret-0123456789\n");
        var reply = await server.Get("/api/v1/config", "Authorization: Bearer " + await SignIn(server));
        using var config = JsonDocument.Parse(reply.Body);
        string Value(string key) => config.RootElement.GetProperty("settings").EnumerateArray().Single(s => s.GetProperty("key").GetString() == key).GetProperty("value").GetString()!;
        Assert.Equal("***", Value("access.secret"));
        Assert.Equal("***", Value("auth.admin_password"));
        Assert.Contains("id: k1", Value("access.keys"), StringComparison.Ordinal);
        foreach (var secret in (string[])[GateServer.Secret, "key-secret-0123456789", GateServer.AdminPassword, "service-secret-0123456789"])
            Assert.DoesNotContain(secret, reply.Text, StringComparison.Ordinal);
        Assert.Equal("no-store", reply["Cache-Control"]);
    }

    [Fact]
    public async Task A_stranger_hears_the_state_and_no_details()
    {
        await using var server = await GateServer.StartAsync(rest: $"auth:\n  admin_password: {GateServer.AdminPassword}\n");
        var stranger = await server.Get("/health");
        Assert.DoesNotContain("checks", stranger.Text, StringComparison.Ordinal);
        using var told = JsonDocument.Parse((await server.Get("/health", "Authorization: Bearer " + await SignIn(server))).Body);
        var names = told.RootElement.GetProperty("checks").EnumerateArray().Select(c => c.GetProperty("name").GetString()).ToList();
        Assert.Equal(["media", "data", "disk", "database", "sessions", "connections", "descriptors", "memory", "cpu", "clock", "live", "segments", "loops", "logs", "hooks", "traffic",
            "reports"], names);
        Assert.All(told.RootElement.GetProperty("checks").EnumerateArray(), c => Assert.True(c.GetProperty("latency_ms").GetDouble() >= 0));
        var head = await server.Ask("HEAD", "/health");
        Assert.Equal((200, 0, stranger["Content-Length"]), (head.Status, head.Body.Length, head["Content-Length"]));
    }

    [Theory]
    [InlineData("GET", "/api/v1/nothing", 404, null)]
    [InlineData("GET", "/streams", 401, null)]
    [InlineData("GET", "/login", 405, "POST")]
    [InlineData("DELETE", "/health", 405, "GET, HEAD")]
    [InlineData("GET", "/stats", 401, null)]
    [InlineData("POST", "/login", 400, null)]
    public async Task Errors_of_the_API_have_one_form(string method, string path, int status, string? allow)
    {
        await using var server = await GateServer.StartAsync();
        var reply = await server.Ask(method, path, method == "POST" ? "Content-Length: 0" : "X-None: 1");
        Assert.Equal((status, "application/problem+json", "no-store"), (reply.Status, reply["Content-Type"], reply["Cache-Control"]));
        Assert.Equal(allow, reply["Allow"]);
        using var problem = JsonDocument.Parse(reply.Body);
        Assert.Equal(["type", "title", "status", "detail", "request_id"], problem.RootElement.EnumerateObject().Select(p => p.Name));
        Assert.Equal(status, problem.RootElement.GetProperty("status").GetInt32());
        Assert.Equal(reply["X-Request-Id"], problem.RootElement.GetProperty("request_id").GetString());
        Assert.Matches("^[0-9a-f]{16}$", reply["X-Request-Id"]!);
        var line = await server.AccessLine(l => l.Contains(reply["X-Request-Id"]!, StringComparison.Ordinal));
        Assert.Contains($"\" {status} {reply.Body.Length} ", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("PROPFIND")]
    public async Task Media_is_read_alone(string method)
    {
        await using var server = await GateServer.StartAsync();
        var reply = await server.Ask(method, server.Link(Films.Segment), "Content-Length: 0");
        Assert.Equal((405, "GET, HEAD, OPTIONS"), (reply.Status, reply["Allow"]));
        Assert.Equal("*", reply["Access-Control-Allow-Origin"]);
    }

    [Fact]
    public async Task A_preflight_of_media_needs_no_grant()
    {
        await using var server = await GateServer.StartAsync("deny: [127.0.0.1]");
        var reply = await server.Ask("OPTIONS", Films.Segment, "Origin: https://page.example", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: range");
        Assert.Equal((204, "*"), (reply.Status, reply["Access-Control-Allow-Origin"]));
        Assert.Contains("Range", reply["Access-Control-Allow-Headers"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pages_of_known_origins_alone_may_call_the_API()
    {
        await using var server = await GateServer.StartAsync(rest: "cors:\n  origins: [\"https://console.example\"]\n");
        foreach (var path in (string[])["/stats", "/health", "/api/v1/nothing", "/login"])
        {
            var known = await server.Get(path, "Origin: https://console.example");
            Assert.Equal(("https://console.example", "Origin"), (known["Access-Control-Allow-Origin"], known["Vary"]));
            foreach (var origin in (string[])["https://other.example", "null", "https://console.example.evil.example", "http://console.example"])
                Assert.Null((await server.Get(path, "Origin: " + origin))["Access-Control-Allow-Origin"]);
        }
        string[] asks = ["Access-Control-Request-Method: GET", "Access-Control-Request-Headers: authorization"];
        var preflight = await server.Ask("OPTIONS", "/stats", ["Origin: https://console.example", .. asks]);
        Assert.Equal((204, "https://console.example"), (preflight.Status, preflight["Access-Control-Allow-Origin"]));
        Assert.Contains("Authorization", preflight["Access-Control-Allow-Headers"], StringComparison.Ordinal);
        var strange = await server.Ask("OPTIONS", "/stats", ["Origin: https://other.example", .. asks]);
        Assert.Null(strange["Access-Control-Allow-Origin"]);
        server.Reload(rest: "cors:\n  origins: []\n");
        Assert.Null((await server.Get("/stats", "Origin: https://console.example"))["Access-Control-Allow-Origin"]);
    }

    [Theory]
    [InlineData("/v/../top.ts")]
    [InlineData("/v/%2e%2e/top.ts")]
    [InlineData("/v//film/720p/0.ts")]
    [InlineData("/api/../v/film/720p/0.ts")]
    [InlineData("/v/film/%01.ts")]
    [InlineData("/v/film%2f720p/0.ts")]
    public async Task A_path_that_can_be_read_twice_is_refused_before_the_gate(string path)
    {
        await using var server = await GateServer.StartAsync("enable: false");
        var reply = await server.Get(path);
        Assert.Equal((400, "no-store"), (reply.Status, reply["Cache-Control"]));
    }

    internal static async Task<string> SignIn(GateServer server)
    {
        var reply = await Reply.Post(server.Port, "/login", $$"""{"username":"admin","password":"{{GateServer.AdminPassword}}"}""");
        Assert.Equal(200, reply.Status);
        using var json = JsonDocument.Parse(reply.Body);
        return json.RootElement.GetProperty("access_token").GetString()!;
    }
}
