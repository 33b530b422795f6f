using System.Net;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>kill -9 and a start: who played plays on, who was kicked or counted still is, and nobody is locked out for longer than a lease.</summary>
public sealed class SessionRestartTests : IDisposable
{
    private const string Password = "a password for the operator";

    private readonly TempFolder _films = new();
    private readonly TempFolder _home = new();

    public SessionRestartTests()
    {
        Directory.CreateDirectory(_films["f"]);
        File.WriteAllText(_films["f/film.m3u8"], "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n0.ts\n#EXT-X-ENDLIST\n");
        File.WriteAllBytes(_films["f/0.ts"], new byte[100_000]);
    }

    public void Dispose()
    {
        _films.Dispose();
        _home.Dispose();
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private Task<ServerProcess> Start() => ServerProcess.Start(_films.Path, _home,
        ["--sessions.max_per_user=1", "--sessions.lease=4s", $"--auth.admin_password={Password}"]);

    [Fact]
    public async Task Killed_and_started_again()
    {
        var link = ServerProcess.Sign("/f/film.m3u8").InQuery;
        var kickedLink = ServerProcess.Sign("/f/film.m3u8", "rogue").InQuery;
        string session, kicked;
        await using (var server = await Start())
        {
            session = await PathOf(server, link, "A/1");
            kicked = await PathOf(server, kickedLink, "A/1");
            Assert.Equal(HttpStatusCode.Forbidden, await Ask(server, link, "B/1"));
            await Kick(server, "rogue");
            await PlayUntilSaved(server, session);
            server.Process.Kill();
            await server.Process.WaitForExitAsync(Stop);
        }
        await using var again = await Start();
        // At once: the player by its path, and by its link.
        Assert.Equal(HttpStatusCode.OK, await Ask(again, session + "/f/0.ts", "A/1"));
        Assert.Equal(HttpStatusCode.OK, await Ask(again, link, "A/1"));
        Assert.Equal(HttpStatusCode.Forbidden, await Ask(again, kicked + "/f/0.ts", "A/1"));
        Assert.Equal(HttpStatusCode.Forbidden, await Ask(again, kickedLink, "A/1"));
        // Another device of his, when the first has been silent for a lease.
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (await Ask(again, link, "B/1") != HttpStatusCode.OK)
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(8), "twice the lease has passed");
            await Task.Delay(100, Stop);
        }
    }

    private static async Task<string> PathOf(ServerProcess server, string link, string userAgent)
    {
        using var reply = await Send(server, HttpMethod.Get, link, userAgent);
        var text = await reply.Content.ReadAsStringAsync(Stop);
        var at = text.IndexOf("/~s1.", StringComparison.Ordinal);
        Assert.True(at >= 0, text);
        return text[at..text.IndexOf('/', at + 1)];
    }

    private static async Task<HttpStatusCode> Ask(ServerProcess server, string target, string userAgent)
    {
        using var reply = await Send(server, HttpMethod.Get, target, userAgent);
        return reply.StatusCode;
    }

    private static async Task<HttpResponseMessage> Send(ServerProcess server, HttpMethod method, string target, string userAgent, string? token = null, string? json = null)
    {
        using var request = new HttpRequestMessage(method, server.Url(target));
        request.Headers.TryAddWithoutValidation("User-Agent", userAgent);
        if (token is not null)
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
        if (json is not null)
            request.Content = new StringContent(json, System.Text.Encoding.UTF8, "application/json");
        return await server.Http.SendAsync(request, Stop);
    }

    private static async Task<string> SignIn(ServerProcess server)
    {
        using var reply = await Send(server, HttpMethod.Post, "/login", "test", json: $$"""{"username":"admin","password":"{{Password}}"}""");
        return Field(await reply.Content.ReadAsStringAsync(Stop), "access_token");
    }

    private static async Task Kick(ServerProcess server, string uid)
    {
        var token = await SignIn(server);
        using var list = await Send(server, HttpMethod.Get, "/api/v1/sessions?uid=" + uid, "test", token);
        var sid = Field(await list.Content.ReadAsStringAsync(Stop), "sid");
        using var kick = await Send(server, HttpMethod.Delete, "/api/v1/sessions/" + sid, "test", token);
        Assert.Equal(HttpStatusCode.OK, kick.StatusCode);
    }

    /// <summary>A session is stored within a second or two of its opening.</summary>
    private static async Task PlayUntilSaved(ServerProcess server, string session)
    {
        for (var clock = System.Diagnostics.Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(3);)
        {
            Assert.Equal(HttpStatusCode.OK, await Ask(server, session + "/f/0.ts", "A/1"));
            await Task.Delay(100, Stop);
        }
    }

    private static string Field(string json, string name)
    {
        using var parsed = System.Text.Json.JsonDocument.Parse(json);
        var root = parsed.RootElement;
        if (root.TryGetProperty("sessions", out var sessions))
            root = sessions.EnumerateArray().Single();
        return root.GetProperty(name).GetString()!;
    }
}
