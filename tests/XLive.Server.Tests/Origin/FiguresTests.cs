using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Operations.Health;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Tests.Sessions;

namespace XLive.Server.Tests.Origin;

/// <summary>What the server tells of its origins.</summary>
public sealed class FiguresTests
{
    [Fact]
    public async Task They_follow_what_happens()
    {
        using var origin = new HostileOrigin(HostileOrigin.File(new byte[100]));
        await using var api = await SessionApi.StartAsync($"backend:\n  origins: ['{origin.Url}', 'http://127.0.0.1:{FreePort.Next()}']\n  balance: least_pending\n  headers: {{X-Key: sesame-0123}}\n");
        var client = api.Server.Services.GetRequiredService<OriginClient>();
        for (var i = 0; i < 12; i++)
        {
            await using var reply = await client.OpenAsync(new OriginRequest("/a.ts", "", OriginKind.Media), TestContext.Current.CancellationToken);
            await Asker.Read(reply);
        }
        var answer = await api.Ask("GET", "/debug/http-client");
        Assert.DoesNotContain("sesame", answer.Text, StringComparison.Ordinal);
        using var page = JsonDocument.Parse(answer.Body);
        Assert.Equal((0, 100), (page.RootElement.GetProperty("in_flight").GetInt32(), page.RootElement.GetProperty("in_flight_limit").GetInt32()));
        var origins = page.RootElement.GetProperty("origins").EnumerateArray().ToList();
        var (well, gone) = (origins[0], origins[1]);
        Assert.Equal((origin.Url, "closed", 12), ("http://" + well.GetProperty("origin").GetString(), well.GetProperty("breaker").GetString(), well.GetProperty("requests").GetInt32()));
        var pool = well.GetProperty("pools").GetProperty("http1");
        Assert.Equal((1, 1, 11), (pool.GetProperty("open").GetInt32(), pool.GetProperty("created").GetInt32(), pool.GetProperty("reused").GetInt32()));
        Assert.Equal(12, well.GetProperty("first_byte").GetProperty("histogram").EnumerateObject().Sum(static c => c.Value.GetInt32()));
        Assert.True(well.GetProperty("first_byte").GetProperty("p50_ms").GetDouble() > 0);
        Assert.Equal(("open", 5), (gone.GetProperty("breaker").GetString(), gone.GetProperty("failures").GetProperty("refused").GetInt32()));
        Assert.Equal(5, well.GetProperty("retries").GetInt32());

        Assert.Contains("Connection refused", gone.GetProperty("last_fault").GetString(), StringComparison.Ordinal);

        var health = await api.Ask("GET", "/health");
        using var state = JsonDocument.Parse(health.Body);
        var check = state.RootElement.GetProperty("checks").EnumerateArray().Single(static c => c.GetProperty("name").GetString() == "origin");
        Assert.Equal("degraded", check.GetProperty("status").GetString());
        Assert.Contains(client.Servers[1].Name, check.GetProperty("detail").GetString(), StringComparison.Ordinal);
        var metrics = (await api.Ask("GET", "/metrics")).Text;
        Assert.Contains("\nxlive_origin_breaker_open{origin=\"2\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nxlive_origin_failures_total{fault=\"refused\"} 5\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nxlive_origin_first_byte_seconds_count 12\n", metrics, StringComparison.Ordinal);
        using var stats = JsonDocument.Parse((await api.Ask("GET", "/stats")).Body);
        Assert.Equal(1000, stats.RootElement.GetProperty("origin").GetProperty("waiting_limit").GetInt32());
        Assert.Equal(401, (await api.Server.Get("/debug/http-client")).Status);
    }

    [Fact]
    public void Health_is_that_of_all()
    {
        using var origin = new HostileOrigin(HostileOrigin.File(new byte[1]));
        using var asker = new Asker(new OriginOptions { Origins = [origin.Url, "http://127.0.0.1:1"] });
        Assert.Equal((HealthState.Healthy, "2 of 2 are asked"), HealthServices.Origins(asker.Client));
        Fail(asker.Client.Servers[1]);
        Assert.Equal((HealthState.Degraded, "not asked until a probe is answered: 127.0.0.1:1 (nobody there)"), HealthServices.Origins(asker.Client));
        Fail(asker.Client.Servers[0]);
        Assert.Equal(HealthState.Unhealthy, HealthServices.Origins(asker.Client).Item1);
    }

    private static void Fail(OriginServer server)
    {
        for (var i = 0; i < Breaker.MostRefused; i++)
            server.Failed(new OriginException(OriginFault.Refused, "nobody there") { WhileConnecting = true });
    }

    [Fact]
    public async Task Without_an_origin_there_is_none()
    {
        await using var api = await SessionApi.StartAsync();
        Assert.Equal("{\"origins\":[]}", (await api.Ask("GET", "/debug/http-client")).Text);
        Assert.DoesNotContain("xlive_origin", (await api.Ask("GET", "/metrics")).Text, StringComparison.Ordinal);
    }
}
