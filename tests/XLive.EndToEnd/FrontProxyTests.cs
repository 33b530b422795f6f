using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>Real proxies in front: docs/proxies.md shows the same configurations.</summary>
public sealed class FrontProxyTests(FrontProxies proxies) : IClassFixture<FrontProxies>
{
    const string Client = "127.0.0.7";

    [Theory]
    [InlineData("haproxy-http")]
    [InlineData("haproxy-v1")]
    [InlineData("haproxy-v2")]
    [InlineData("haproxy-v2-checksum")]
    [InlineData("haproxy-tls")]
    [InlineData("nginx-http")]
    [InlineData("nginx-stream")]
    [InlineData("nginx-tls")]
    public async Task The_client_is_who_came_to_the_proxy_whatever_it_says_of_itself(string way)
    {
        var link = ServerProcess.Sign("/v/film.ts").InQuery + "&way=" + way;
        using var client = proxies.Client(way, Client);
        client.DefaultRequestHeaders.Add("X-Forwarded-For", "203.0.113.66");
        Assert.Equal("film", await client.GetStringAsync(link, TestContext.Current.CancellationToken));
        Assert.Equal(Client, await proxies.LoggedAddress("way=" + way));

        using var denied = proxies.Client(way, FrontProxies.Denied);
        Assert.Equal(HttpStatusCode.Forbidden, (await denied.GetAsync(link, TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task A_stranger_who_comes_past_the_proxy_is_nobody_else()
    {
        var link = ServerProcess.Sign("/v/film.ts").InQuery + "&way=direct";
        using var client = proxies.Client("direct", Client);
        client.DefaultRequestHeaders.Add("X-Forwarded-For", FrontProxies.Denied);
        Assert.Equal("film", await client.GetStringAsync(link, TestContext.Current.CancellationToken));
        Assert.Equal(Client, await proxies.LoggedAddress("way=direct"));
    }

    [Fact]
    public async Task Checks_of_the_proxy_are_its_own() => Assert.Equal(FrontProxies.Address, await proxies.LoggedAddress("/health/ready"));

    [Theory]
    [InlineData("haproxy-http")]
    [InlineData("nginx-http")]
    public async Task Two_clients_on_the_proxys_one_connection_have_sessions_of_their_own(string way)
    {
        var token = await Token();
        // nginx may open one connection more when it likes; a round in which it did shows less, but nothing wrong.
        var shared = false;
        for (var round = 0; round < 5 && !shared; round++)
        {
            var link = ServerProcess.Sign("/v/film.m3u8", uid: way + round).InQuery;
            using var one = proxies.Client(way, "127.0.0.11");
            using var other = proxies.Client(way, "127.0.0.12");
            var first = SegmentOf(await one.GetStringAsync(link, TestContext.Current.CancellationToken));
            var accepted = await Accepted(token);
            var second = SegmentOf(await other.GetStringAsync(link, TestContext.Current.CancellationToken));
            Assert.NotEqual(first, second);
            Assert.Equal("film", await one.GetStringAsync(first, TestContext.Current.CancellationToken));
            Assert.Equal("film", await other.GetStringAsync(second, TestContext.Current.CancellationToken));
            var borrowed = await other.GetAsync(first, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.Forbidden, borrowed.StatusCode);
            Assert.Contains("other_address", await borrowed.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
            shared = way != "nginx-http" || accepted == await Accepted(token);
        }
        Assert.True(shared, "five times nginx opened another connection for the second client");
    }

    static string SegmentOf(string playlist) => playlist.Split('\n').Single(l => l.Contains("film.ts", StringComparison.Ordinal));

    async Task<string> Token()
    {
        var answer = await proxies.Server.Http.PostAsJsonAsync("/login", new { username = "admin", password = FrontProxies.AdminPassword }, TestContext.Current.CancellationToken);
        var json = await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        return json.GetProperty("access_token").GetString()!;
    }

    async Task<long> Accepted(string token)
    {
        using var ask = new HttpRequestMessage(HttpMethod.Get, "/stats") { Headers = { Authorization = new("Bearer", token) } };
        var answer = await proxies.Server.Http.SendAsync(ask, TestContext.Current.CancellationToken);
        var json = await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        return json.GetProperty("connections").GetProperty("accepted").GetInt64();
    }
}
