using XLive.Server.Live;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Live;

/// <summary>When those who watch are woken.</summary>
public sealed class PulseTests
{
    private readonly HandClock _clock = new();

    [Fact]
    public void Few_are_woken_by_each_frame()
    {
        using var pulse = new Pulse(_clock, static () => null);
        Assert.True(Wakes(pulse, () => pulse.Came(64, isVideo: true)));
        Assert.True(Wakes(pulse, () => pulse.Came(64, isVideo: false)));
    }

    [Fact]
    public void Many_are_woken_by_each_picture_and_the_sound_comes_with_it()
    {
        using var pulse = new Pulse(_clock, static () => null);
        for (var i = 0; i < 10; i++)
        {
            _clock.Pass(TimeSpan.FromMilliseconds(21));
            Assert.False(Wakes(pulse, () => pulse.Came(65, isVideo: false)));
            _clock.Pass(TimeSpan.FromMilliseconds(12));
            Assert.True(Wakes(pulse, () => pulse.Came(65, isVideo: true)));
        }
    }

    [Fact]
    public void Sound_alone_waits_for_40_ms_and_a_quick_picture_for_20()
    {
        using var pulse = new Pulse(_clock, static () => null);
        Assert.False(Wakes(pulse, () => pulse.Came(65, isVideo: false)));
        var next = pulse.Next;
        _clock.Pass(TimeSpan.FromMilliseconds(39));
        Assert.False(next.IsCompleted);
        _clock.Pass(TimeSpan.FromMilliseconds(1));
        Until.True(() => next.IsCompleted, "the sound goes");

        // The picture's time, not the sound's before it.
        Assert.False(Wakes(pulse, () => pulse.Came(65, isVideo: false)));
        Assert.False(Wakes(pulse, () => pulse.Came(65, isVideo: true)));
        next = pulse.Next;
        _clock.Pass(TimeSpan.FromMilliseconds(19));
        Assert.False(next.IsCompleted);
        _clock.Pass(TimeSpan.FromMilliseconds(1));
        Until.True(() => next.IsCompleted, "the picture goes");
    }

    [Fact]
    public void A_time_that_is_set_holds_for_all()
    {
        using var pulse = new Pulse(_clock, static () => TimeSpan.FromMilliseconds(350));
        _clock.Pass(TimeSpan.FromMilliseconds(349));
        Assert.False(Wakes(pulse, () => pulse.Came(1, isVideo: true)));
        var next = pulse.Next;
        _clock.Pass(TimeSpan.FromMilliseconds(1));
        Until.True(() => next.IsCompleted, "after its time");
    }

    private static bool Wakes(Pulse pulse, Action what)
    {
        var next = pulse.Next;
        what();
        return next.IsCompleted;
    }
}
