using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Origin;

/// <summary>A second request beside one whose answer is later than 95 of 100 were.</summary>
public sealed class HedgeTests
{
    private static readonly byte[] s_body = HostileOrigin.Bytes(1000);

    /// <summary>Answers at once but for the path /slow, which it never answers.</summary>
    private static void NeverSlow(Heard heard, int number, HostileOrigin.Wire wire)
    {
        if (heard.Target != "/slow")
            HostileOrigin.File(s_body)(heard, number, wire);
    }

    private static async Task<Asker> Usual(HandClock clock, params HostileOrigin[] origins)
    {
        var asker = new Asker(new OriginOptions { Origins = [.. origins.Select(static o => o.Url)], Retries = 0, TotalTimeout = TimeSpan.FromSeconds(2) }, clock);
        for (var i = 0; i < OriginLatency.Enough; i++)
            await asker.Fetch("/usual");
        clock.Pass(TimeSpan.FromSeconds(2));
        return asker;
    }

    private static OriginRequest Slow(OriginKind kind = OriginKind.Media) => new("/slow", "", kind);

    [Fact]
    public async Task Another_origin_is_asked_beside_one_that_is_slow_and_the_slow_one_is_left()
    {
        var clock = new HandClock();
        using var first = new HostileOrigin(NeverSlow);
        using var second = new HostileOrigin(HostileOrigin.File(s_body));
        using var asker = await Usual(clock, first, second);
        var asking = asker.Fetch(Slow());
        await FailoverTests.Pass(clock, () => asking.IsCompleted);
        var (reply, body) = await asking;
        Assert.Equal(s_body, body);
        Assert.Same(asker.Client.Servers[1], reply.Origin);
        Assert.Equal((1L, 1L), (asker.Client.Servers[1].Stats.Hedges, asker.Client.Servers[1].Stats.HedgesWon));
        // Cancelled, and no failure of its.
        await AskingTests.Eventually(() => asker.Client.Servers[0].Pending == 0 && asker.Client.Connections.Taken == 0);
        Assert.All(asker.Client.Servers[0].Stats.Failures, static f => Assert.Equal(0, f.Count));
        await AskingTests.Eventually(() => asker.Client.Servers[0].Http1.Open == 0);
    }

    [Fact]
    public async Task With_one_origin_another_connection_is_asked()
    {
        var (clock, slow) = (new HandClock(), 0);
        using var origin = new HostileOrigin((heard, number, wire) =>
        {
            if (heard.Target != "/slow" || Interlocked.Increment(ref slow) > 1)
                HostileOrigin.File(s_body)(heard, number, wire);
        });
        using var asker = await Usual(clock, origin);
        var asking = asker.Fetch(Slow(OriginKind.Playlist));
        await FailoverTests.Pass(clock, () => asking.IsCompleted);
        Assert.Equal(s_body, (await asking).Body);
        Assert.Equal((2, 1L), (origin.Connections, asker.Client.Servers[0].Stats.HedgesWon));
    }

    [Theory]
    [InlineData("small")]
    [InlineData("head")]
    [InlineData("blocking")]
    [InlineData("unknown")]
    public async Task What_is_not_worth_it_is_not_asked_twice(string what)
    {
        var clock = new HandClock();
        using var first = new HostileOrigin(NeverSlow);
        using var second = new HostileOrigin(HostileOrigin.File(s_body));
        using var asker = what == "unknown"
            ? new Asker(new OriginOptions { Origins = [first.Url, second.Url], Retries = 0, TotalTimeout = TimeSpan.FromSeconds(2) }, clock)
            : await Usual(clock, first, second);
        first.Answer = static (_, _, _) => { };
        var asking = asker.Fault(what switch
        {
            "small" => Slow(OriginKind.Small),
            "head" => Slow() with { IsHead = true },
            "blocking" => new OriginRequest("/slow", "?_HLS_msn=1", OriginKind.Playlist),
            _ => Slow(),
        });
        await FailoverTests.Pass(clock, () => asking.IsCompleted);
        Assert.Equal(OriginFault.TimedOut, (await asking).Fault);
        Assert.Empty(second.Asked);
    }

    [Fact]
    public async Task It_is_one_in_twenty_and_no_more()
    {
        var clock = new HandClock();
        using var first = new HostileOrigin(NeverSlow);
        using var second = new HostileOrigin(HostileOrigin.File(s_body));
        // Two for the quiet and a twentieth of the twenty that went before.
        using var asker = await Usual(clock, first, second);
        for (var i = 0; i < 3; i++)
        {
            var hedged = asker.Fetch(Slow());
            await FailoverTests.Pass(clock, () => hedged.IsCompleted);
            await hedged;
        }
        var asking = asker.Fault(Slow());
        await FailoverTests.Pass(clock, () => asking.IsCompleted);
        Assert.Equal(OriginFault.TimedOut, (await asking).Fault);
        Assert.Equal((3, 1L), (second.Asked.Count, asker.Client.HedgesRefused));
    }

    [Fact]
    public async Task Who_fails_first_leaves_it_to_the_other()
    {
        var clock = new HandClock();
        using var go = new ManualResetEventSlim();
        using var first = new HostileOrigin((heard, number, wire) =>
        {
            if (heard.Target == "/slow")
                go.Wait(TimeSpan.FromSeconds(15));
            HostileOrigin.File(s_body)(heard, number, wire);
        });
        using var second = new HostileOrigin(static (_, _, wire) => wire.Reset());
        using var asker = await Usual(clock, first, second);
        var asking = asker.Fetch(Slow());
        await FailoverTests.Pass(clock, () => second.Asked.Count == 1);
        go.Set();
        var (reply, body) = await asking;
        Assert.Equal(s_body, body);
        Assert.Same(asker.Client.Servers[0], reply.Origin);
        Assert.Equal((1L, 0L), (asker.Client.Servers[1].Stats.Hedges, asker.Client.Servers[1].Stats.HedgesWon));
    }
}
