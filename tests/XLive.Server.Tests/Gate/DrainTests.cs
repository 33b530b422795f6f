using System.Diagnostics;

namespace XLive.Server.Tests.Gate;

/// <summary>How a server goes: at once when nobody is being sent anything, in peace while somebody is, and at once when asked twice.</summary>
[Collection(ProgramTests.Name)]
public sealed class DrainTests
{
    private const int Large = 64 << 20;
    private const string Open = "--access.enable=false";

    [Fact]
    public async Task A_download_in_flight_ends_whole_while_health_says_503()
    {
        using var folder = new ProgramFolder();
        await using var server = await XliveProgram.ServeAsync(folder.Path, Open);
        using var kept = await Reply.Connect(server.Port);
        await kept.SendAsync(Reply.Request("GET", "/health/ready"));
        Assert.Equal(200, (await Reply.Next(kept)).Status);
        using var viewer = await Reply.Connect(server.Port);
        await viewer.SendAsync(Reply.Request("GET", "/v/film/large.ts", "Connection: close"));
        var buffer = new byte[64 << 10];
        long taken = await viewer.ReceiveAsync(buffer);

        server.Signal(XliveProgram.SigTerm);
        Reply health;
        do
        {
            await kept.SendAsync(Reply.Request("GET", "/health/ready"));
            health = await Reply.Next(kept);
        }
        while (health.Status == 200); // the signal is on its way; a server that never heard it would run into the test's limit
        Assert.Equal(503, health.Status);
        Assert.Contains("\"draining\":true", health.Text, StringComparison.Ordinal);
        Assert.False(server.HasEnded);
        // A balancer that asks anew hears it too, and a viewer who is not told yet is served.
        Assert.Equal(503, (await server.Get("/health/ready")).Status);
        Assert.Equal(503, (await server.Get("/health/ready")).Status);
        Assert.Equal(200, (await server.Get(Films.Segment)).Status);

        while (await viewer.ReceiveAsync(buffer) is > 0 and var n)
            taken += n;
        Assert.InRange(taken, Large + 1, Large + 4096);
        Assert.Equal(0, await server.ExitAsync(TimeSpan.FromSeconds(15)));
    }

    [Fact]
    public async Task With_nothing_in_flight_it_is_gone_at_once()
    {
        using var folder = new ProgramFolder();
        await using var server = await XliveProgram.ServeAsync(folder.Path, Open);
        using var idle = await Reply.Connect(server.Port);
        await idle.SendAsync(Reply.Request("GET", Films.Segment));
        Assert.Equal(200, (await Reply.Next(idle)).Status);
        var clock = Stopwatch.StartNew();
        server.Signal(XliveProgram.SigTerm);
        Assert.Equal(0, await server.ExitAsync(TimeSpan.FromSeconds(20)));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"{clock.Elapsed}");
        Assert.Equal("", server.Errors());
        // The last lines are written.
        Assert.Contains(Films.Segment, folder.Read("logs/access.log"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_the_drain_timeout_a_transfer_is_cut()
    {
        using var folder = new ProgramFolder();
        await using var server = await XliveProgram.ServeAsync(folder.Path, Open, "--server.drain_timeout=2s");
        using var viewer = await Reply.Connect(server.Port);
        viewer.ReceiveBufferSize = 4096;
        await viewer.SendAsync(Reply.Request("GET", "/v/film/large.ts"));
        var buffer = new byte[4096];
        await viewer.ReceiveAsync(buffer);
        var clock = Stopwatch.StartNew();
        server.Signal(XliveProgram.SigTerm);
        Assert.Equal(0, await server.ExitAsync(TimeSpan.FromSeconds(30)));
        Assert.InRange(clock.Elapsed.TotalSeconds, 1.8, 12);
        Assert.Contains("/v/film/large.ts\" 499 ", folder.Read("logs/access.log"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_signal_ends_it_at_once()
    {
        using var folder = new ProgramFolder();
        await using var server = await XliveProgram.ServeAsync(folder.Path, Open);
        using var viewer = await Reply.Connect(server.Port);
        await viewer.SendAsync(Reply.Request("GET", "/v/film/large.ts"));
        await viewer.ReceiveAsync(new byte[4096]);
        using var kept = await Reply.Connect(server.Port);
        server.Signal(XliveProgram.SigTerm);
        do
            await kept.SendAsync(Reply.Request("GET", "/health/ready"));
        while ((await Reply.Next(kept)).Status == 200);
        var clock = Stopwatch.StartNew();
        server.Signal(XliveProgram.SigTerm);
        Assert.NotEqual(0, await server.ExitAsync(TimeSpan.FromSeconds(20)));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(1), $"{clock.Elapsed}");
    }
}
