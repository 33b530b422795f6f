using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using XLive.Server.Accounts;
using XLive.Server.Operations.Api;
using XLive.Server.Tests.Metrics;
using XLive.Server.Tests.Redis;
using XLive.Server.Tests.Sessions;

namespace XLive.Server.Tests.Gate;

/// <summary>The description of the API beside the API: its routes, who may call them, what they take and what they answer.</summary>
public sealed partial class OpenApiTests
{
    // Pages, and what they load.
    private static bool IsPage(string path) => path == "/" || path.StartsWith("/monitor", StringComparison.Ordinal);

    // What it takes to have one of these is in tests of their own: a publisher, an If-Match, and a site that takes nothing.
    private static readonly string[] s_notAsked = ["delete /api/v1/streams/{app}/{stream}", "patch /api/v1/users/{name}", "patch /api/v1/streamkeys/{id}", "get /api/v1/traffic/reports/{id}", "get /api/v1/hooks/{id}"];

    private sealed record Route(string Method, string Path, Permission? Permission)
    {
        public string[] Parameters => [.. Parameter().Matches(Path).Select(static m => m.Groups[1].Value)];
    }

    [Fact]
    public async Task Every_route_is_in_the_file_with_its_permission_and_nothing_else_is()
    {
        await using var server = await GateServer.StartAsync();
        var routes = (from endpoint in ((IEndpointRouteBuilder)server.App).DataSources.SelectMany(static s => s.Endpoints).OfType<RouteEndpoint>()
                      let path = "/" + Parameter().Replace(endpoint.RoutePattern.RawText!.TrimStart('/'), "{$1}")
                      where !IsPage(path)
                      from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
                      where method != "HEAD"
                      select new Route(method.ToLowerInvariant(), path, endpoint.Metadata.GetMetadata<Needs>()!.Permission)).ToList();
        Assert.InRange(routes.Count, 30, 300);
        var file = OpenApiFile.Read();
        if (Environment.GetEnvironmentVariable("XLIVE_WRITE_REFERENCE") == "1")
        {
            Complete(file, routes);
            file.Write();
        }
        var faults = routes.SelectMany(r => Faults(file, r))
            .Concat(file.Operations.Where(o => !routes.Any(r => r.Method == o.Method && r.Path == o.Path)).Select(static o => $"{o.Method} {o.Path} is no route")).ToList();
        Assert.True(faults.Count == 0, string.Join('\n', faults) + "\nXLIVE_WRITE_REFERENCE=1 ./test OpenApi puts in what the routes say; the rest of openapi.json is written by hand");

        // It would tell.
        Assert.NotEmpty(Faults(file, new Route("get", "/api/v1/none", Permission.Monitor)));
        Assert.NotEmpty(Faults(file, new Route("get", "/stats", Permission.Admin)));
        Assert.NotEmpty(Faults(file, new Route("get", "/stats", null)));
    }

    [Fact]
    public void It_is_whole_in_itself()
    {
        var file = OpenApiFile.Read();
        Assert.Equal("3.1.0", file.Json["openapi"]!.GetValue<string>());
        // The API's, which stands in its paths; that of the program is in /stats.
        Assert.Equal("1", file.Json["info"]!["version"]!.GetValue<string>());
        var ids = file.Operations.Select(static o => o.Operation["operationId"]!.GetValue<string>()).ToList();
        Assert.Equal(ids.Distinct(), ids);
        Assert.All(file.Operations, static o => Assert.NotEqual("", o.Operation["summary"]!.GetValue<string>()));
        var references = Reference().Matches(file.Json.ToJsonString()).Select(static m => m.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        Assert.All(references, r => file.Resolve(new JsonObject { ["$ref"] = r }));
        var parts = ((string[])["responses", "schemas"]).SelectMany(kind => file.Json["components"]![kind]!.AsObject().Select(p => $"#/components/{kind}/{p.Key}"));
        Assert.Equal(parts.Order(StringComparer.Ordinal), references.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Bodies_have_the_fields_that_are_read()
    {
        var file = OpenApiFile.Read();
        foreach (var type in (JsonTypeInfo[])[AccountsJson.Default.LoginRequest, AccountsJson.Default.RefreshRequest, AccountsJson.Default.PasswordRequest,
            SessionJson.Default.RevocationRequest, CacheJson.Default.CachePaths, AccountFieldsJson.Default.TokenRequest, AccountFieldsJson.Default.UserRequest,
            AccountFieldsJson.Default.UserChangeRequest, AccountFieldsJson.Default.StreamKeyRequest, AccountFieldsJson.Default.StreamKeyChangeRequest,
            AccountFieldsJson.Default.SigningKeyRequest])
            Assert.Equal(type.Properties.Select(static p => p.Name).Order(), Fields(file, type.Type.Name).Order());
        Assert.Equal(AccountsJson.Default.TokensAnswer.Properties.Select(static p => p.Name).Order(), Fields(file, "Tokens").Order());
        Assert.Equal(AccountsJson.Default.MeAnswer.Properties.Select(static p => p.Name).Order(), Fields(file, "Me").Order());
    }

    private static IEnumerable<string> Fields(OpenApiFile file, string schema) => file.Json["components"]!["schemas"]![schema]!["properties"]!.AsObject().Select(static p => p.Key);

    [Fact]
    public async Task It_is_served_as_it_is()
    {
        await using var server = await GateServer.StartAsync();
        var reply = await server.Get("/api/v1/openapi.json");
        Assert.Equal((200, "application/json"), (reply.Status, reply["Content-Type"]));
        Assert.Equal(OpenApiFile.Read().Bytes, reply.Body);
        Assert.Empty((await server.Ask("HEAD", "/api/v1/openapi.json")).Body);
    }

    [Fact]
    public async Task Answers_are_as_it_says()
    {
        using var redis = RedisProcess.Start();
        await using var api = await SessionApi.StartAsync(MetricsTests.Everything(redis));
        var file = OpenApiFile.Read();
        var asked = new HashSet<string>(StringComparer.Ordinal);
        var faults = new List<string>();
        void Look(string method, string path, Reply reply, int status)
        {
            asked.Add($"{method} {path}");
            if (reply.Status != status)
                faults.Add($"{method} {path} answers {reply.Status}, not {status}: {reply.Text}");
            else if (file.Fault(method, path, reply) is { } fault)
                faults.Add(fault);
        }

        var entry = await api.Server.Get(api.Server.Link(Films.Master, "u1"));
        await api.Server.Get(GateServer.SessionPathOf(entry) + Films.Segment);
        var signedIn = await Reply.Post(api.Server.Port, "/login", $$"""{"username":"admin","password":"{{GateServer.AdminPassword}}"}""");
        Look("post", "/login", signedIn, 200);
        var refreshed = await Reply.Post(api.Server.Port, "/refresh", $$"""{"refresh_token":"{{JsonNode.Parse(signedIn.Body)!["refresh_token"]}}"}""");
        Look("post", "/refresh", refreshed, 200);
        Look("post", "/logout", await Reply.Post(api.Server.Port, "/logout", $$"""{"refresh_token":"{{JsonNode.Parse(refreshed.Body)!["refresh_token"]}}"}"""), 204);
        Look("post", "/login", await Reply.Post(api.Server.Port, "/login", "{"), 400);
        Look("get", "/stats", await api.Server.Get("/stats"), 401);
        Look("get", "/health", await api.Server.Get("/health"), 200);

        var created = await api.Post("/api/v1/revocations", """{"uid":"u2","for":"2h","reason":"shared"}""");
        Look("post", "/api/v1/revocations", created, 201);
        foreach (var (path, body, one) in ((string, string, string?)[])[
            ("/api/v1/tokens", """{"name":"machine","permissions":["monitor"]}""", "{id}"), ("/api/v1/users", """{"name":"somebody","permissions":["subscribe"]}""", "{name}"),
            ("/api/v1/streamkeys", """{"stream":"live/cam","name":"studio"}""", "{id}"), ("/api/v1/keys", """{"id":"k1"}""", null)])
        {
            var made = await api.Post(path, body);
            Look("post", path, made, 201);
            if (one is null)
                continue;
            Look("get", $"{path}/{one}", await api.Ask("GET", made["Location"]!), 200);
        }
        Look("post", "/api/v1/users/{name}/link", await api.Post("/api/v1/users/somebody/link", ""), 201);
        var sid = await api.Sid();
        Look("get", "/api/v1/sessions/{sid}", await api.Ask("GET", "/api/v1/sessions/" + sid), 200);
        foreach (var (method, path, operation) in file.Operations.Where(static o => o.Method == "get" && !o.Path.Contains('{') && HasSchema(o.Operation)))
            Look(method, path, await api.Ask("GET", path), 200);
        Look("get", "/api/v1/traffic/users/{uid}", await api.Ask("GET", "/api/v1/traffic/users/u1"), 200);
        Look("get", "/api/v1/traffic/users", await api.Ask("GET", "/api/v1/traffic/users?format=csv"), 200);
        // Not before: with nobody at the origins' addresses the whole is unhealthy.
        var warming = await api.Post("/api/v1/cache/warm", """{"paths":["/v/none.m3u8"]}""");
        Look("post", "/api/v1/cache/warm", warming, 202);
        Look("get", "/api/v1/cache/warm", await api.Ask("GET", "/api/v1/cache/warm"), 200);
        Look("get", "/api/v1/cache/warm/{id}", await api.Ask("GET", warming["Location"]!), 200);
        Look("delete", "/api/v1/cache/warm/{id}", await api.Ask("DELETE", warming["Location"]!), 200);
        Look("post", "/api/v1/cache/purge", await api.Post("/api/v1/cache/purge", """{"paths":["/v/*"]}"""), 200);
        Look("delete", "/api/v1/revocations/{id}", await api.Ask("DELETE", created["Location"]!), 200);
        Look("delete", "/api/v1/sessions/{sid}", await api.Ask("DELETE", "/api/v1/sessions/" + sid), 200);
        Look("delete", "/api/v1/limits", await api.Ask("DELETE", "/api/v1/limits?all=true"), 200);

        Look("get", "/api/v1/sessions/{sid}", await api.Ask("GET", "/api/v1/sessions/none"), 404);
        Look("get", "/api/v1/sessions", await api.Ask("GET", "/api/v1/sessions?limit=0"), 400);
        Look("get", "/api/v1/sessions", await api.Ask("GET", "/api/v1/sessions?limit=1001"), 400);
        Look("get", "/api/v1/limits", await api.Ask("GET", "/api/v1/limits?name=none"), 400);
        Look("get", "/api/v1/traffic/history", await api.Ask("GET", "/api/v1/traffic/history?by=week"), 400);
        Look("delete", "/api/v1/streams/{app}/{stream}", await api.Ask("DELETE", "/api/v1/streams/live/none"), 404);
        Look("post", "/api/v1/revocations", await api.Post("/api/v1/revocations", """{"who":"u2"}"""), 400);
        Look("post", "/api/v1/cache/purge", await api.Post("/api/v1/cache/purge", """{"paths":[]}"""), 400);
        Look("post", "/api/v1/hooks/{id}/replay", await api.Post("/api/v1/hooks/none/replay", ""), 404);
        Look("post", "/api/v1/traffic/reports/{id}/replay", await api.Post("/api/v1/traffic/reports/none/replay", ""), 404);

        Assert.True(faults.Count == 0, string.Join('\n', faults));
        Assert.Empty(file.Operations.Where(static o => HasSchema(o.Operation)).Select(static o => $"{o.Method} {o.Path}").Except(asked).Except(s_notAsked));
        // The comparison sees what is amiss.
        var session = file.Json["components"]!["schemas"]!["Session"]!["properties"]!.AsObject();
        session.Remove("title");
        Assert.EndsWith("title is not in the file", file.Fault("get", "/api/v1/sessions/{sid}", await ShowAgain(api)), StringComparison.Ordinal);
    }

    private static async Task<Reply> ShowAgain(SessionApi api)
    {
        await api.Server.Get(api.Server.Link(Films.Master, "u3"));
        return await api.Ask("GET", "/api/v1/sessions/" + await api.Sid("?uid=u3"));
    }

    private static bool HasSchema(JsonObject operation) =>
        operation["responses"]!.AsObject().Any(static r => r.Key.StartsWith('2') && r.Value!["content"] is not null);

    private static IEnumerable<string> Faults(OpenApiFile file, Route route)
    {
        var where = $"{route.Method} {route.Path}";
        if (file.Paths[route.Path]?[route.Method] is not JsonObject operation)
        {
            yield return where + " is not in the file";
            yield break;
        }
        if (Named(operation) != Word(route.Permission))
            yield return $"{where} needs {Word(route.Permission) ?? "nobody"}, and the file says {Named(operation) ?? "nobody"}";
        var parameters = (operation["parameters"]?.AsArray() ?? new JsonArray()).Where(static p => p!["in"]!.GetValue<string>() == "path").Select(static p => p!["name"]!.GetValue<string>());
        if (!parameters.SequenceEqual(route.Parameters))
            yield return $"{where} has the parameters {string.Join(", ", route.Parameters)}";
        foreach (var refusal in Refusals(route.Permission))
        {
            if (operation["responses"]![refusal] is null)
                yield return $"{where} can answer {refusal}";
        }
    }

    private static string? Named(JsonObject operation) => operation["security"] is JsonArray { Count: 0 } ? null : operation["x-permission"]?.GetValue<string>() ?? "?";

    private static string? Word(Permission? permission) => permission is { } named ? string.Join(", ", named.Names()) : null;

    private static string[] Refusals(Permission? permission) => permission switch { null => [], Permission.None => ["401"], _ => ["401", "403"] };

    /// <summary>What a route says of itself; what it takes and answers is for whoever wrote it to say.</summary>
    private static void Complete(OpenApiFile file, List<Route> routes)
    {
        foreach (var (method, path, _) in file.Operations.Where(o => !routes.Any(r => r.Method == o.Method && r.Path == o.Path)).ToList())
        {
            file.Paths[path]!.AsObject().Remove(method);
            if (file.Paths[path]!.AsObject().Count == 0)
                file.Paths.Remove(path);
        }
        foreach (var route in routes)
        {
            var item = (file.Paths[route.Path] ??= new JsonObject()).AsObject();
            if (item[route.Method] is null)
            {
                var operation = new JsonObject
                {
                    ["operationId"] = route.Method + string.Concat(NameWord().Matches(route.Path).Select(static m => char.ToUpperInvariant(m.Value[0]) + m.Value[1..])),
                    ["tags"] = new JsonArray("Other"),
                    ["summary"] = $"{route.Method.ToUpperInvariant()} {route.Path}",
                };
                if (route.Parameters.Length > 0)
                    operation["parameters"] = new JsonArray([.. route.Parameters.Select(static p => new JsonObject
                    {
                        ["name"] = p, ["in"] = "path", ["required"] = true, ["schema"] = new JsonObject { ["type"] = "string" },
                    })]);
                operation["responses"] = new JsonObject { ["200"] = new JsonObject { ["description"] = "Done" } };
                item[route.Method] = operation;
            }
            var written = item[route.Method]!.AsObject();
            written.Remove(route.Permission is null ? "x-permission" : "security");
            if (route.Permission is null)
                written["security"] = new JsonArray();
            else
                written["x-permission"] = Word(route.Permission);
            foreach (var refusal in Refusals(route.Permission))
                written["responses"]![refusal] ??= new JsonObject { ["$ref"] = "#/components/responses/" + (refusal == "401" ? "Unauthorized" : "Forbidden") };
        }
    }

    [GeneratedRegex(@"\{\**(\w+)[^}]*\}")]
    private static partial Regex Parameter();

    [GeneratedRegex("\"\\$ref\":\"([^\"]+)\"")]
    private static partial Regex Reference();

    [GeneratedRegex(@"[a-z]\w*")]
    private static partial Regex NameWord();
}
