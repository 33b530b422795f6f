using XLive.Server.Storage;
using XLive.Server.Telemetry;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Quotas;

namespace XLive.Server.Tests.Traffic;

/// <summary>
/// What holds a user back, over ends and starts of the server and of periods. The clock begins at 10:00:30 UTC, and accounts are judged when
/// they open: a player that is refused once does not ask again.
/// </summary>
public sealed class QuotaTests : IDisposable
{
    private const long MB = 1_000_000;

    private readonly LedgerHouse _house = new(new TrafficOptions { ReportInterval = TimeSpan.FromHours(5) });
    private readonly QuotaOptions _options = new() { Quotas = [new Quota { Bytes = 5 * MB, Period = TimeSpan.FromHours(1) }] };
    private Verdicts _verdicts = null!;
    private QuotaWatch _watch = null!;

    public QuotaTests() => Start();

    public void Dispose()
    {
        _watch.Dispose();
        _house.Dispose();
    }

    private void Start()
    {
        _verdicts = new Verdicts(_house.Ledger.Db);
        // Its timer's clock stands: the test looks.
        _watch = new QuotaWatch(_house.Ledger, _house.Meters, _verdicts, () => _options, _house.Clock, new Supervisor(new HandClock()));
        _watch.StartAsync(CancellationToken.None);
    }

    private void KillAndStart()
    {
        _watch.Dispose();
        _house.KillAndStart();
        Start();
    }

    private void Take(string uid, long bytes)
    {
        _house.Watch(uid, bytes);
        Look();
    }

    private void Look()
    {
        _house.Ledger.Look();
        _watch.Look();
    }

    private void Pass(string time)
    {
        _house.Clock.Pass(TimeSpan.Parse(time, System.Globalization.CultureInfo.InvariantCulture));
        Look();
    }

    /// <summary>What a request of his meets.</summary>
    private StopReason At(string uid) => _house.Meters.Open(uid, "s").StoppedFor;

    private void Said(string json)
    {
        _verdicts.Take(Acknowledgement.Parse(System.Text.Encoding.UTF8.GetBytes(json), out var fault));
        Assert.Null(fault);
    }

    [Fact]
    public void A_quota_that_is_used_up_holds_over_a_kill_and_ends_with_its_period()
    {
        Take("u1", 5 * MB - 1);
        Take("u2", 3 * MB);
        Assert.Equal(StopReason.None, At("u1"));
        Take("u1", 1);
        Assert.Equal(StopReason.Quota, At("u1"));
        KillAndStart();
        Assert.Equal(StopReason.Quota, At("u1"));
        Assert.Equal(StopReason.None, At("u2"));
        Look();
        Assert.Equal(StopReason.Quota, At("u1"));
        Assert.Equal(1, _watch.OverCount);
        // What he had before the kill counts with what he takes after it.
        Take("u2", 2 * MB - 1);
        Assert.Equal(StopReason.None, At("u2"));
        Take("u2", 1);
        Assert.Equal(StopReason.Quota, At("u2"));
        Pass("00:59:29");
        Assert.Equal((StopReason.Quota, StopReason.Quota), (At("u1"), At("u2")));
        Pass("00:00:01");
        Assert.Equal((StopReason.None, StopReason.None, 0), (At("u1"), At("u2"), _watch.OverCount));
        Take("u1", 5 * MB - 1);
        Assert.Equal(StopReason.None, At("u1"));
        KillAndStart();
        Take("u1", 1);
        Assert.Equal(StopReason.Quota, At("u1"));
    }

    [Fact]
    public void A_period_that_ends_while_nobody_runs_is_over_at_the_start()
    {
        Take("u1", 6 * MB);
        Assert.Equal(StopReason.Quota, At("u1"));
        _watch.Dispose();
        _house.Kill();
        _house.Clock.Pass(TimeSpan.FromHours(1));
        _house.Start();
        Start();
        Assert.Equal((StopReason.None, 0), (At("u1"), _watch.OverCount));
        Take("u1", 5 * MB - 1);
        Assert.Equal(StopReason.None, At("u1"));
        Take("u1", 1);
        Assert.Equal(StopReason.Quota, At("u1"));
    }

    [Fact]
    public void Reports_and_closed_accounts_give_nobody_a_second_quota()
    {
        _options.Quotas[0].Period = TimeSpan.FromDays(1);
        Take("u1", 3 * MB);
        for (var i = 0; i < 60; i++)
            Pass("00:10:00");
        Assert.Equal((0, 1), (_house.Meters.Count, _house.Outbox.Depth().Waiting));
        Take("u1", 2 * MB);
        Assert.Equal(StopReason.Quota, At("u1"));
        for (var i = 0; i < 12; i++)
            Pass("00:10:00");
        Assert.Equal(0, _house.Meters.Count);
        Assert.Equal(StopReason.Quota, At("u1"));
    }

    [Fact]
    public void What_the_receiver_said_holds_over_a_kill_and_only_a_used_up_quota_ends_with_the_period()
    {
        Said("""{"blocked": ["bad", "was-bad"], "quota": {"small": 1000, "large": 50000000}}""");
        Said("""{"unblocked": ["was-bad", "never-was"]}""");
        Assert.Equal(3, _verdicts.Count);
        Take("small", 1000);
        Take("large", 49 * MB);
        for (var period = 0; period < 2; period++)
        {
            for (var life = 0; life < 2; life++)
            {
                Assert.Equal((StopReason.Blocked, StopReason.None, StopReason.Quota, StopReason.None), (At("bad"), At("was-bad"), At("small"), At("large")));
                KillAndStart();
            }
            Pass("01:00:00");
            Assert.Equal((StopReason.Blocked, StopReason.None, StopReason.None, StopReason.None), (At("bad"), At("was-bad"), At("small"), At("large")));
            Take("large", 49 * MB);
            Take("small", 999);
            Assert.Equal((StopReason.None, StopReason.None), (At("large"), At("small")));
            Take("small", 1);
        }
        Said("""{"unblocked": ["bad"]}""");
        KillAndStart();
        Assert.Equal((StopReason.None, 2), (At("bad"), _verdicts.Count));
    }

    [Fact]
    public void Who_is_throttled_is_so_again_after_a_kill_until_the_period_ends()
    {
        _options.Quotas[0] = new Quota { Bytes = 5 * MB, Period = TimeSpan.FromHours(1), Over = OverQuota.Throttle, Rate = 300_000 };
        Take("u1", 4 * MB);
        Assert.Null(_house.Meters.Of("u1").Pace);
        Take("u1", MB);
        var pace = _house.Meters.Of("u1").Pace;
        Assert.Equal((300_000, StopReason.None), (pace!.BytesPerSecond, At("u1")));
        Look();
        Assert.Same(pace, _house.Meters.Of("u1").Pace);
        KillAndStart();
        Assert.Equal(300_000, _house.Meters.Of("u1").Pace?.BytesPerSecond);
        Pass("01:00:00");
        Assert.Null(_house.Meters.Of("u1").Pace);
    }

    [Fact]
    public void What_could_not_be_written_is_written_at_the_next_look()
    {
        Take("u1", 3 * MB);
        Take("u2", 3 * MB);
        _house.Clock.Pass(TimeSpan.FromHours(1));
        _house.Ledger.Sync();
        Fails(() => Take("u1", MB));
        Fails(Look);
        Look();
        // From the look on that was written.
        Take("u1", 5 * MB - 1);
        Assert.Equal(StopReason.None, At("u1"));
        KillAndStart();
        Take("u1", 1);
        Assert.Equal(StopReason.Quota, At("u1"));

        Fails(() => Take("u2", 6 * MB));
        Look();
        KillAndStart();
        Assert.Equal((StopReason.Quota, StopReason.Quota), (At("u1"), At("u2")));
    }

    [Fact]
    public void A_clock_that_goes_to_another_period_and_back_gives_nobody_a_second_quota()
    {
        Take("u1", 5 * MB);
        // An hour too far: the quota of that hour is his now, and not once more when the hour comes.
        Step("01:00:00");
        Assert.Equal(StopReason.None, At("u1"));
        Take("u1", 5 * MB);
        Step("-01:00:00");
        Assert.Equal(StopReason.Quota, At("u1"));
        KillAndStart();
        Assert.Equal(StopReason.Quota, At("u1"));
        Pass("00:59:29"); // 10:59:59
        Assert.Equal(StopReason.Quota, At("u1"));
        Pass("00:59:59"); // 11:59:58
        Assert.Equal(StopReason.Quota, At("u1"));
        Pass("00:00:02");
        Assert.Equal(StopReason.None, At("u1"));
        Take("u1", 5 * MB);
        // A moment back over the end.
        Step("-00:00:05");
        Assert.Equal(StopReason.Quota, At("u1"));
    }

    [Fact]
    public void A_clock_that_stays_behind_for_a_period_is_believed()
    {
        Step("10.00:00:00");
        Take("u1", 5 * MB);
        Step("-10.00:00:00");
        for (var i = 0; i < 59; i++)
        {
            Pass("00:01:00");
            Assert.Equal(StopReason.Quota, At("u1"));
            if (i % 20 == 0)
                KillAndStart();
        }
        // Further back: from here on.
        Step("-05:00:00");
        Pass("00:59:59");
        Assert.Equal(StopReason.Quota, At("u1"));
        Pass("00:00:01");
        Assert.Equal(StopReason.None, At("u1"));
        Take("u1", 5 * MB);
        Assert.Equal(StopReason.Quota, At("u1"));
        Pass("01:00:00");
        Assert.Equal(StopReason.None, At("u1"));
    }

    [Fact]
    public void Periods_of_another_length_begin_by_the_clock()
    {
        _options.Quotas[0].Period = TimeSpan.FromMinutes(1);
        Take("u1", 5 * MB);
        Assert.Equal(StopReason.Quota, At("u1"));
        // Of a lower number than those before.
        _options.Quotas[0] = new Quota { Bytes = 5 * MB, Period = TimeSpan.FromDays(1) };
        Look();
        Assert.Equal(StopReason.None, At("u1"));
    }

    private void Step(string by)
    {
        _house.Clock.Step(TimeSpan.Parse(by, System.Globalization.CultureInfo.InvariantCulture));
        Look();
    }

    private void Fails(Action look)
    {
        foreach (var what in (string[])["INSERT", "UPDATE"])
            _house.Ledger.Db.Script($"CREATE TRIGGER no_{what} BEFORE {what} ON quota_periods BEGIN SELECT RAISE(ABORT, 'no room'); END");
        Assert.Contains("no room", Assert.ThrowsAny<DatabaseException>(look).Message, StringComparison.Ordinal);
        _house.Ledger.Db.Script("DROP TRIGGER no_INSERT; DROP TRIGGER no_UPDATE");
    }

    /// <summary>The site has sold him more, or the operator has changed the settings; he comes back later.</summary>
    [Theory]
    [InlineData("receiver")]
    [InlineData("settings")]
    [InlineData("none")]
    public void Who_may_have_more_meanwhile_is_not_refused_when_he_comes(string by)
    {
        Take("u1", 6 * MB);
        Take("u2", 6 * MB);
        for (var i = 0; i < 30; i++)
            Pass("00:01:00");
        Assert.Equal(0, _house.Meters.Count);
        switch (by)
        {
            case "receiver": Said("""{"quota": {"u1": 9000000}}"""); break;
            case "settings": _options.Quotas[0] = new Quota { Bytes = 9 * MB, Period = TimeSpan.FromHours(1) }; break;
            default: _options.Quotas.Clear(); break;
        }
        Look();
        Assert.Equal((StopReason.None, by == "receiver" ? StopReason.Quota : StopReason.None), (At("u1"), At("u2")));
        KillAndStart();
        Assert.Equal((StopReason.None, by == "receiver" ? StopReason.Quota : StopReason.None), (At("u1"), At("u2")));
    }
}
