using System.Text;
using System.Text.Json;
using XLive.Server.Tests.Delivery;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Reports;

namespace XLive.Server.Tests.Reports;

/// <summary>The receiver of docs/traffic.md, beside a real server, and beside two nodes that post everything three times.</summary>
public sealed class DocumentedReceiverTests
{
    [Fact]
    public async Task It_adds_up_to_the_byte_over_repeats_and_forgeries()
    {
        await using var receiver = new DocumentedReceiver("key-of-the-documented-receiver");
        await using var server = await TestServer.StartAsync($"--traffic.report_url={receiver.Url}", $"--traffic.api_key={receiver.Key}",
            "--traffic.report_interval=1s", "--traffic.min_bytes=1");
        server.Write("a.ts", Pattern.Bytes(123_457));
        var outbox = server.Get<Ledger>().Outbox;
        for (var i = 0; i < 4; i++)
        {
            foreach (var uid in (string[])["u1", "Ünïcode", "u3"])
            {
                using var client = server.Connect();
                Assert.Equal(200, client.Ask("GET", "/a.ts?" + TestServer.Grant(uid)).Status);
            }
            // Whatever lies there goes out a second time, beside the server's own; and once with a letter changed.
            Until.True(() => outbox.Oldest() is not null || server.Get<Ledger>().Totals().BytesReported == (i + 1) * 3 * 123_457, "a report");
            if (outbox.Oldest() is { } report)
            {
                Assert.Equal(200, await receiver.Post(report.Body));
                Assert.Equal(401, await receiver.Post([.. report.Body, (byte)' '], ReportPost.Signature(report.Body, receiver.Key)));
            }
        }
        var repeat = Encoding.UTF8.GetBytes("{\"report_id\": \"again\", \"items\": [{\"uid\": \"u3\", \"total_bytes\": 1000}]}");
        for (var i = 0; i < 3; i++)
            Assert.Equal(200, await receiver.Post(repeat));
        await Task.Yield();
        Until.True(() => server.Get<Ledger>().Totals().BytesReported == 12 * 123_457, "all is reported");
        Assert.Equal([("u1", 4 * 123_457L), ("u3", 4 * 123_457L + 1000), ("Ünïcode", 4 * 123_457L)], receiver.Users);
    }

    /// <summary>A user plays on both nodes, one of them has a wrong clock, and each report comes three times, also late and out of order.</summary>
    [Fact]
    public async Task Two_nodes_and_three_deliveries_of_everything_are_the_sums_of_one()
    {
        await using var once = new DocumentedReceiver(ReportHouse.Key);
        await using var often = new DocumentedReceiver(ReportHouse.Key);
        await using var right = new ReportHouse(often.Url);
        await using var wrong = new ReportHouse(often.Url);
        wrong.Clock.Step(TimeSpan.FromHours(1));
        for (var window = 0; window < 6; window++)
        {
            if (window == 3)
                wrong.Clock.Step(TimeSpan.FromHours(-2));
            right.Books.Watch("both", 3_000_000 + window);
            wrong.Books.Watch("both", 5_000_000 + window);
            right.Window("on-the-right");
            wrong.Window("on-the-wrong");
        }
        Report[] all = [.. right.Waiting(), .. wrong.Waiting()];
        Assert.Equal(12, all.DistinctBy(static r => r.Id).Count());
        foreach (var report in all)
            Assert.Equal(200, await once.Post(report.Body));
        foreach (var report in all.Concat(all.Reverse()))
            Assert.Equal(200, await often.Post(report.Body));
        await right.StartAsync();
        await wrong.StartAsync();
        right.UntilTaken();
        wrong.UntilTaken();
        Assert.Equal([("both", 6 * 8_000_000L + 30), ("on-the-right", 6L * (2 << 20)), ("on-the-wrong", 6L * (2 << 20))], often.Users);
        Assert.Equal(once.Users, often.Users);
        Assert.Equal((12, 12), (once.Reports, often.Reports));
        // At the first attempt each: one that failed would wait for a clock that stands.
        Assert.Equal((6, 6, 0, 0), (right.Totals.ReportsSent, wrong.Totals.ReportsSent, right.Totals.ReportsFailed, wrong.Totals.ReportsFailed));
        Assert.Equal(once.Users, ByCumulative(all));
        Assert.Equal((0, 0), (right.Books.Ledger.Difference, wrong.Books.Ledger.Difference));
    }

    /// <summary>The other way that docs/traffic.md has: the highest cumulative sum of each node and user, whatever came in between.</summary>
    private static List<(string Uid, long Bytes)> ByCumulative(IEnumerable<Report> reports) =>
    [.. reports.SelectMany(static r => ReportHouse.Items(r.Body).Select(i => (
            Node: JsonDocument.Parse(r.Body).RootElement.GetProperty("node").GetString(),
            Uid: i.GetProperty("uid").GetString()!, Bytes: i.GetProperty("cumulative_bytes").GetInt64())))
        .GroupBy(static i => (i.Node, i.Uid), static (key, of) => (key.Uid, Bytes: of.Max(static i => i.Bytes)))
        .GroupBy(static i => i.Uid, static (uid, of) => (uid, of.Sum(static i => i.Bytes)))
        .OrderBy(static i => i.uid, StringComparer.Ordinal)];
}
