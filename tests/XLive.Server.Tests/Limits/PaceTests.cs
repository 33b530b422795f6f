using XLive.Server.Traffic;

namespace XLive.Server.Tests.Limits;

/// <summary>Rates so low that no test lasts long enough for the clock to matter.</summary>
public sealed class PaceTests
{
    private static readonly Meter Meter = new UserMeters().Open("u1", "s1");

    /// <summary>Ten seconds of the rate are given out.</summary>
    private static Pace Busy(int rate)
    {
        var pace = new Pace(rate);
        for (var i = 0; i < 100; i++)
            Assert.Equal(rate / 10, pace.Reserve(rate, out _));
        return pace;
    }

    [Fact]
    public void In_the_order_in_which_they_came_and_what_did_not_leave_brings_all_forward()
    {
        var pace = new Pace(1000, burst: 500_000);
        Assert.Equal(500_000, pace.Reserve(1_000_000, out var first));
        Assert.Equal(0, pace.WaitFor(first));
        pace = Busy(1000);
        pace.Reserve(1000, out var next);
        pace.Reserve(1000, out var last);
        Assert.Equal(100, last - next);
        Assert.Equal(Pace.LongestWait, pace.WaitFor(next));
        pace.PutBack(10_000);
        Assert.Equal(0, pace.WaitFor(next));
    }

    [Fact]
    public void Through_several_and_each_is_given_back_what_another_did_not_let_go()
    {
        var (wide, narrow) = (new Pace(100, burst: 10_000), new Pace(100, burst: 300));
        Assert.InRange(new Passage().Take(Meter, [wide, narrow], 1000, out _), 300, 310);
        Assert.InRange(wide.Reserve(20_000, out _), 9690, 9900);
    }

    [Fact]
    public void Who_waits_keeps_his_turn_until_he_leaves_or_nothing_holds_him_any_more()
    {
        var pace = Busy(100);
        var (one, two) = (new Passage(), new Passage());
        Assert.Equal(0, one.Take(Meter, [pace], 1000, out var wait));
        Assert.Equal(Pace.LongestWait, wait);
        Assert.Equal(0, two.Take(Meter, [pace], 1000, out _));
        // Those before the first go, and then he.
        pace.PutBack(1000);
        one.Leave(Meter, [pace]);
        Assert.Equal(10, two.Take(Meter, [pace], 1000, out wait));
        Assert.Equal(0, wait);
        // Another limit takes the place of the one that he waits for; then there is none.
        var busy = Busy(100);
        Assert.Equal(0, two.Take(Meter, [busy], 1000, out _));
        Assert.Equal(10, two.Take(Meter, [new Pace(1_000_000, burst: 1_000_000)], 1000, out _));
        Assert.Equal(1000, new Passage().Take(Meter, [], 1000, out wait));
        Assert.Equal(0, wait);
    }

    [Fact]
    public void A_thousand_who_wait_are_woken_for_their_own_pieces_alone()
    {
        var pace = new Pace(100_000);
        var passages = new Passage[1000];
        var looks = 0;
        for (var i = 0; i < passages.Length; i++)
            passages[i].Take(Meter, [pace], 100_000, out _);
        for (var i = 0; i < passages.Length; i++)
            looks += passages[i].Take(Meter, [pace], 100_000, out var wait) == 0 && wait == Pace.LongestWait ? 0 : 1;
        // A tenth of a second each: within a quarter of a second there are three.
        Assert.InRange(looks, 0, 30);
    }
}
