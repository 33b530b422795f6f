using System.Text.Json;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Sessions;

namespace XLive.Server.Tests.Cache;

/// <summary>/api/v1/cache of a server that asks loopback for no login.</summary>
internal static class CacheApi
{
    public const string Open = "--auth.enable=false";

    public static async Task<int> PurgeAsync(TestServer server, params string[] paths) =>
        SessionApi.Json(await PostAsync(server, "/api/v1/cache/purge", Paths(paths)), 200).GetProperty("purged").GetInt32();

    public static async Task<Reply> PostAsync(TestServer server, string target, string json)
    {
        var reply = await Reply.Post(server.Port, target, json);
        // What a test does next may block, and the answer was read on a thread that moves the server's bytes.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return reply;
    }

    public static async Task<Reply> AskAsync(TestServer server, string method, string target)
    {
        var reply = await Reply.Of(server.Port, method, target);
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return reply;
    }

    public static string Paths(params string[] paths) => JsonSerializer.Serialize(new { paths });

    /// <returns>The job when it is over.</returns>
    public static async Task<JsonElement> WarmAsync(TestServer server, params string[] paths) => await OverAsync(server, await StartAsync(server, paths));

    public static async Task<string> StartAsync(TestServer server, params string[] paths)
    {
        var reply = await PostAsync(server, "/api/v1/cache/warm", Paths(paths));
        var id = SessionApi.Json(reply, 202).GetProperty("id").GetString()!;
        Assert.Equal("/api/v1/cache/warm/" + id, reply["Location"]);
        return id;
    }

    public static async Task<JsonElement> OverAsync(TestServer server, string id)
    {
        JsonElement job = default;
        await SessionApi.Eventually(async () => (job = await LookAsync(server, id)).GetProperty("state").GetString() != "running", "the warming is over");
        return job;
    }

    public static async Task<JsonElement> LookAsync(TestServer server, string id) => SessionApi.Json(await AskAsync(server, "GET", "/api/v1/cache/warm/" + id), 200);

    /// <summary>State, warm, failed, total.</summary>
    public static (string, int, int, int) Sums(JsonElement job) =>
        (job.GetProperty("state").GetString()!, job.GetProperty("warm").GetInt32(), job.GetProperty("failed").GetInt32(), job.GetProperty("total").GetInt32());

    public static string Failures(JsonElement job) =>
        string.Join("; ", job.GetProperty("failures").EnumerateArray().Select(static f => f.GetProperty("path").GetString() + ": " + f.GetProperty("why").GetString()).Order(StringComparer.Ordinal));
}
