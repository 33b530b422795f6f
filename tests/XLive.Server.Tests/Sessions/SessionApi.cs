using System.Text.Json;
using XLive.Server.Tests.Gate;

namespace XLive.Server.Tests.Sessions;

/// <summary>A server, and an operator who is signed in.</summary>
internal sealed class SessionApi : IAsyncDisposable
{
    private readonly string _bearer;

    private SessionApi(GateServer server, string bearer) => (Server, _bearer) = (server, bearer);

    public GateServer Server { get; }

    public static async Task<SessionApi> StartAsync(string rest = "", string? folder = null, Telemetry.StoppedClock? clock = null, string access = "")
    {
        var server = await GateServer.StartAsync(access, $"auth:\n  admin_password: {GateServer.AdminPassword}\n  token_lifetime: 1d\n{rest}", folder, clock);
        return new SessionApi(server, "Authorization: Bearer " + await RouteTests.SignIn(server));
    }

    public Task<Reply> Ask(string method, string target) => Server.Ask(method, target, _bearer);

    public Task<Reply> Post(string target, string json) => Reply.Post(Server.Port, target, json, _bearer);

    public async Task<JsonElement> Get(string target, int status = 200) => Json(await Ask("GET", target), status);

    public static JsonElement Json(Reply reply, int status)
    {
        Assert.True(reply.Status == status, $"{reply.Status} {reply.Text}");
        Assert.Equal("no-store", reply["Cache-Control"]);
        if (status >= 400)
            Assert.Equal("application/problem+json", reply["Content-Type"]);
        using var json = JsonDocument.Parse(reply.Body);
        return json.RootElement.Clone();
    }

    public async Task<List<JsonElement>> Sessions(string query = "") => [.. (await Get("/api/v1/sessions" + query)).GetProperty("sessions").EnumerateArray()];

    public async Task<string> Sid(string query = "") => (await Sessions(query)).Single().GetProperty("sid").GetString()!;

    public async Task<string> Revoke(string json) => Json(await Post("/api/v1/revocations", json), 201).GetProperty("id").GetString()!;

    /// <summary>Waits without holding a thread: answers are read on those that move the server's bytes.</summary>
    public static async Task Eventually(Func<Task<bool>> holds, string what)
    {
        for (var clock = System.Diagnostics.Stopwatch.StartNew(); !await holds(); await Task.Delay(20))
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(15), "did not come to pass: " + what);
    }

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();
}
