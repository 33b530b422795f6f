using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using XLive.Fuzz.Books;
using XLive.Server.Tests.Delivery;
using XLive.Server.Traffic;

namespace XLive.Server.Tests.Reports;

/// <summary>Receivers that are away, for a moment or a day, or that only seem to be there.</summary>
public sealed class OutageTests(ITestOutputHelper output) : IDisposable
{
    private readonly ScriptedReceiver _receiver = new();

    public void Dispose() => _receiver.Dispose();

    private static readonly Action<Socket>[] s_faults =
    [
        static s => ScriptedReceiver.Say(s, "500 No", "{\"blocked\": [\"u1\"]}"),
        static s => ScriptedReceiver.Say(s, "429 Slower", "", "Retry-After: 1\r\n"),
        static s => s.Close(0),
        static s => s.Close(),
        static s => { s.Send("\0\u0001 no HTTP at all\r\n\r\n"u8); s.Close(); },
        static s => ScriptedReceiver.Say(s, "401 Who", ""),
    ];

    [Fact]
    public async Task After_a_day_without_a_receiver_it_gets_all_in_order_and_nothing_has_changed()
    {
        var away = true;
        _receiver.Answer = (number, socket) =>
        {
            if (Volatile.Read(ref away))
                s_faults[number % s_faults.Length](socket);
            else
                ScriptedReceiver.Say(socket, "200 OK", "");
        };
        await using var house = new ReportHouse(_receiver.Url);
        await house.StartAsync();
        house.Window("u1", "u2");
        var failures = 1;
        List<TimeSpan> pauses = [house.PauseAfter(failures)];
        var window = house.Clock.Steady + house.Books.Options.ReportInterval;
        while (house.Clock.Steady < TimeSpan.FromDays(1))
        {
            var attempt = house.Clock.Timers[0];
            if (house.Clock.Steady + attempt > window)
            {
                // Who took something is another one each time.
                house.Books.Watch("u" + window.Ticks % 7, 2 << 20);
                house.Books.Watch("u1", 2 << 20);
                house.Clock.Pass(window - house.Clock.Steady);
                house.Books.Ledger.Look();
                window += house.Books.Options.ReportInterval;
            }
            else
            {
                house.Clock.Pass(attempt);
                pauses.Add(house.PauseAfter(++failures));
                Assert.True(failures < 1000, $"{failures} attempts until {house.Clock.Steady}");
            }
        }
        Assert.All(pauses, static p => Assert.InRange(p, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5)));
        Assert.All(pauses.Skip(10), static p => Assert.InRange(p, TimeSpan.FromMinutes(2.5), TimeSpan.FromMinutes(5)));
        Assert.True(pauses.Skip(10).Distinct().Count() > pauses.Count / 2, "nodes that lost one receiver come back to it in one moment");
        var waiting = house.Waiting();
        Assert.Equal(288, waiting.Count);
        var posted = _receiver.All;
        Assert.Equal(failures, posted.Count);
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(ReportHouse.Key), waiting[0].Body));
        Assert.All(posted, p => Assert.Equal((waiting[0].Id, ReportHouse.Key, signature), (p.Id, p.Headers["X-API-Key"], p.Headers["X-Signature"])));
        Assert.All(posted, p => Assert.Equal(waiting[0].Body, p.Body));
        Assert.Equal(0, house.Verdicts.Count);

        Volatile.Write(ref away, false);
        var clock = Stopwatch.StartNew();
        house.Clock.Pass(house.Clock.Timers[0]);
        house.UntilTaken();
        var rate = waiting.Count / clock.Elapsed.TotalSeconds;
        output.WriteLine($"{failures} attempts in a day, then {rate:0} reports/s");
        Assert.True(rate > 50, $"{rate:0} reports/s");
        var taken = _receiver.All[failures..];
        Assert.Equal(waiting.Select(static r => r.Id), taken.Select(static r => r.Id));
        Assert.All(waiting.Zip(taken), static p => Assert.Equal(p.First.Body, p.Second.Body));
        Assert.Equal((2 + 2 * 287) * (2L << 20), taken.SelectMany(static r => ReportHouse.Items(r.Body)).Sum(static i => i.GetProperty("total_bytes").GetInt64()));
        Assert.Null(house.Trouble);
    }

    [Fact]
    public async Task A_start_in_the_middle_of_an_outage_posts_the_same_bytes()
    {
        _receiver.Answer = static (number, socket) => ScriptedReceiver.Say(socket, number < 2 ? "500 No" : "200 OK", "");
        await using var house = new ReportHouse(_receiver.Url);
        await house.StartAsync();
        house.Window("u1");
        house.PauseAfter(1);
        await house.KillAndStartAsync();
        house.Clock.Pass(house.PauseAfter(2));
        house.UntilTaken();
        Assert.Equal(3, _receiver.All.Count);
        Assert.All(_receiver.All, r => Assert.Equal((_receiver.All[0].Id, _receiver.All[0].Headers["X-Signature"]), (r.Id, r.Headers["X-Signature"])));
        Assert.All(_receiver.All, r => Assert.Equal(_receiver.All[0].Body, r.Body));
        Assert.Equal((1, 2L << 20, 2), (house.Totals.ReportsSent, house.Totals.BytesReported, house.Totals.ReportsFailed));
    }

    [Fact]
    public async Task Silence_is_waited_for_30_seconds_and_a_report_comes_again()
    {
        _receiver.Answer = static (number, socket) =>
        {
            if (number > 0)
                ScriptedReceiver.Say(socket, "200 OK", "");
        };
        await using var house = new ReportHouse(_receiver.Url);
        await house.StartAsync();
        house.Window("u1");
        Until.Equal(1, () => _receiver.All.Count, "posts");
        house.Clock.Pass(TimeSpan.FromSeconds(29.9));
        Assert.Equal([TimeSpan.FromSeconds(0.1)], house.Clock.Timers);
        house.Clock.Pass(TimeSpan.FromSeconds(0.1));
        var pause = house.PauseAfter(1);
        Assert.Equal("no answer within 30 s", house.Trouble);
        house.Clock.Pass(pause);
        house.UntilTaken();
        Assert.Equal(_receiver.All[0].Body, _receiver.All[1].Body);
    }

    /// <summary>Its head is given 30 s, the rest 10: what has come of that by then says nothing, but the report is taken.</summary>
    [Fact]
    public async Task A_byte_a_second_is_an_answer_if_its_head_comes_in_time()
    {
        Socket? socket = null;
        _receiver.Answer = (_, at) => Volatile.Write(ref socket, at);
        await using var house = new ReportHouse(_receiver.Url);
        await house.StartAsync();
        house.Window("u1");
        Drip("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 30);
        house.Clock.Pass(house.PauseAfter(1));
        Until.True(() => Volatile.Read(ref socket) is not null, "the second post");
        socket!.Send("HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n"u8);
        Until.Equal(2, () => house.Clock.Timers.Length, "patience with the body");
        Drip("{\"blocked\":[\"u1\"]}", 10);
        house.UntilTaken();
        Assert.Equal(0, house.Verdicts.Count);
        Assert.Equal((1, 1), (house.Totals.ReportsSent, house.Totals.ReportsFailed));

        void Drip(string text, int seconds)
        {
            Until.True(() => Volatile.Read(ref socket) is not null, "a post");
            for (var i = 0; i < seconds; i++)
            {
                socket!.Send([(byte)text[i]]);
                house.Clock.Pass(TimeSpan.FromSeconds(1));
            }
            socket = null;
        }
    }

    [Fact]
    public async Task A_name_that_is_not_found_is_told_and_looked_for_again()
    {
        await using var house = new ReportHouse("http://receiver.invalid/");
        await house.StartAsync();
        house.Window("u1");
        var pause = house.PauseAfter(1);
        Assert.Equal("its name is not found", house.Trouble);
        house.Receiver = new() { ReportUrl = _receiver.Url, ApiKey = ReportHouse.Key };
        house.Clock.Pass(pause);
        house.UntilTaken();
        Until.Equal(null, () => house.Trouble, "nothing is wrong");
    }

    [Theory]
    [InlineData("429 Slower", "1000", 1000)]
    [InlineData("503 Away", "Sun, 01 Mar 2026 10:25:30 GMT", 1200)]
    [InlineData("503 Away", "86400", 3600)]
    [InlineData("503 Away", "-5", 1)]
    [InlineData("503 Away", "soon", 1)]
    public async Task Retry_after_is_kept_for_an_hour_at_most(string status, string after, int seconds)
    {
        _receiver.Answer = (_, socket) => ScriptedReceiver.Say(socket, status, "", $"Retry-After: {after}\r\n");
        await using var house = new ReportHouse(_receiver.Url);
        await house.StartAsync();
        house.Window("u1"); // until 10:05:30
        Assert.Equal(TimeSpan.FromSeconds(seconds), house.PauseAfter(1));
    }

    /// <summary>HttpClient alone would keep one that HTTP/1.0 has ended, and lose the next report's first attempt on it.</summary>
    [Theory]
    [InlineData("HTTP/1.0", "", 3)]
    [InlineData("HTTP/1.0", "Connection: keep-alive\r\n", 1)]
    [InlineData("HTTP/1.1", "Connection: close\r\n", 3)]
    [InlineData("HTTP/1.1", "", 1)]
    public async Task A_connection_is_used_again_only_where_the_receiver_keeps_it(string version, string header, int connections)
    {
        HashSet<Socket> seen = [];
        _receiver.Answer = (_, socket) =>
        {
            lock (seen)
                seen.Add(socket);
            socket.Send(Encoding.ASCII.GetBytes($"{version} 200 OK\r\n{header}Content-Length: 0\r\n\r\n"));
        };
        await using var house = new ReportHouse(_receiver.Url);
        for (var i = 0; i < 3; i++)
            house.Window("u1");
        await house.StartAsync();
        house.UntilTaken();
        Assert.Equal((connections, 3, 0), (seen.Count, house.Totals.ReportsSent, house.Totals.ReportsFailed));
    }

    /// <summary>Ten seconds for the last window, at a post a second: a receiver in trouble is not asked a thousand times.</summary>
    [Fact]
    public async Task The_end_of_the_server_presses_nobody_and_leaves_the_report_for_the_next_start()
    {
        _receiver.Answer = static (_, socket) => ScriptedReceiver.Say(socket, "503 Away", "");
        await using var house = new ReportHouse(_receiver.Url);
        await house.StartAsync();
        house.Window("u1");
        house.PauseAfter(1);
        var stopping = house.StopAsync(passes: false);
        house.PauseAfter(2);
        for (var i = 0; i < 9; i++)
        {
            Assert.False(stopping.IsCompleted);
            house.Clock.Pass(TimeSpan.FromSeconds(1));
            house.PauseAfter(3 + i);
        }
        house.Clock.Pass(TimeSpan.FromSeconds(1));
        await stopping;
        Assert.InRange(_receiver.All.Count, 11, 12);
        Assert.Equal(1, house.Books.Outbox.Depth().Waiting);
    }

    /// <summary>A share of `./bench traffic`: there it is seven days.</summary>
    [Fact]
    public void Ten_thousand_users_without_a_receiver_fill_no_disk()
    {
        var outage = BooksLoad.Outage(users: 10_000, TimeSpan.FromHours(2));
        output.WriteLine(outage.ToString());
        Assert.Equal(0, outage.Difference);
        Assert.InRange(outage.Outbox, Outbox.MostBytes, 100_000_000);
        Assert.InRange(outage.Files, outage.Outbox, 120_000_000);
    }
}
