using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Metrics;

/// <summary>The machine's, the runtime's and the requests' figures of a server that does something.</summary>
public sealed class MachineFiguresTests
{
    [Fact]
    public async Task They_go_up_with_what_is_done()
    {
        await using var server = await TestServer.StartAsync("--auth.enable=false");
        server.Write("a.ts", Pattern.Bytes(1_000_000));
        server.Write("a.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n");
        var before = Figures(server);
        for (var i = 0; i < 20; i++)
            Assert.Equal(1_000_000, server.Fetch("/a.ts").Body.Length);
        Assert.Equal(200, server.Fetch("/a.m3u8").Status);
        Assert.Equal(404, server.Fetch("/none.ts").Status);
        // A request is counted behind its answer.
        Until.True(() => Gone("xlive_request_seconds_count{kind=\"media\"}") >= 21, "the last is counted");
        Assert.Equal((21, 1, 0), (Gone("xlive_request_seconds_count{kind=\"media\"}"), Gone("xlive_request_seconds_count{kind=\"playlist\"}"), Gone("xlive_request_seconds_count{kind=\"stream\"}")));
        Assert.InRange(Gone("xlive_request_seconds_count{kind=\"api\"}"), 1, 10_000);
        Assert.InRange(Gone("xlive_request_seconds_sum{kind=\"media\"}"), 0.0001, 60);
        Assert.InRange(Gone("xlive_network_receive_bytes_total{interface=\"lo\"}"), 20_000_000, double.MaxValue);
        Assert.InRange(Gone("xlive_network_transmit_packets_total{interface=\"lo\"}"), 20, double.MaxValue);
        Assert.InRange(Gone("xlive_tcp_segments_sent_total"), 20, double.MaxValue);
        Assert.InRange(Gone("xlive_allocated_bytes_total"), 10_000, double.MaxValue);
        Assert.InRange(Gone("xlive_pool_done_total"), 1, double.MaxValue);
        var now = Figures(server);
        Assert.InRange(now["xlive_tcp_established"], 1, 1e7);
        Assert.InRange(now["xlive_pool_threads"], 1, 1e5);
        Assert.InRange(now["xlive_heap_committed_bytes"], 1 << 20, now["xlive_heap_limit_bytes"]);
        Assert.Equal(1, now["xlive_database_joined"]);
        Assert.InRange(now["xlive_files"], 1, now["xlive_files_open_limit"] * 100);
        Until.True(() => Figures(server).TryGetValue("xlive_disk_free_bytes{folder=\"data.dir\"}", out var free) && free > 0 && free <= Figures(server)["xlive_disk_size_bytes{folder=\"data.dir\"}"], "the disk");

        double Gone(string name) => Figures(server)[name] - before.GetValueOrDefault(name);
    }

    [Fact]
    public async Task Errors_are_counted_by_their_reason()
    {
        await using var server = await TestServer.StartAsync("--auth.enable=false", "--backend.mode=http", "--backend.origins=[http://127.0.0.1:1]", "--backend.retries=0");
        // Nobody is there.
        Assert.Equal(503, server.Fetch("/a.ts").Status);
        Until.True(() => Figures(server).GetValueOrDefault("xlive_requests_failed_total{reason=\"unavailable\"}") == 1, "counted");
        Assert.Equal(1, Figures(server)["xlive_requests_total{class=\"5xx\"}"]);
    }

    private static Dictionary<string, double> Figures(TestServer server)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{server.Port}/metrics");
        using var answer = http.Send(request);
        using var text = new StreamReader(answer.Content.ReadAsStream());
        return new(MetricsTests.Parse(text.ReadToEnd()).SelectMany(static f => f.Samples), StringComparer.Ordinal);
    }
}
