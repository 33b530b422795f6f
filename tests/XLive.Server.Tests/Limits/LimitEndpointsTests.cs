using System.Text.Json;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Limits;

public sealed class LimitEndpointsTests
{
    private static (int Status, string Text) Call(TestServer server, string method, string path)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(new HttpMethod(method), $"http://127.0.0.1:{server.Port}{path}");
        using var answer = client.Send(request);
        using var text = new StreamReader(answer.Content.ReadAsStream());
        return ((int)answer.StatusCode, text.ReadToEnd());
    }

    private static JsonElement Json(TestServer server, string method, string path)
    {
        var (status, text) = Call(server, method, path);
        Assert.True(status == 200, text);
        return JsonDocument.Parse(text).RootElement;
    }

    private static string[] Keys(JsonElement page) => [.. page.GetProperty("limits").EnumerateArray().Select(static l => l.GetProperty("by").GetString() + " " + l.GetProperty("key").GetString())];

    [Fact]
    public async Task Who_is_counted_is_shown_page_by_page_and_forgotten()
    {
        var clock = new HandClock();
        await using var server = await TestServer.StartAsync(
            clock, "--auth.enable=false", "--access.max_lifetime=0", "--limits.requests=[{window: 60s, count: 2, burst: 1, by: uid}, {window: 1m, count: 1000, by: ip}]");
        server.Write("a/1.ts", "media");
        foreach (var (uid, times) in new[] { ("anna", 3), ("berta", 1), ("10.0.0.7", 1) })
        {
            for (var i = 0; i < times; i++)
                Assert.Equal(200, Ask(server, uid));
        }
        Assert.Equal(429, Ask(server, "anna"));
        var all = Json(server, "GET", "/api/v1/limits");
        Assert.Equal(["ip 127.0.0.1", "uid 10.0.0.7", "uid anna", "uid berta"], Keys(all).Order(StringComparer.Ordinal));
        Assert.Equal(JsonValueKind.Null, all.GetProperty("next_cursor").ValueKind);
        var anna = all.GetProperty("limits").EnumerateArray().Single(static l => l.GetProperty("key").GetString() == "anna");
        Assert.Equal(("requests", 2, 60.0, 1, true, 30.0, 90.0), (anna.GetProperty("name").GetString(), anna.GetProperty("count").GetInt32(), anna.GetProperty("window_seconds").GetDouble(),
            anna.GetProperty("burst").GetInt32(), anna.GetProperty("refused").GetBoolean(), anna.GetProperty("next_in_seconds").GetDouble(), anna.GetProperty("forgotten_in_seconds").GetDouble()));

        List<string> paged = [];
        for (string? cursor = ""; cursor is not null;)
        {
            var page = Json(server, "GET", "/api/v1/limits?limit=1" + (cursor.Length > 0 ? "&cursor=" + Uri.EscapeDataString(cursor) : ""));
            paged.AddRange(Keys(page));
            cursor = page.GetProperty("next_cursor").GetString();
        }
        Assert.Equal(Keys(all), paged);
        Assert.Equal(["uid anna"], Keys(Json(server, "GET", "/api/v1/limits?name=requests&key=anna")));
        // A viewer may be called like an address.
        Assert.Equal(["uid 10.0.0.7"], Keys(Json(server, "GET", "/api/v1/limits?key=10.0.0.7")));
        Assert.Empty(Keys(Json(server, "GET", "/api/v1/limits?name=publishes")));

        var cleared = Json(server, "DELETE", "/api/v1/limits?key=anna");
        Assert.Equal((1, true), (cleared.GetProperty("cleared").GetInt32(), cleared.GetProperty("on_all_nodes").GetBoolean()));
        Assert.Equal(200, Ask(server, "anna"));
        Until.True(() => server.Log("audit.log").Contains("forgot 1 counts of limits of anna", StringComparison.Ordinal), "the audit log has it");
        Assert.True(Json(server, "DELETE", "/api/v1/limits?all=true").GetProperty("cleared").GetInt32() >= 4);
        Assert.Empty(Keys(Json(server, "GET", "/api/v1/limits?name=requests&key=anna")));
    }

    [Theory]
    [InlineData("GET", "?name=nonsense", "name: one of")]
    [InlineData("GET", "?limit=0", "limit: 1 to 1000")]
    [InlineData("GET", "?key=a&key=b", "key: given twice")]
    [InlineData("DELETE", "?key=a%0Ab", "without control characters")]
    [InlineData("DELETE", "", "all=true")]
    [InlineData("DELETE", "?all=1", "all=true")]
    [InlineData("DELETE", "?name=x&all=true", "name: one of")]
    public async Task What_is_wrong_is_named(string method, string query, string words)
    {
        await using var server = await TestServer.StartAsync("--auth.enable=false");
        var (status, text) = Call(server, method, "/api/v1/limits" + query);
        Assert.Equal(400, status);
        Assert.Contains(words, text, StringComparison.Ordinal);
    }

    private static int Ask(TestServer server, string uid)
    {
        using var client = server.Connect();
        return client.Ask("GET", "/a/1.ts?" + TestServer.Grant(uid)).Status;
    }
}
