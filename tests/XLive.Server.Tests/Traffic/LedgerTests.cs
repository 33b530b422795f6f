using System.Net;
using System.Text;
using XLive.Server.Telemetry;
using XLive.Server.Traffic;

namespace XLive.Server.Tests.Traffic;

public sealed class LedgerTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly LedgerHouse _house = new();

    public void Dispose() => _house.Dispose();

    [Fact]
    public void A_report_says_what_the_contract_says_in_its_words()
    {
        var from = _house.Clock.Unix;
        _house.Clock.Pass(TimeSpan.FromSeconds(10));
        _house.Ledger.Look();
        _house.Watch("u1", 3 * MiB);
        _house.Clock.Pass(TimeSpan.FromSeconds(10));
        _house.Ledger.Look();
        _house.Watch("u1", 500, FileKind.M3u8, "2001:db8::7", "s2");
        _house.Pass(TimeSpan.FromSeconds(280));
        var report = _house.Outbox.Oldest()!;
        Assert.Equal($$"""
            {"report_id":"{{report.Id}}","node":"{{_house.Ledger.Node}}","from":{{from}},"to":{{from + 300}},"items":[{"uid":"u1","total_bytes":3146228,"request_count":2,"file_types":{"m3u8":500,"ts":3145728},"unique_ips":["192.0.2.1","2001:db8::7"],"unique_sessions":["s1","s2"],"start_time":{{from + 10}},"last_activity":{{from + 20}},"cumulative_bytes":3146228}]}
            """, Encoding.UTF8.GetString(report.Body));
        Assert.Equal(3146228, report.Bytes);
        Assert.Equal(report.Body, _house.Outbox.Oldest()!.Body);
    }

    [Fact]
    public void Windows_meet_and_nothing_is_reported_when_there_is_nothing()
    {
        _house.Watch("u1", 2 * MiB);
        _house.PassAWindow();
        _house.PassAWindow();
        _house.Watch("u1", 2 * MiB);
        _house.PassAWindow();
        var reports = _house.Receive();
        Assert.Equal(2, reports.Count);
        Assert.Equal(reports[0].GetProperty("to").GetInt64() + 300, reports[1].GetProperty("from").GetInt64());
        Assert.Equal(4 * MiB, reports[1].GetProperty("items")[0].GetProperty("cumulative_bytes").GetInt64());
        Assert.NotEqual(reports[0].GetProperty("report_id").GetString(), reports[1].GetProperty("report_id").GetString());
    }

    [Fact]
    public void Less_than_the_threshold_moves_to_the_ledger_and_waits_until_it_is_enough()
    {
        _house.Watch("u1", MiB / 2);
        _house.PassAWindow();
        Assert.Equal(0, _house.Ledger.Totals().RecordedUids);
        _house.Pass(_house.Options.AccumulatorTimeout);
        Assert.Empty(_house.Receive());
        var totals = _house.Ledger.Totals();
        Assert.Equal((1, 1), (totals.RecordedUids, totals.AccumulatorCleanups));
        _house.Pass(TimeSpan.FromMinutes(2));
        Assert.Equal(0, _house.Meters.Count);
        _house.Watch("u1", MiB / 2, address: "192.0.2.2", sid: "s2");
        _house.PassAWindow();
        var item = Assert.Single(_house.Receive()).GetProperty("items")[0];
        Assert.Equal(MiB, item.GetProperty("total_bytes").GetInt64());
        Assert.Equal(["192.0.2.1", "192.0.2.2"], item.GetProperty("unique_ips").EnumerateArray().Select(i => i.GetString()));
        Assert.Equal(["s1", "s2"], item.GetProperty("unique_sessions").EnumerateArray().Select(i => i.GetString()));
        Assert.Equal(2, item.GetProperty("request_count").GetInt64());
    }

    [Fact]
    public void A_day_is_the_longest_that_anything_waits()
    {
        _house.Watch("u1", 17);
        for (var passed = TimeSpan.Zero; passed < TimeSpan.FromHours(23.9); passed += TimeSpan.FromSeconds(60))
        {
            _house.Clock.Pass(TimeSpan.FromSeconds(60));
            _house.Ledger.Look();
        }
        Assert.Empty(_house.Receive());
        // The day begins when the ledger has it.
        _house.Clock.Pass(TimeSpan.FromMinutes(40));
        _house.Ledger.Look();
        Assert.Equal(17, _house.Receive().BytesByUid()["u1"]);
    }

    [Fact]
    public void What_goes_on_without_a_pause_moves_at_the_latest_after_the_long_term_timeout()
    {
        _house.Options = new TrafficOptions { ReportInterval = TimeSpan.FromHours(9), MinBytes = 1L << 40 };
        _house.Clock.Pass(TimeSpan.FromMinutes(5)); // so that no hour ends meanwhile
        _house.Ledger.Look();
        for (var second = 0; second < 1790; second += 10)
        {
            _house.Watch("u1", 1);
            _house.Pass(TimeSpan.FromSeconds(10));
        }
        Assert.Equal(0, _house.Ledger.Totals().AccumulatorCleanups);
        _house.Pass(TimeSpan.FromSeconds(30));
        Assert.Equal(1, _house.Ledger.Totals().AccumulatorCleanups);
    }

    [Fact]
    public void A_thousand_requests_are_a_reason_to_look()
    {
        _house.Watch("idle", 100);
        _house.Clock.Pass(_house.Options.AccumulatorTimeout);
        var meter = _house.Watch("busy", 100);
        // By the timer it would be looked at after 15 seconds; this look is at the first one.
        _house.Ledger.Look();
        Assert.Equal(1, _house.Ledger.Totals().AccumulatorCleanups);
        _house.Watch("idle", 100);
        _house.Clock.Pass(TimeSpan.FromSeconds(14));
        _house.Ledger.Look();
        for (var i = 0; i < 1000; i++)
            meter.CountRequest(FileKind.Ts, IPAddress.Loopback);
        _house.Options = new TrafficOptions { AccumulatorTimeout = TimeSpan.FromSeconds(5) };
        _house.Ledger.Look();
        Assert.Equal(2, _house.Ledger.Totals().AccumulatorCleanups);
    }

    [Fact]
    public void Bytes_given_back_after_a_report_are_paid_by_the_next_ones()
    {
        var meter = _house.Watch("u1", 2 * MiB);
        _house.PassAWindow();
        meter.GiveBack(FileKind.Ts, 100);
        _house.PassAWindow();
        meter.Charge(FileKind.Ts, 2 * MiB);
        _house.PassAWindow();
        var items = _house.Receive().Select(r => r.GetProperty("items")[0]).ToList();
        Assert.Equal([2 * MiB, 2 * MiB - 100], items.Select(i => i.GetProperty("total_bytes").GetInt64()));
        Assert.Equal(4 * MiB - 100, items[1].GetProperty("cumulative_bytes").GetInt64());
        Assert.Equal(0, _house.Ledger.Difference);
    }

    [Fact]
    public void A_debt_outlives_its_slot_and_a_start()
    {
        var meter = _house.Watch("u1", 2 * MiB);
        _house.PassAWindow();
        meter.GiveBack(FileKind.Ts, 100);
        _house.Pass(TimeSpan.FromMinutes(20));
        Assert.Equal(0, _house.Meters.Count);
        _house.KillAndStart();
        _house.Watch("u1", 2 * MiB, FileKind.Ts);
        _house.Watch("u1", 50, FileKind.M3u8);
        _house.PassAWindow();
        var last = _house.Receive()[^1].GetProperty("items")[0];
        Assert.Equal(2 * MiB - 50, last.GetProperty("total_bytes").GetInt64());
    }

    [Fact]
    public void A_killed_process_loses_nothing_and_reports_nothing_twice()
    {
        _house.Watch("reported", 2 * MiB);
        _house.PassAWindow();
        _house.Watch("reported", 5 * MiB);
        _house.Watch("waiting", 70);
        _house.KillAndStart();
        _house.KillAndStart();
        _house.Watch("waiting", 3);
        _house.PassAWindow();
        _house.Pass(TimeSpan.FromHours(25));
        var received = _house.Receive();
        Assert.Equal(new() { ["reported"] = 7 * MiB, ["waiting"] = 73 }, received.BytesByUid());
        AssertWindowsDoNotOverlap(received.Select(r => (r.GetProperty("from").GetInt64(), r.GetProperty("to").GetInt64())));
        Assert.Equal(0, _house.Ledger.Difference);
    }

    [Theory]
    [InlineData(-120)]
    [InlineData(-3600)]
    [InlineData(3600)]
    [InlineData(-86_400)]
    [InlineData(315_360_000)]
    public void A_step_of_the_wall_clock_moves_no_interval_and_folds_no_window(int seconds)
    {
        List<int> after = [];
        _house.Outbox.Filled += () => after.Add((int)TimeSpan.FromTicks(_house.Clock.GetTimestamp()).TotalSeconds);
        for (var window = 0; window < 4; window++)
        {
            _house.Watch("u1", MiB);
            if (window == 1)
                _house.Clock.Step(TimeSpan.FromSeconds(seconds));
            if (window == 2)
                _house.Clock.Step(TimeSpan.FromSeconds(-seconds));
            _house.Ledger.Sync();
            _house.Watch("u1", MiB);
            _house.PassAWindow();
        }
        Assert.Equal([300, 600, 900, 1200], after);
        var received = _house.Receive();
        Assert.Equal(8 * MiB, received.BytesByUid()["u1"]);
        AssertWindowsDoNotOverlap(received.Select(r => (r.GetProperty("from").GetInt64(), r.GetProperty("to").GetInt64())));
        Assert.All(received.Select(static r => r.GetProperty("items")[0]),
            static i => Assert.InRange(i.GetProperty("start_time").GetInt64(), 1, i.GetProperty("last_activity").GetInt64()));
    }

    [Fact]
    public void An_hour_of_the_history_has_no_bytes_of_another()
    {
        _house.Options = new TrafficOptions { ReportInterval = TimeSpan.FromHours(2) };
        var began = _house.Clock.GetUtcNow();
        for (var minute = 0; minute < 125; minute++)
        {
            _house.Watch("u1", 1);
            _house.Pass(TimeSpan.FromMinutes(1));
        }
        Dictionary<int, long> hours = [];
        while (_house.Ledger.History.Oldest() is { } batch)
        {
            hours[batch.Hour.Hour] = hours.GetValueOrDefault(batch.Hour.Hour) + batch.Deltas.Sum(d => d.Counts.Bytes);
            _house.Ledger.History.Forget(batch);
        }
        Assert.Equal(10, began.Hour);
        // At half a minute past each: the first hour and the second have 60 each.
        Assert.Equal((60, 60), (hours[10], hours[11]));
    }

    [Fact]
    public void Batches_that_nobody_fetches_become_one_an_hour()
    {
        _house.Options = new TrafficOptions { ReportInterval = TimeSpan.FromSeconds(1), MinBytes = 1 };
        for (var i = 0; i < 300; i++)
        {
            _house.Watch(i % 2 == 0 ? "a" : "b", 10);
            _house.Pass(TimeSpan.FromSeconds(1));
        }
        Assert.InRange(_house.Ledger.History.Depth().Batches, 2, 64);
        long sum = 0;
        while (_house.Ledger.History.Oldest() is { } batch)
        {
            sum += batch.Deltas.Sum(d => d.Counts.Bytes);
            _house.Ledger.History.Forget(batch);
        }
        Assert.Equal(3000, sum);
    }

    [Fact]
    public void A_report_has_no_more_than_5000_items()
    {
        _house.Options = new TrafficOptions { MinBytes = 1 };
        for (var i = 0; i < 12_001; i++)
            _house.Watch("u" + i, i + 1);
        _house.PassAWindow();
        var reports = _house.Receive();
        Assert.All(reports, r => Assert.InRange(r.GetProperty("items").GetArrayLength(), 1, 5000));
        Assert.Equal(12_001, reports.BytesByUid().Count);
        Assert.All(reports.BytesByUid(), p => Assert.Equal(int.Parse(p.Key[1..], System.Globalization.CultureInfo.InvariantCulture) + 1, p.Value));
    }

    [Fact]
    public void An_operator_decides_how_much_of_an_address_is_reported()
    {
        foreach (var (privacy, wanted) in ((AddressPrivacy, string[])[])[
            (AddressPrivacy.Prefix, ["192.0.2.0/24", "2001:db8:1:2::/64", "198.51.100.0/24"]), (AddressPrivacy.None, []), (AddressPrivacy.Full, ["192.0.2.1"])])
        {
            _house.Privacy = privacy;
            _house.Watch("u1", MiB);
            if (privacy == AddressPrivacy.Prefix)
            {
                _house.Watch("u1", MiB, address: "192.0.2.77");
                _house.Watch("u1", MiB, address: "2001:db8:1:2:3:4:5:6");
                _house.Watch("u1", MiB, address: "::ffff:198.51.100.9");
            }
            _house.PassAWindow();
            var item = Assert.Single(_house.Receive()).GetProperty("items")[0];
            Assert.Equal(wanted, item.GetProperty("unique_ips").EnumerateArray().Select(a => a.GetString()));
        }
    }

    [Fact]
    public void No_more_than_20_addresses_and_10_sessions_are_told_and_the_next_window_begins_anew()
    {
        for (var i = 0; i < 40; i++)
            _house.Watch("u1", MiB, address: "10.0.0." + i, sid: "s" + i);
        _house.PassAWindow();
        var meter = _house.Watch("u1", MiB, address: "10.0.0.99", sid: "s99");
        meter.CountRequest(FileKind.Ts, IPAddress.Parse("10.0.0.98"));
        _house.PassAWindow();
        var items = _house.Receive().Select(r => r.GetProperty("items")[0]).ToList();
        Assert.Equal((20, 10), (items[0].GetProperty("unique_ips").GetArrayLength(), items[0].GetProperty("unique_sessions").GetArrayLength()));
        Assert.Equal(["10.0.0.99", "10.0.0.98"], items[1].GetProperty("unique_ips").EnumerateArray().Select(a => a.GetString()));
        Assert.Equal(["s99"], items[1].GetProperty("unique_sessions").EnumerateArray().Select(a => a.GetString()));
    }

    [Fact]
    public void A_cut_that_fails_forgets_nothing_of_where_a_user_came_from()
    {
        _house.Watch("u1", MiB, sid: "s1");
        _house.PassAWindow();
        _house.Receive();
        _house.Watch("u1", MiB, address: "192.0.2.7", sid: "s7");
        _house.Watch("u2", MiB, address: "192.0.2.8", sid: "s8");
        _house.Ledger.Db.Script("CREATE TRIGGER no_room BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no room'); END");
        _house.PassAWindow();
        Assert.Contains("no room", _house.Ledger.Fault, StringComparison.Ordinal);
        var meter = _house.Watch("u1", MiB, address: "192.0.2.9", sid: "s9");
        _house.Ledger.Db.Script("DROP TRIGGER no_room");
        _house.Pass(TimeSpan.FromSeconds(1));
        Assert.Null(_house.Ledger.Fault);
        var items = Assert.Single(_house.Receive()).GetProperty("items").EnumerateArray().ToDictionary(i => i.GetProperty("uid").GetString()!);
        Assert.Equal(2 * MiB, items["u1"].GetProperty("total_bytes").GetInt64());
        Assert.Equal(["192.0.2.7", "192.0.2.9"], Texts("u1", "unique_ips").Order());
        Assert.Equal(["s7", "s9"], Texts("u1", "unique_sessions").Order());
        Assert.Equal(["192.0.2.8"], Texts("u2", "unique_ips"));

        // And the same session in the next window is told again.
        meter.CountRequest(FileKind.Ts, IPAddress.Parse("192.0.2.9"));
        meter.Charge(FileKind.Ts, MiB);
        _house.PassAWindow();
        var item = Assert.Single(_house.Receive()).GetProperty("items")[0];
        Assert.Equal(["192.0.2.9"], item.GetProperty("unique_ips").EnumerateArray().Select(static t => t.GetString()!));

        IEnumerable<string> Texts(string uid, string what) => items[uid].GetProperty(what).EnumerateArray().Select(static t => t.GetString()!);
    }

    [Fact]
    public void Without_a_receiver_everything_waits_in_the_ledger()
    {
        _house.Ledger.IsReporting = static () => false;
        _house.Watch("u1", 5 * MiB);
        _house.Pass(TimeSpan.FromHours(30));
        Assert.Empty(_house.Receive());
        Assert.Equal(1, _house.Ledger.Totals().RecordedUids);
        _house.Ledger.IsReporting = static () => true;
        _house.PassAWindow();
        Assert.Equal(5 * MiB, _house.Receive().BytesByUid()["u1"]);
    }

    [Fact]
    public void The_last_cut_takes_everything_and_reports_what_is_enough()
    {
        _house.Watch("much", 2 * MiB);
        _house.Watch("little", 5);
        _house.Ledger.Finish();
        Assert.Equal(new() { ["much"] = 2 * MiB }, _house.Receive().BytesByUid());
        _house.KillAndStart();
        Assert.Equal(0, _house.Ledger.Difference);
        Assert.Equal(2, _house.Ledger.Totals().RecordedUids);
    }

    [Fact]
    public void The_counters_of_traffic_survive_a_start()
    {
        _house.Watch("u1", 2 * MiB);
        _house.Watch("u2", 2 * MiB);
        _house.PassAWindow();
        var report = _house.Outbox.Oldest()!;
        _house.Outbox.Failed(report, "503");
        _house.Outbox.Acknowledge(report);
        _house.Outbox.Acknowledge(report);
        _house.Watch("u3", 10);
        _house.Pass(TimeSpan.FromMinutes(15));
        var before = _house.Ledger.Totals();
        Assert.Equal(new TrafficTotals(3, 1, 4 * MiB, 0, 1, 1), before);
        _house.KillAndStart();
        Assert.Equal(before, _house.Ledger.Totals());
    }

    [Fact]
    public void A_report_that_is_acknowledged_again_takes_no_other_with_it_and_counts_once()
    {
        _house.Watch("u1", 2 * MiB);
        _house.PassAWindow();
        var first = _house.Outbox.Oldest()!;
        _house.Outbox.Acknowledge(first);
        _house.Watch("u1", 3 * MiB);
        _house.PassAWindow();
        var second = _house.Outbox.Oldest()!;
        _house.Outbox.Acknowledge(first);
        Assert.Equal(second.Id, _house.Outbox.Oldest()?.Id);
        Assert.Equal(1, _house.Ledger.Totals().ReportsSent);
        _house.KillAndStart();
        Assert.Equal(0, _house.Ledger.Difference);
        Assert.Equal(3 * MiB, _house.Receive().BytesByUid()["u1"]);
    }

    [Fact]
    public void A_parked_report_lets_the_others_by_until_it_is_replayed()
    {
        _house.Watch("u1", 2 * MiB);
        _house.PassAWindow();
        _house.Watch("u2", 2 * MiB);
        _house.PassAWindow();
        var first = _house.Outbox.Oldest()!;
        _house.Outbox.Park(first, "422 unknown uid");
        Assert.NotEqual(first.Id, _house.Outbox.Oldest()!.Id);
        Assert.Equal((1, 1), (_house.Outbox.Depth().Waiting, _house.Outbox.Depth().Parked));
        Assert.Equal("422 unknown uid", _house.Outbox.List(10)[0].Parked);
        Assert.False(_house.Outbox.Replay("none"));
        Assert.True(_house.Outbox.Replay(first.Id));
        Assert.Equal(first.Body, _house.Outbox.Oldest()!.Body);
        Assert.Equal(first.Id, _house.Outbox.Oldest()!.Id);
    }

    private static void AssertWindowsDoNotOverlap(IEnumerable<(long From, long To)> windows)
    {
        long end = 0;
        foreach (var (from, to) in windows.Distinct())
        {
            Assert.InRange(from, end, long.MaxValue);
            Assert.InRange(to, from + 1, long.MaxValue);
            end = to;
        }
    }
}
