using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Sessions;
using XLive.Server.Tests.Gate;

namespace XLive.Server.Tests.Sessions;

/// <summary>How many devices a user may have, counted exactly, and for no longer than a lease after their last byte.</summary>
public sealed class DeviceLimitTests
{
    private static string Limit(int most, string onLimit = "reject", string lease = "60s") =>
        $"sessions:\n  max_per_user: {most}\n  on_limit: {onLimit}\n  lease: {lease}\n";

    private static string From(int device) => $"User-Agent: Device/{device}";

    [Fact]
    public async Task Devices_behind_one_address_are_counted_apart_and_a_reload_is_the_same_one()
    {
        await using var server = await GateServer.StartAsync(rest: Limit(2));
        var link = server.Link(Films.Master);
        Assert.Equal("200", await server.Verdict(link, From(1)));
        Assert.Equal("200", await server.Verdict(link, From(2)));
        Assert.Equal("403 device_limit", await server.Verdict(link, From(3)));
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal("200", await server.Verdict(link, From(1)));
            Assert.Equal("200", await server.Verdict(link, From(2)));
        }
        Assert.Equal("403 device_limit", await server.Verdict(link, From(3)));
        // Another user has his own.
        Assert.Equal("200", await server.Verdict(server.Link(Films.Master, "u2"), From(3)));
        var counts = server.Services.GetRequiredService<SessionTable>().Counts;
        Assert.Equal((3, 2, 6), (counts.AllOpened, counts.AllRefusedDevices, counts.AllReused));
        // The refusal goes before existence.
        Assert.Equal("403 device_limit", await server.Verdict(server.Link("/v/film/none.ts"), From(3)));
        Assert.Equal("404 no such file", await server.Verdict(server.Link("/v/film/none.ts", "u3"), From(3)));
    }

    [Fact]
    public async Task A_silent_device_counts_for_a_lease_and_no_longer()
    {
        await using var server = await GateServer.StartAsync(rest: Limit(1));
        var link = server.Link(Films.Master);
        var first = await server.SessionPath(link, From(1));
        server.Clock.Pass(TimeSpan.FromSeconds(59));
        Assert.Equal("403 device_limit", await server.Verdict(link, From(2)));
        // A refused one does not count as played.
        server.Clock.Pass(TimeSpan.FromSeconds(1));
        var second = await server.SessionPath(link, From(2));
        // The first comes back with its next segment, and there is no room.
        Assert.Equal("403 device_limit", await server.Verdict(first + Films.Segment, From(1)));
        Assert.Equal("200", await server.Verdict(second + Films.Segment, From(2)));
        server.Clock.Pass(TimeSpan.FromSeconds(60));
        Assert.Equal("200", await server.Verdict(first + Films.Segment, From(1)));
        Assert.Equal("403 device_limit", await server.Verdict(second + Films.Segment, From(2)));
    }

    [Fact]
    public async Task The_same_device_that_comes_again_after_half_a_minute_takes_its_own_place()
    {
        await using var server = await GateServer.StartAsync(rest: Limit(1));
        var link = server.Link(Films.Master);
        var first = await server.SessionPath(link, From(1));
        server.Clock.Pass(TimeSpan.FromSeconds(31));
        var second = await server.SessionPath(link, From(1));
        Assert.NotEqual(first, second);
        // What is left of the first is one device too many.
        Assert.Equal("403 device_limit", await server.Verdict(first + Films.Segment, From(1)));
        Assert.Equal("200", await server.Verdict(second + Films.Segment, From(1)));
    }

    [Fact]
    public async Task Replace_ends_the_one_that_was_silent_longest()
    {
        await using var server = await GateServer.StartAsync(rest: Limit(2, "replace"));
        var link = server.Link(Films.Master);
        var one = await server.SessionPath(link, From(1));
        server.Clock.Pass(TimeSpan.FromSeconds(1));
        var two = await server.SessionPath(link, From(2));
        server.Clock.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal("200", await server.Verdict(one + Films.Segment, From(1)));
        var three = await server.SessionPath(link, From(3));
        Assert.Equal("403 device_limit", await server.Verdict(two + Films.Segment, From(2)));
        Assert.Equal("200", await server.Verdict(one + Films.Segment, From(1)));
        Assert.Equal("200", await server.Verdict(three + Films.Segment, From(3)));
        Assert.Equal(1, server.Services.GetRequiredService<SessionTable>().Counts.AllReplaced);
        // Its player may not take the place back, even when there is one: who opens the link again may.
        server.Clock.Pass(TimeSpan.FromMinutes(5));
        Assert.Equal("403 device_limit", await server.Verdict(two + Films.Segment, From(2)));
        var again = await server.SessionPath(link, From(2));
        Assert.NotEqual(two, again);
        Assert.Equal("200", await server.Verdict(again + Films.Segment, From(2)));
    }

    [Theory]
    [InlineData("reject")]
    [InlineData("replace")]
    public async Task A_thousand_entries_at_once_give_exactly_as_many_devices_as_allowed(string onLimit)
    {
        await using var server = await GateServer.StartAsync(rest: Limit(3, onLimit));
        var link = server.Link(Films.Master);
        var paths = new string?[1000];
        await Parallel.ForAsync(0, paths.Length, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) =>
        {
            try
            {
                var reply = await server.Get(link, From(i));
                if (reply.Status == 200)
                    paths[i] = GateServer.SessionPathOf(reply);
                else
                    Assert.Equal("403 device_limit", GateServer.VerdictOf(reply));
            }
            catch (Exception e) when (onLimit == "replace" && e is System.Net.Sockets.SocketException or Xunit.Sdk.XunitException)
            {
                // Replaced while its answer was on its way: the answer ends there.
            }
        });
        var opened = paths.Count(p => p is not null);
        // One who replaces may be replaced before he has his answer.
        Assert.InRange(opened, 3, onLimit == "reject" ? 3 : 1000);
        var plays = 0;
        for (var i = 0; i < paths.Length; i++)
        {
            if (paths[i] is { } path && await server.Verdict(path + Films.Segment, From(i)) == "200")
                plays++;
        }
        Assert.Equal(3, plays);
    }

    [Fact]
    public async Task A_hundred_requests_of_one_device_at_once_are_one()
    {
        await using var server = await GateServer.StartAsync(rest: Limit(1));
        var link = server.Link(Films.Master);
        await Parallel.ForAsync(0, 100, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (_, _) =>
            Assert.Equal("200", await server.Verdict(link, From(1))));
        var table = server.Services.GetRequiredService<SessionTable>();
        Assert.Equal(1, table.Counts.AllOpened);
        // Two that both have found none: who comes second has the first one's.
        var who = new Newcomer("u9", "", System.Net.IPAddress.Loopback, ClientKind.Player, "Device/9", EntryKey.Of("a link", default, "Device/9"), server.Clock.GetTimestamp());
        Assert.Same(table.Open(who).Session, table.Open(who).Session);
    }

    [Fact]
    public async Task A_restart_locks_nobody_out()
    {
        var folder = Directory.CreateTempSubdirectory("xlive-gate-").FullName;
        var clock = new Telemetry.StoppedClock();
        try
        {
            string session;
            await using (var before = await GateServer.StartAsync(rest: Limit(1), folder: folder, clock: clock))
                session = await before.SessionPath(before.Link(Films.Master), From(1));
            await using var after = await GateServer.StartAsync(rest: Limit(1), folder: folder, clock: clock);
            var link = after.Link(Films.Master);
            // The device is still counted, is known by its link, and its player plays on.
            Assert.Equal("403 device_limit", await after.Verdict(link, From(2)));
            Assert.Equal("200", await after.Verdict(session + Films.Segment, From(1)));
            var again = await after.SessionPath(link, From(1));
            Assert.Equal("200", await after.Verdict(again + Films.Segment, From(1)));
            var table = after.Services.GetRequiredService<SessionTable>();
            Assert.Equal((0, 1), (table.Counts.AllOpened, table.Count));
            clock.Pass(TimeSpan.FromSeconds(60));
            Assert.Equal("200", await after.Verdict(link, From(2)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task The_limit_holds_as_soon_as_it_is_set_and_no_longer_than_it_is()
    {
        await using var server = await GateServer.StartAsync();
        var link = server.Link(Films.Master);
        var one = await server.SessionPath(link, From(1));
        var two = await server.SessionPath(link, From(2));
        server.Reload(rest: Limit(1));
        var table = server.Services.GetRequiredService<SessionTable>();
        table.Sweep(_ => { });
        Assert.Equal("200", await server.Verdict(two + Films.Segment, From(2)));
        Assert.Equal("403 device_limit", await server.Verdict(one + Films.Segment, From(1)));
        server.Reload();
        table.Sweep(_ => { });
        Assert.Equal("200", await server.Verdict(one + Films.Segment, From(1)));
    }
}
