using XLive.Server.Sending;

namespace XLive.Server.Tests.Delivery;

/// <summary>What the repetitions of several connections say of the path they share. The shares are those that were measured on such links.</summary>
public sealed class SharedPathTests
{
    // At 100 ms, and at 300.
    private const double Near = 14_480, Far = 4_827;

    private readonly SharedPath _path = new();

    /// <summary>One look, with so many bytes a second delivered, and of each hundred segments so many sent again.</summary>
    private uint Look(int busy, double bytesPerSecond, double again, int idle = 0, double perRoundTrip = Far, bool mayChange = true)
    {
        var segments = bytesPerSecond * SharedPath.Window / 1448 / (1 - again / 100);
        _path.Add(default, new PathCounts((uint)segments, (uint)(segments * again / 100), (long)(bytesPerSecond * SharedPath.Window), perRoundTrip), isBusy: true);
        var nothing = new PathCounts(0, 0, 0, perRoundTrip);
        for (var i = 1; i < busy + idle; i++)
            _path.Add(nothing, nothing, isBusy: i < busy);
        _path.Judge(SharedPath.Window, mayChange);
        return _path.Pace;
    }

    private void Crowd(int busy = 100)
    {
        Look(busy, 118_000, 90);
        Look(busy, 118_000, 90);
        Assert.True(_path.IsPaced);
    }

    [Theory]
    [InlineData(500, 1_200_000, 30)]
    [InlineData(3, 118_000, 47)]  // so few have room for a window each
    [InlineData(100, 900, 90)]    // a trickle says nothing
    public void Without_a_crowd_there_is_no_rate(int busy, int bytesPerSecond, int again)
    {
        for (var look = 0; look < 200; look++)
            Assert.Equal(SharedPath.Unpaced, Look(busy, bytesPerSecond, again));
    }

    [Fact]
    public void The_search_for_the_rate_is_no_crowd()
    {
        Look(10, 118_000, 75);
        for (var look = 0; look < 20; look++)
            Assert.Equal(SharedPath.Unpaced, Look(10, 118_000, 8));
    }

    [Fact]
    public void A_crowd_shares_half_more_than_what_arrives()
    {
        Crowd();
        Assert.Equal(118_000 * 1.5 / 100, Look(100, 118_000, 25), 5.0);
        Assert.Equal(118_000 * 1.5 / 50, Look(50, 118_000, 25, idle: 50), 5.0);
    }

    [Fact]
    public void A_link_that_grows_is_followed_and_one_that_shrinks_too()
    {
        Crowd();
        double link = 1_200_000, rate = 118_000;
        for (var look = 0; look < 8; look++)
            rate = Math.Min(link, Look(100, rate, 20) * 100.0);
        Assert.InRange(rate, 0.9 * link, link);
        // So much less is first taken for harm that the rate does, and found to be a crowd again after the pause.
        for (var look = 0; look < 30; look++)
            Look(100, 118_000, 60);
        Assert.Equal(118_000 * 1.5 / 100, _path.Pace, 5.0);
    }

    [Fact]
    public void When_the_others_have_gone_each_goes_as_it_likes()
    {
        Crowd();
        Assert.Equal(SharedPath.Unpaced, Look(3, 118_000, 20, idle: 97));
    }

    [Fact]
    public void A_path_without_loss_for_a_while_is_free()
    {
        Crowd();
        for (var look = 0; look < 3; look++)
            Assert.NotEqual(SharedPath.Unpaced, Look(100, 118_000, 5));
        Assert.Equal(SharedPath.Unpaced, Look(100, 118_000, 5));
    }

    [Fact]
    public void A_rate_that_costs_more_than_it_brings_is_left_for_longer_each_time()
    {
        List<int> paced = [];
        for (var look = 0; look < 120; look++)
        {
            // A link that loses 45 % whatever it is sent: what is held back is missing.
            Look(10, _path.IsPaced ? 60_000 : 118_000, 45, mayChange: false);
            if (_path.IsPaced)
                paced.Add(look);
        }
        Assert.Equal([1, 2, 23, 24, 65, 66], paced);
    }

    /// <summary>Looks until they know whether cubic would fill the link, whose own loss is so much; null: they do not listen.</summary>
    private bool? ForCubic(int busy, double link, double loss, double perRoundTrip)
    {
        for (var look = 0; look < 20; look++)
        {
            var held = _path.Pace != SharedPath.Unpaced;
            Look(busy, held ? link * 0.9 : link, held ? loss : 17 + loss, perRoundTrip: perRoundTrip);
            if (_path.IsForCubic)
                return true;
            if (held && _path.Pace == SharedPath.Unpaced)
                return false;
        }
        return null;
    }

    [Theory]
    [InlineData(10, 1_200_000, 1, 14_480, true)]    // 100 ms, 10 Mbit/s
    [InlineData(10, 118_000, 4, 2_896, true)]       // 500 ms, 1 Mbit/s
    [InlineData(10, 1_200_000, 1.5, 9_653, false)]  // 150 ms
    [InlineData(10, 1_200_000, 2, 7_240, false)]    // 200 ms
    [InlineData(500, 1_200_000, 1, 14_480, null)]   // a crowd: no window is as small as their shares
    [InlineData(3, 1_200_000, 1, 14_480, null)]
    public void A_few_have_cubic_where_it_fills_the_link(int busy, double link, double loss, double perRoundTrip, bool? expected) =>
        Assert.Equal(expected, ForCubic(busy, link, loss, perRoundTrip));

    [Fact]
    public void When_so_many_are_gone_that_cubic_would_not_fill_it_the_others_have_BBR()
    {
        Assert.True(ForCubic(10, 1_200_000, 1, Near));
        for (var look = 0; look < 10; look++)
            Look(10, 1_200_000, 1.4, perRoundTrip: Near);
        Assert.True(_path.IsForCubic);
        Look(5, 1_200_000, 1.4, perRoundTrip: Near);
        Look(5, 1_200_000, 1.4, perRoundTrip: Near);
        Assert.False(_path.IsForCubic);
        Assert.True(ForCubic(10, 1_200_000, 1, Near) is null, "not again before a minute has passed");
    }

    [Fact]
    public void Where_the_kernel_does_not_let_them_change_they_keep_BBR()
    {
        for (var look = 0; look < 50; look++)
            Assert.Equal(SharedPath.Unpaced, Look(10, 1_200_000, 17, perRoundTrip: Near, mayChange: false));
        Assert.False(_path.IsForCubic);
    }
}
