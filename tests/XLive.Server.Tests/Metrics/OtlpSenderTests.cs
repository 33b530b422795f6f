using XLive.Server.Operations.Metrics;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Reports;

namespace XLive.Server.Tests.Metrics;

/// <summary>Whatever a collector does, the server loses nothing by it but the post.</summary>
public sealed class OtlpSenderTests
{
    private static readonly TimeSpan s_minute = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_post_comes_at_the_start_and_each_minute_and_at_the_end()
    {
        await using var house = new OtlpHouse();
        house.Options.Headers["Authorization"] = "Bearer collector-secret";
        await house.StartAsync();
        for (var i = 1; i <= 3; i++)
        {
            Assert.Equal(s_minute, house.Rest(OtlpEnd.Taken, i));
            house.Clock.Pass(s_minute);
        }
        house.Rest(OtlpEnd.Taken, 4);
        await house.Sender.StopAsync(CancellationToken.None);
        var posts = house.Collector.All;
        Assert.Equal([1, 2, 3, 4, 5], posts.Select(static p => OtlpReading.Of(p).Samples["xlive_test_total"]));
        Assert.All(posts, static p => Assert.Equal(("/reports/v1/metrics", "Bearer collector-secret", "XLive/1.2.3"),
            (p.Target, p.Headers["Authorization"], p.Headers["User-Agent"])));
        Assert.Empty(house.Lines);
    }

    [Fact]
    public async Task A_counter_is_a_sum_from_the_start_on_and_one_that_outlives_the_process_has_no_start()
    {
        await using var house = new OtlpHouse();
        var start = house.Clock.Unix;
        house.Figures = static m =>
        {
            m.Counter("xlive_a_total", "Of this process.", 1);
            m.Counter("xlive_b_total", "Of the data directory.", 2, outlives: true);
            m.Counters("xlive_c_total", "By word.", "word", [("x", 3), ("y", 4)]);
            m.Counters("xlive_d_total", "By word, of which none came.", "word", []);
            m.Gauge("xlive_e_bytes", "Now.", 0.1 + 0.2);
            m.Gauges("xlive_f_seconds", "Now, by word.", "word", [("x", double.MaxValue)]);
            m.Histogram("xlive_g_seconds", "Times.", [0.5, 1], [2, 0, 7], 12.25);
        };
        await house.StartAsync();
        house.Clock.Pass(house.Rest(OtlpEnd.Taken, 1));
        // A clock that was set back must not make a point that ends before it begins.
        house.Rest(OtlpEnd.Taken, 2);
        house.Clock.Step(TimeSpan.FromDays(-1));
        house.Clock.Pass(s_minute);
        house.Rest(OtlpEnd.Taken, 3);
        var readings = house.Collector.All.Select(OtlpReading.Of).ToList();
        var metrics = readings[1].Metrics.ToDictionary(static m => m.Name);
        Assert.Equal(["xlive_a_total", "xlive_b_total", "xlive_c_total", "xlive_e_bytes", "xlive_f_seconds", "xlive_g_seconds"], metrics.Keys.Order());
        Assert.Equal("counter counter counter gauge gauge histogram", string.Join(' ', metrics.Values.Select(static m => m.Type)));
        Assert.All(metrics.Values.Where(static m => m.Type == "counter"), static m => Assert.True(m.IsCumulative && m.IsMonotonic, m.Name));
        Assert.True(metrics["xlive_g_seconds"].IsCumulative);
        Assert.Equal(("By", "s", "s", ""), (metrics["xlive_e_bytes"].Unit, metrics["xlive_f_seconds"].Unit, metrics["xlive_g_seconds"].Unit, metrics["xlive_a_total"].Unit));
        Assert.Equal("Of this process.", metrics["xlive_a_total"].Help);
        foreach (var (name, metric) in metrics)
        {
            var expected = name == "xlive_b_total" || metric.Type == "gauge" ? 0 : (ulong)start * 1_000_000_000;
            Assert.All(metric.Points, p => Assert.Equal((name, expected, (ulong)(start + 60) * 1_000_000_000), (name, p.Start, p.Time)));
        }
        var samples = readings[1].Samples;
        Assert.Equal((0.1 + 0.2, double.MaxValue, 3, 4), (samples["xlive_e_bytes"], samples["xlive_f_seconds{word=\"x\"}"], samples["xlive_c_total{word=\"x\"}"], samples["xlive_c_total{word=\"y\"}"]));
        Assert.Equal((2, 2, 9, 9, 12.25), (samples["xlive_g_seconds_bucket{le=\"0.5\"}"], samples["xlive_g_seconds_bucket{le=\"1\"}"],
            samples["xlive_g_seconds_bucket{le=\"+Inf\"}"], samples["xlive_g_seconds_count"], samples["xlive_g_seconds_sum"]));
        Assert.All(readings[2].Metrics.SelectMany(static m => m.Points), p => Assert.Equal((ulong)start * 1_000_000_000, p.Time));
        Assert.Equal("xlive 1.2.3 node-1", string.Join(' ', ((string[])["service.name", "service.version", "service.instance.id"]).Select(n => readings[0].Resource[n])));
        Assert.Equal(Environment.MachineName, readings[0].Resource["host.name"]);
    }

    [Fact]
    public async Task One_that_is_away_is_tried_less_and_less_and_told_of_once_an_hour()
    {
        await using var house = new OtlpHouse();
        house.Collector.Answer = static (_, socket) => socket.Close();
        await house.StartAsync();
        var begun = house.Clock.Steady;
        var failed = 0;
        while (house.Clock.Steady - begun < TimeSpan.FromHours(2))
        {
            var pause = house.Rest(OtlpEnd.Failed, ++failed);
            var whole = TimeSpan.FromSeconds(Math.Min(300, Math.Pow(2, failed - 1)));
            Assert.InRange(pause, failed == 1 ? whole : whole / 2, whole);
            house.Clock.Pass(pause);
        }
        // 9 in the first 5 minutes, then every 4 or so.
        Assert.InRange(failed, 30, 60);
        house.Rest(OtlpEnd.Failed, ++failed);
        // At the start, after an hour, after two, if that was reached.
        Assert.InRange(house.Lines.Length, 2, 3);
        Assert.All(house.Lines, static l => Assert.StartsWith("Warning: telemetry: http://127.0.0.1:", l, StringComparison.Ordinal));

        house.Collector.Answer = static (_, socket) => ScriptedReceiver.Say(socket, "200 OK", "");
        house.Clock.Pass(TimeSpan.FromMinutes(5));
        Assert.Equal(s_minute, house.Rest(OtlpEnd.Taken, 1));
        Assert.StartsWith("Information: telemetry:", house.Lines[^1], StringComparison.Ordinal);
        // One message, and the last: nothing was kept for it.
        var last = house.Collector.All[^1];
        Assert.Equal(house.Collector.All[0].Body.Length, last.Body.Length);
        Assert.Equal(failed + 1, OtlpReading.Of(last).Samples["xlive_test_total"]);
    }

    [Fact]
    public async Task One_that_comes_and_goes_is_told_of_once_an_hour()
    {
        await using var house = new OtlpHouse();
        house.Collector.Answer = static (number, socket) => ScriptedReceiver.Say(socket, number % 2 == 0 ? "503 Service Unavailable" : "200 OK", "");
        await house.StartAsync();
        for (var i = 1; i <= 20; i++)
        {
            Assert.Equal(TimeSpan.FromSeconds(1), house.Rest(OtlpEnd.Failed, i));
            house.Clock.Pass(TimeSpan.FromSeconds(1));
            house.Clock.Pass(house.Rest(OtlpEnd.Taken, i));
        }
        Assert.Equal(2, house.Lines.Length);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_that_is_slow_is_left_after_ten_seconds(bool halfway)
    {
        await using var house = new OtlpHouse();
        if (halfway)
            house.Collector.Answer = static (_, socket) => socket.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nfour"u8);
        else
            house.Collector.Answer = static (_, _) => { };
        await house.StartAsync();
        Until.Equal(1, () => house.Collector.All.Count, "posts");
        Assert.Equal(TimeSpan.FromSeconds(10), Assert.Single(house.Clock.Timers));
        house.Clock.Pass(TimeSpan.FromSeconds(10));
        Assert.Equal(TimeSpan.FromSeconds(1), house.Rest(OtlpEnd.Failed, 1));
        Assert.Contains("no answer within 10 s", Assert.Single(house.Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("429 Too Many Requests", "Retry-After: 120\r\n", OtlpEnd.Failed, 120)]
    [InlineData("503 Service Unavailable", "Retry-After: 86400\r\n", OtlpEnd.Failed, 3600)]
    [InlineData("429 Too Many Requests", "", OtlpEnd.Failed, 1)]
    [InlineData("502 Bad Gateway", "", OtlpEnd.Failed, 1)]
    [InlineData("504 Gateway Timeout", "", OtlpEnd.Failed, 1)]
    [InlineData("400 Bad Request", "Retry-After: 120\r\n", OtlpEnd.Refused, 60)]
    [InlineData("401 Unauthorized", "", OtlpEnd.Refused, 60)]
    [InlineData("404 Not Found", "", OtlpEnd.Refused, 60)]
    [InlineData("413 Content Too Large", "", OtlpEnd.Refused, 60)]
    [InlineData("302 Found", "Location: http://127.0.0.1:1/\r\n", OtlpEnd.Refused, 60)]
    public async Task Its_status_says_when_the_next_comes(string status, string header, object end, int seconds)
    {
        await using var house = new OtlpHouse();
        house.Collector.Answer = (_, socket) => ScriptedReceiver.Say(socket, status, "", header);
        await house.StartAsync();
        Assert.Equal(TimeSpan.FromSeconds(seconds), house.Rest((OtlpEnd)end, 1));
        Assert.Contains("answered " + status[..3], Assert.Single(house.Lines), StringComparison.Ordinal);
        house.Clock.Pass(TimeSpan.FromSeconds(seconds));
        house.Rest((OtlpEnd)end, 2);
        Assert.Equal(2, house.Collector.All.Count);
    }

    [Fact]
    public async Task Points_that_it_refuses_are_counted_and_not_sent_again()
    {
        await using var house = new OtlpHouse();
        // ExportMetricsServiceResponse { partial_success { rejected_data_points: 3, error_message: "too old" } }
        house.Collector.Answer = static (_, socket) => ScriptedReceiver.Say(socket, "200 OK", "\n\u000b\b\u0003\u0012\atoo old");
        await house.StartAsync();
        Assert.Equal(s_minute, house.Rest(OtlpEnd.Partial, 1));
        Assert.Equal(3, house.Sender.Rejected);
        Assert.Contains("3 points refused: too old;", Assert.Single(house.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_it_says_of_an_error_is_a_line_without_secrets()
    {
        await using var house = new OtlpHouse();
        house.Options.Headers["X-Api-Key"] = "collector-secret";
        // google.rpc.Status { code: 3, message: ... }
        const string Said = "no\r\nWarning: key collector-secret";
        house.Collector.Answer = static (_, socket) => ScriptedReceiver.Say(socket, "400 Bad Request", $"\b\u0003\u0012{(char)Said.Length}{Said}");
        await house.StartAsync();
        house.Rest(OtlpEnd.Refused, 1);
        Assert.Contains("answered 400: no  Warning: key ***;", Assert.Single(house.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_endless_answer_is_not_read()
    {
        await using var house = new OtlpHouse();
        house.Collector.Answer = static (_, socket) =>
        {
            socket.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"u8);
            while (true)
                socket.Send(new byte[64 << 10]);
        };
        await house.StartAsync();
        house.Rest(OtlpEnd.Taken, 1);
    }

    [Fact]
    public async Task Changed_settings_are_taken_at_once()
    {
        await using var house = new OtlpHouse();
        var set = house.Options;
        await house.StartAsync();
        house.Rest(OtlpEnd.Taken, 1);
        house.Options = new OtlpOptions();
        house.Sender.Wake();
        Until.Equal(0, () => house.Clock.Timers.Length, "timers of one that has no endpoint");
        house.Collector.Answer = static (_, socket) => ScriptedReceiver.Say(socket, "503 Service Unavailable", "", "Retry-After: 3600\r\n");
        house.Options = set;
        house.Sender.Wake();
        Assert.Equal(TimeSpan.FromHours(1), house.Rest(OtlpEnd.Failed, 1));
        house.Collector.Answer = static (_, socket) => ScriptedReceiver.Say(socket, "200 OK", "");
        house.Options = new OtlpOptions { Endpoint = set.Endpoint + "/v1/metrics/", Interval = TimeSpan.FromSeconds(5) };
        house.Sender.Wake();
        Assert.Equal(TimeSpan.FromSeconds(5), house.Rest(OtlpEnd.Taken, 2));
        Assert.Equal("/reports/v1/metrics", house.Collector.All[^1].Target);
    }

    [Fact]
    public void Answers_are_read_whatever_they_are()
    {
        var seed = Environment.TickCount;
        var dice = new Random(seed);
        byte[] partial = [.. "\n\u000b\b\u0003\u0012\atoo old"u8];
        for (var i = 0; i < 100_000; i++)
        {
            var body = i % 2 == 0 ? new byte[dice.Next(40)] : partial[..dice.Next(partial.Length + 1)];
            if (i % 2 == 0)
                dice.NextBytes(body);
            else if (body.Length > 0)
                body[dice.Next(body.Length)] = (byte)dice.Next(256);
            try
            {
                Assert.True(OtlpAnswer.Partial(body).Rejected >= 0);
                Assert.True(OtlpAnswer.Message(body).Length <= body.Length);
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {Convert.ToHexString(body)}: {e}");
            }
        }
        Assert.Equal((3, "too old"), OtlpAnswer.Partial(partial));
    }

    [Fact]
    public void A_message_has_a_bound_and_costs_no_memory()
    {
        var message = new OtlpMessage(DateTimeOffset.UtcNow, "1", "n");
        (string, double)[] samples = [.. Enumerable.Range(0, 20).Select(static i => ($"word {i}", (double)i))];
        int Write()
        {
            message.Begin(DateTimeOffset.UtcNow);
            for (var i = 0; i < 2000; i++)
                message.Counters("xlive_test_total", "What it is.", "word", samples);
            return message.End().Length;
        }
        // 2,000 names of 20 series are more than fit.
        Assert.InRange(Write(), OtlpMessage.MostBytes - 4096, OtlpMessage.MostBytes);
        var left = message.LeftOut;
        Assert.InRange(left, 1, 1999);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Write();
        // An enumerator a name, of what the figures are given in; of the message nothing.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2000 * 64);
        Assert.Equal(2 * left, message.LeftOut);
        message.Begin(DateTimeOffset.UtcNow);
        message.Counters("xlive_test_total", "What it is.", "word", samples);
        Assert.Equal(20, OtlpReading.Of(message.End().ToArray()).Samples.Count);
    }
}
