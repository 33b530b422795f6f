using System.Diagnostics;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Origin;

/// <summary>Several origins, and what is done when one of them fails before its first byte.</summary>
public sealed class FailoverTests
{
    private static readonly byte[] s_body = HostileOrigin.Bytes(1000);

    private static void Reset(Heard heard, int number, HostileOrigin.Wire wire) => wire.Reset();

    private static Action<Heard, int, HostileOrigin.Wire> Say(string status) => (_, _, wire) => wire.Say($"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");

    [Fact]
    public async Task The_first_is_asked_while_it_is_well_and_again_when_it_is()
    {
        var (port, clock) = (FreePort.Next(), new HandClock());
        using var second = new HostileOrigin(HostileOrigin.File(s_body));
        using var asker = new Asker(new OriginOptions { Origins = [$"http://127.0.0.1:{port}", second.Url] }, clock);
        var first = new HostileOrigin(HostileOrigin.File(s_body), port: port);
        await asker.Fetch("/a.ts");
        Assert.Empty(second.Asked);
        first.Dispose();
        // Each finds the other at once, without a pause; after five it is asked no more.
        for (var i = 0; i < 10; i++)
            Assert.Equal(s_body, (await asker.Fetch("/a.ts")).Body);
        var (down, up) = (asker.Client.Servers[0], asker.Client.Servers[1]);
        Assert.Equal((BreakerState.Open, BreakerState.Closed), (down.Breaker.State, up.Breaker.State));
        Assert.Equal((10, 5L), (second.Asked.Count, up.Stats.Retries));
        Assert.InRange(down.Stats.Requests, 6, 7);
        using var back = new HostileOrigin(HostileOrigin.File(s_body), port: port);
        await Pass(clock, () => down.Breaker.State == BreakerState.Closed);
        // The probe asked for a byte of what it had been asked for before.
        Assert.Equal(("/a.ts", "bytes=0-0"), (back.Asked[0].Target, back.Asked[0]["Range"]));
        await asker.Fetch("/b.ts");
        Assert.Equal("/b.ts", back.Asked[^1].Target);
    }

    [Fact]
    public async Task Where_all_are_down_requests_end_at_once_and_one_tries_when_it_may()
    {
        var clock = new HandClock();
        using var origin = new HostileOrigin(Reset);
        using var asker = new Asker(new OriginOptions { Origins = [origin.Url], Retries = 0 }, clock);
        for (var i = 0; i < Breaker.LeastAnswers; i++)
            Assert.Equal(OriginFault.BrokenOff, (await asker.Fault()).Fault);
        var asked = origin.Asked.Count;
        var busy = await asker.Fault();
        Assert.Equal((OriginFault.Busy, asked), (busy.Fault, origin.Asked.Count));
        Assert.Contains($"127.0.0.1:{origin.Port}", busy.Message, StringComparison.Ordinal);
        // Its probe hangs; one viewer may try beside it.
        origin.Answer = static (heard, _, wire) =>
        {
            if (heard["Range"] is null)
                wire.Say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
        };
        await Pass(clock, () => asker.Client.Servers[0].Breaker.State == BreakerState.HalfOpen);
        Assert.Equal(200, (await asker.Fetch("/a.ts")).Reply.Status);
        Assert.Equal(BreakerState.Closed, asker.Client.Servers[0].Breaker.State);
    }

    [Fact]
    public async Task One_that_stays_down_is_probed_every_two_seconds_and_no_more()
    {
        var clock = new HandClock();
        using var origin = new HostileOrigin(Reset);
        using var asker = new Asker(new OriginOptions { Origins = [origin.Url], Retries = 0 }, clock);
        for (var i = 0; i < Breaker.LeastAnswers; i++)
            await asker.Fault();
        for (var probes = 1; probes <= 3; probes++)
        {
            var before = clock.Steady;
            await Pass(clock, () => origin.Asked.Count == Breaker.LeastAnswers + probes && asker.Client.Servers[0].Breaker.State == BreakerState.Open);
            Assert.True(clock.Steady - before >= Breaker.Pause - TimeSpan.FromMilliseconds(500), $"a probe after {clock.Steady - before}");
        }
    }

    [Theory]
    [InlineData("502 Bad Gateway", 502)]
    [InlineData("503 Service Unavailable", 503)]
    [InlineData("504 Gateway Timeout", 504)]
    public async Task An_outage_by_status_is_given_back_when_all_say_so(string status, int code)
    {
        using var first = new HostileOrigin(Say(status));
        using var second = new HostileOrigin(HostileOrigin.File(s_body));
        using var asker = new Asker(first, second);
        Assert.Equal(s_body, (await asker.Fetch("/a.ts")).Body);
        second.Answer = Say(status);
        Assert.Equal(code, (await asker.Fetch("/a.ts")).Reply.Status);
        Assert.Equal((2, 2), (first.Asked.Count, second.Asked.Count));
        Assert.Equal(2, asker.Client.Servers[0].Stats.Failures.Single(static f => f.Kind == "status_5xx").Count);
    }

    [Theory]
    [InlineData(404)]
    [InlineData(403)]
    [InlineData(500)]
    [InlineData(416)]
    public async Task Another_status_is_the_answer(int status)
    {
        using var first = new HostileOrigin(Say($"{status} No"));
        using var second = new HostileOrigin(HostileOrigin.File(s_body));
        using var asker = new Asker(first, second);
        Assert.Equal(status, (await asker.Fetch("/a.ts")).Reply.Status);
        Assert.Empty(second.Asked);
    }

    [Fact]
    public async Task Another_origin_may_still_have_the_version_wanted()
    {
        using var first = new HostileOrigin(HostileOrigin.File(s_body, "\"v2\""));
        using var second = new HostileOrigin(HostileOrigin.File(s_body));
        using var asker = new Asker(first, second);
        var (reply, part) = await asker.Fetch(new OriginRequest("/a.ts", "", OriginKind.Media) { First = 1, IfMatchTag = "\"v1\"" });
        Assert.Equal((206, "\"v1\""), (reply.Status, reply.StrongTag));
        Assert.Equal(s_body[1..], part);
    }

    [Fact]
    public async Task The_same_origin_is_asked_again_after_a_pause()
    {
        using var origin = new HostileOrigin((heard, number, wire) =>
        {
            if (number < 2)
                wire.Reset();
            else
                HostileOrigin.File(s_body)(heard, number, wire);
        });
        using var asker = new Asker(origin);
        var watch = Stopwatch.StartNew();
        Assert.Equal(s_body, (await asker.Fetch("/a.ts")).Body);
        Assert.True(watch.Elapsed > TimeSpan.FromMilliseconds(100), $"{watch.Elapsed}: no pause");
        Assert.Equal((3, 2L), (origin.Asked.Count, asker.Client.Servers[0].Stats.Retries));
    }

    [Fact]
    public async Task Retries_are_as_many_as_set_and_a_share_of_all_requests()
    {
        var clock = new HandClock();
        using var first = new HostileOrigin(Say("503 No"));
        using var second = new HostileOrigin(HostileOrigin.File(s_body));
        using var asker = new Asker(new OriginOptions { Origins = [first.Url, second.Url] }, clock);
        var refused = 0;
        // Ten for the quiet, and one in five: the breaker opens before, so it is another request that finds it half open.
        for (var i = 0; i < 19; i++)
        {
            if ((await asker.Fetch("/a.ts")).Reply.Status == 503)
                refused++;
        }
        Assert.Equal((6, 6L), (refused, asker.Client.RetriesRefused));
        Assert.Equal(13, second.Asked.Count);
    }

    [Fact]
    public async Task One_that_hangs_leaves_time_for_another()
    {
        using var first = new HostileOrigin(static (_, _, _) => { });
        using var second = new HostileOrigin(HostileOrigin.File(s_body));
        var clock = new HandClock();
        using var asker = new Asker(new OriginOptions { Origins = [first.Url, second.Url] }, clock);
        var asking = asker.Fetch("/a.ts");
        await AskingTests.Eventually(() => first.Asked.Count == 1);
        clock.Pass(TimeSpan.FromSeconds(20));
        Assert.Equal(s_body, (await asking).Body);
        Assert.Equal(1, asker.Client.Servers[0].Stats.Failures.Single(static f => f.Kind == "timed_out").Count);
    }

    [Fact]
    public async Task The_one_with_the_fewest_open_is_asked()
    {
        using var gate = new ManualResetEventSlim();
        void Held(Heard heard, int number, HostileOrigin.Wire wire)
        {
            gate.Wait(TimeSpan.FromSeconds(15));
            wire.Say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
        }
        using var first = new HostileOrigin(Held);
        using var second = new HostileOrigin(Held);
        using var third = new HostileOrigin(Held);
        using var asker = new Asker(new OriginOptions { Origins = [first.Url, second.Url, third.Url], Balance = OriginBalance.LeastPending });
        var all = new List<Task>();
        for (var i = 1; i <= 9; i++)
        {
            all.Add(asker.Fetch("/a.ts"));
            await AskingTests.Eventually(() => asker.Client.Servers.Sum(static s => s.Pending) == i);
        }
        Assert.All(asker.Client.Servers, static s => Assert.Equal(3, s.Pending));
        gate.Set();
        await Task.WhenAll(all);
    }

    /// <summary>Moves the clock by a tenth of a second at a time, as long as it takes; what the clock wakes runs on other threads.</summary>
    internal static async Task Pass(HandClock clock, Func<bool> holds, Func<string>? soFar = null)
    {
        for (var until = DateTime.UtcNow.AddSeconds(30); !holds(); await Task.Delay(5, TestContext.Current.CancellationToken))
        {
            Assert.True(DateTime.UtcNow < until, $"it has not come to be{soFar?.Invoke()}");
            clock.Pass(TimeSpan.FromMilliseconds(100));
        }
    }
}
