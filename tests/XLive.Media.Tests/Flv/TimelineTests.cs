using System.Globalization;
using XLive.Media.Flv;

namespace XLive.Media.Tests.Flv;

public class TimelineTests
{
    private const string Wrap32 = "4294967295";

    /// <summary>Video (v) and audio (a) times as they come; what is made of them, with ! at a discontinuity and = where one is held.</summary>
    [Theory]
    [InlineData("begins at 0, wherever the source does", "v1000 v1040 a1020 v1080", "0 40 20 80")]
    [InlineData("may begin with the later track", "a500 v460 v500", "0 -40 0")]
    [InlineData("a gap stays a gap", "v0 v40 v5000 v5040", "0 40 5000 5040")]
    [InlineData("up to ten seconds", "v0 v40 v10040 v10080", "0 40 10040 10080")]
    [InlineData("the same time twice", "v0 v40 v40 v80", "0 40 40 80")]
    // Wraps.
    [InlineData("32 bits", "v4294967256 a4294967290 v" + Wrap32 + " a20 v0 v40", "0 34 39 60 40 80")]
    [InlineData("24 bits", "v16777136 a16777200 v16777176 v0 a7 v40", "0 64 40 80 87 120")]
    [InlineData("24 bits, audio first", "v16777136 a16777200 a7 v16777176 v0 v40 a47", "0 64 87 40 80 120 127")]
    [InlineData("24 bits a second time", "v16777176 v0 v8000000 v16777176 v0 v40", "0 40 80! 120! 160 200")]
    [InlineData("past 24 bits without a wrap", "v16777200 v16777240 v16777280", "0 40 80")]
    // Backwards.
    [InlineData("a little: held", "v0 v40 v80 v60 v100", "0 40 80 80= 100")]
    [InlineData("from two clocks", "v0 v40 v20 v80 v60 v120", "0 40 40= 80 80= 120")]
    [InlineData("a lot: another clock", "v5000 v5040 v1000 v1040", "0 40 80! 120")]
    [InlineData("to the beginning: both go together", "v60000 a60010 v60040 a60033 v0 a10 v40 a33", "0 10 40 33 80! 90 120 113")]
    [InlineData("audio says so first", "v60000 a60010 v60040 a60033 a10 v0 v40 a33", "0 10 40 33 56! 46 86 79")]
    // Jumps.
    [InlineData("ahead", "v0 v40 v20000 v20040", "0 40 80! 120")]
    [InlineData("ahead, both", "v0 a10 v40 a33 v100000 a100010 v100040", "0 10 40 33 80! 90 120")]
    [InlineData("a latecomer of the old clock", "v0 a10 v40 v100000 a33 v100040 a100010", "0 10 40 80! 33 120 90")]
    [InlineData("across half the numbers", "v0 v40 v3000000000 v3000000040", "0 40 80! 120")]
    // One track alone.
    [InlineData("video goes on by itself", "v0 a10 v40 v100000 a33 a56 v100040 a79 v100080 a102", "0 10 40 80! 33 56 120 79 160 102")]
    [InlineData("and the other has its gap", "v0 a10 v40 v100000 a33 a3000 v100040 a3023", "0 10 40 80! 33 3000 120 3023")]
    [InlineData("tracks from two clocks", "v0 v40 a5000000 v80 a5000023 v120", "0 40 40 80 63 120")]
    public void A_source(string what, string times, string expected)
    {
        Assert.NotEmpty(what);
        var timeline = new Timeline(default);
        var found = times.Split(' ').Select(text =>
        {
            var kind = text[0] == 'v' ? TrackKind.Video : TrackKind.Audio;
            var step = timeline.Next(kind, uint.Parse(text.AsSpan(1), CultureInfo.InvariantCulture), out var time);
            return time.Milliseconds.ToString(CultureInfo.InvariantCulture) + step switch { TimelineStep.Discontinuity => "!", TimelineStep.Held => "=", _ => "" };
        });
        Assert.Equal(expected, string.Join(' ', found));
    }

    [Fact]
    public void A_hundred_days_have_no_drift()
    {
        var timeline = new Timeline(Timestamp.FromMilliseconds(1000));
        const long days = 100L * 24 * 3600 * 1000;
        for (long time = 0; time < days; time += 9000)
        {
            Assert.Equal(TimelineStep.Regular, timeline.Next(TrackKind.Video, (uint)time, out var video));
            Assert.Equal(TimelineStep.Regular, timeline.Next(TrackKind.Audio, (uint)(time + 7), out var audio));
            if (video.Milliseconds != time + 1000 || audio.Milliseconds != time + 1007)
                Assert.Fail($"{time}: {video.Milliseconds}, {audio.Milliseconds}");
        }
        Assert.Equal(0, timeline.Epoch);
    }

    [Fact]
    public void Whatever_comes_the_time_of_a_track_never_falls()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        var timeline = new Timeline(default);
        long[] last = [long.MinValue, long.MinValue];
        uint clock = 0;
        for (int i = 0; i < 200_000; i++)
        {
            clock = random.Next(50) == 0 ? (uint)random.NextInt64(1L << random.Next(1, 33)) : clock + (uint)random.Next(-50, 100);
            int kind = random.Next(2);
            timeline.Next((TrackKind)kind, clock, out var time);
            Assert.True(time.Ticks >= last[kind], $"seed {seed}, step {i}");
            last[kind] = time.Ticks;
        }
    }
}
