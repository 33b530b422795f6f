using XLive.Media.Hls;

namespace XLive.Media.Tests.Hls;

/// <summary>Where the frames of several renditions are in the time of their event.</summary>
public sealed class EventClockTests
{
    private static readonly DateTimeOffset s_noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    private readonly EventClock _clock = new(4);

    private static long Ms(long milliseconds) => milliseconds * Timestamp.PerMillisecond;

    private static DateTimeOffset At(double seconds) => s_noon + TimeSpan.FromSeconds(seconds);

    /// <summary>Ten seconds of frames from here on, as they come.</summary>
    private static long Play(EventPlace place, long from, double at, double seconds = 10)
    {
        var time = 0L;
        for (var ms = 0; ms < seconds * 1000; ms += 40)
            time = place.Of(from + Ms(ms), At(at + (ms / 1000.0)));
        return time;
    }

    private EventPlace First()
    {
        var first = _clock.Join();
        first.Begin(0, Ms(500_000), At(0));
        Play(first, 0, 0);
        return first;
    }

    [Fact]
    public void What_is_made_of_another_has_its_times_however_late_it_comes_and_nothing_of_it_twice()
    {
        var first = _clock.Join("live/cam");
        first.Begin(0, Ms(500_000), At(0));
        Play(first, 0, 0, seconds: 20);
        var made = _clock.Join("live/cam_180p");
        // It began with the last keyframe, a second before what is there, and took eight tenths itself; its source's times are those of the stream.
        made.Begin(0, Ms(9_000), At(10.8), "live/cam");
        Assert.False(made.IsBehind);
        Assert.Equal(first.Of(Ms(9_000), At(10)), made.Of(0, At(10.8)));
        Assert.Equal(first.Base, made.Base);
        Play(made, 0, 10.8, seconds: 5);
        // Made anew from the keyframe of 13 s on, when 13.96 was told of.
        made.Begin(Ms(5_000), Ms(13_000), At(16), "live/cam");
        Assert.True(made.IsBehind);
        made.Of(Ms(5_900), At(16.1));
        Assert.True(made.IsBehind);
        Assert.Equal(first.Of(Ms(13_960), At(16.1)), made.Of(Ms(5_960), At(16.1)));
        Assert.False(made.IsBehind);
    }

    [Fact]
    public void A_publisher_who_comes_back_is_heard_from_his_first_frame_on()
    {
        var first = First();
        // Its sound was ahead of the picture that it begins with again.
        first.Begin(Ms(9_940), 0, At(11));
        Assert.False(first.IsBehind);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.3)]
    [InlineData(-0.3)]
    [InlineData(0.49)]
    public void Outputs_of_one_encoder_are_one_time_however_late_one_of_them_comes(double late)
    {
        var first = First();
        var second = _clock.Join();
        // Its own stream begins at zero; its source is where that of the first is then.
        second.Begin(0, Ms(510_000), At(10 + late));
        Assert.Equal(first.Of(Ms(10_000), At(10)), second.Of(0, At(10 + late)));
        Assert.Equal(EventClock.Beginning + Ms(10_000), second.Of(0, At(10 + late)));
        Assert.Equal(At(10), _clock.DateOf(second.Of(0, At(10 + late))));
    }

    [Theory]
    [InlineData(0.6)]
    [InlineData(-0.6)]
    [InlineData(3600)]
    public void What_is_further_away_is_where_the_others_are(double away)
    {
        _ = First();
        var second = _clock.Join();
        second.Begin(0, Ms(510_000 + (long)(away * 1000)), At(10));
        Assert.InRange(second.Of(0, At(10)) - EventClock.Beginning, Ms(9_990), Ms(10_010));
        // And a third, of the second's encoder, is with it to the tick.
        var third = _clock.Join();
        third.Begin(0, Ms(510_040 + (long)(away * 1000)), At(10.2));
        Assert.Equal(second.Of(Ms(40), At(10.04)), third.Of(0, At(10.2)));
    }

    [Fact]
    public void A_source_that_wrapped_at_32_bits_for_one_and_not_for_the_other()
    {
        var first = _clock.Join();
        first.Begin(0, Ms(uint.MaxValue - 4_999L), At(0));
        Play(first, 0, 0);
        var second = _clock.Join();
        second.Begin(0, Ms(5_000), At(10.1));
        Assert.Equal(first.Of(Ms(10_000), At(10)), second.Of(0, At(10.1)));
    }

    [Fact]
    public void Who_comes_back_is_later_than_he_was_and_where_the_others_are()
    {
        var (first, second) = (First(), _clock.Join());
        second.Begin(0, Ms(510_000), At(10));
        var last = Play(second, 0, 10);
        Play(first, Ms(10_000), 10, 25);
        // The encoder was restarted: its times begin at zero.
        second.Begin(Ms(10_000), 0, At(35));
        Assert.InRange(second.Of(Ms(10_000), At(35)) - first.Of(Ms(35_000), At(35)), Ms(-10), Ms(10));
        // One whose times run on is where it would have been.
        second.Begin(Ms(10_040), Ms(535_400), At(35.6));
        Assert.Equal(EventClock.Beginning + Ms(35_400), second.Of(Ms(10_040), At(35.6)));
        // And none is put before what it was, though its source says so.
        second.Begin(Ms(10_080), Ms(535_100), At(35.1));
        Assert.True(second.Of(Ms(10_080), At(35.1)) > EventClock.Beginning + Ms(35_400));
        Assert.True(last < EventClock.Beginning + Ms(35_400));
    }

    [Fact]
    public void Alone_it_goes_on_by_the_clock_on_the_wall()
    {
        var first = First();
        first.Begin(Ms(10_000), 0, At(17));
        Assert.InRange(first.Of(Ms(10_000), At(17)) - EventClock.Beginning, Ms(16_990), Ms(17_010));
        Assert.InRange((_clock.DateOf(first.Of(Ms(10_000), At(17))) - At(17)).TotalSeconds, -0.01, 0.01);
    }

    [Fact]
    public void Cells_are_of_the_length_of_segments_and_milliseconds_early_is_in_time()
    {
        long Of(double seconds) => _clock.CellOf(EventClock.Beginning + (long)(seconds * Timestamp.PerSecond));

        Assert.Equal([-1, 0, 0, 0, 1, 1, 2], new[] { Of(-0.2), Of(-0.05), Of(0), Of(3.8), Of(3.95), Of(4), Of(8) });
    }

    [Fact]
    public void What_all_must_agree_on_says_the_first()
    {
        Assert.Equal((0, 0L), (_clock.TargetDuration, _clock.AgreePartTarget(0)));
        Assert.Equal((6, 6, 6), (_clock.AgreeTargetDuration(6), _clock.AgreeTargetDuration(4), _clock.TargetDuration));
        Assert.Equal((18_180L, 18_180L), (_clock.AgreePartTarget(18_180), _clock.AgreePartTarget(20_000)));
        Assert.Equal((0L, 0L), _clock.NumberAt(At(0)));
        for (var i = 0; i < 100; i++)
            _clock.Begun(At(4 * i), 7 + i, i / 50);
        // One that was away is behind.
        _clock.Begun(At(400), 3, 9);
        Assert.Equal((106L, 1L), _clock.NumberAt(At(400)));
        Assert.Equal((106L, 1L), _clock.NumberAt(At(395.95)));
        Assert.Equal((105L, 1L), _clock.NumberAt(At(395.8)));
        Assert.Equal((104L, 1L), _clock.NumberAt(At(391)));
    }
}
