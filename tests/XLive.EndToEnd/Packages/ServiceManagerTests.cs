using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd.Packages;

/// <summary>What the unit's Type=notify, WatchdogSec= and ExecReload= count on.</summary>
public sealed class ServiceManagerTests
{
    const int SigHup = 1;

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory, InlineData(false), InlineData(true)]
    public async Task It_is_told_of_each_turn_of_a_servers_life(bool isAbstract)
    {
        using var folder = new TempFolder();
        await File.WriteAllBytesAsync(folder["film.ts"], new byte[1000], Stop);
        using var manager = new NotifySocket(isAbstract ? $"@xlive-test-{Guid.NewGuid():N}" : folder["notify"]);
        var port = FreePort.Next();
        var starting = ServerProcess.Start(folder.Path, folder, [$"--server.port={port}"], new(Environment: new()
        {
            ["NOTIFY_SOCKET"] = manager.Address, ["WATCHDOG_USEC"] = "3000000",
        }));

        var told = await manager.Next(Stop);
        Assert.Equal("READY=1", told[0]);
        Assert.StartsWith("STATUS=XLive ", told[1], StringComparison.Ordinal);
        using (var viewer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        {
            await viewer.ConnectAsync(IPAddress.Loopback, port, Stop);
        }
        await using var server = await starting;
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        async Task<HttpStatusCode> Film() => (await http.GetAsync(ServerProcess.Sign("/film.ts", scope: "/film.ts").InQuery, Stop)).StatusCode;
        for (var pats = 0; pats < 2; pats++)
        {
            Assert.Equal(["WATCHDOG=1"], await manager.Any(Stop));
        }

        Assert.Equal(HttpStatusCode.OK, await Film());
        await File.WriteAllTextAsync(folder["conf.yaml"], "access:\n  deny: [127.0.0.0/8]\n", Stop);
        var before = Monotonic;
        Tool.Signal(server.Process, SigHup);
        told = await manager.Next(Stop);
        Assert.Equal("RELOADING=1", told[0]);
        Assert.InRange(long.Parse(Assert.Single(told, line => line.StartsWith("MONOTONIC_USEC=", StringComparison.Ordinal))["MONOTONIC_USEC=".Length..],
            CultureInfo.InvariantCulture), before, Monotonic);
        Assert.Equal("READY=1", (await manager.Next(Stop))[0]);

        // A file that is wrong is refused as it is without a signal, and the server is as ready as before.
        await File.WriteAllTextAsync(folder["conf.yaml"], "access:\n  denied: 1\n", Stop);
        Tool.Signal(server.Process, SigHup);
        Assert.Equal("RELOADING=1", (await manager.Next(Stop))[0]);
        Assert.Equal("READY=1", (await manager.Next(Stop))[0]);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health/live", Stop)).StatusCode);

        var ended = server.Stop();
        told = await manager.Next(Stop);
        Assert.Equal("STOPPING=1", told[0]);
        // The drain's 30 s, and 10 for the last report.
        Assert.Contains("EXTEND_TIMEOUT_USEC=40000000", told);
        Assert.Equal(0, await ended);
    }

    /// <summary>The settings are followed by themselves too, within a second; what the signal brings is there when READY=1 is.</summary>
    [Fact]
    public async Task A_reload_is_over_when_it_says_so()
    {
        using var folder = new TempFolder();
        using var manager = new NotifySocket(folder["notify"]);
        await File.WriteAllBytesAsync(folder["film.ts"], new byte[1000], Stop);
        await File.WriteAllTextAsync(folder["conf.yaml"], "", Stop);
        await using var server = await ServerProcess.Start(folder.Path, folder, [], new(Environment: new() { ["NOTIFY_SOCKET"] = manager.Address }));
        Assert.Equal("READY=1", (await manager.Next(Stop))[0]);
        for (var i = 0; i < 10; i++)
        {
            var refused = i % 2 == 0;
            await File.WriteAllTextAsync(folder["conf.yaml"], refused ? "access:\n  deny: [127.0.0.0/8]\n" : "access:\n  deny: []\n", Stop);
            Tool.Signal(server.Process, SigHup);
            Assert.Equal("RELOADING=1", (await manager.Next(Stop))[0]);
            Assert.Equal("READY=1", (await manager.Next(Stop))[0]);
            var answer = await server.Http.GetAsync(ServerProcess.Sign("/film.ts", $"viewer{i}", "/film.ts").InQuery, Stop);
            Assert.Equal(refused ? HttpStatusCode.Forbidden : HttpStatusCode.OK, answer.StatusCode);
        }
        Assert.Equal(0, await server.Stop());
    }

    /// <summary>A path at which nobody listens, one that is too long, and what is no path: it starts and serves all the same.</summary>
    [Theory, InlineData("/nonexistent/notify"), InlineData("LONG"), InlineData("vsock:2:1234"), InlineData("notify")]
    public async Task Without_anybody_to_tell_it_runs(string address)
    {
        using var folder = new TempFolder();
        await using var server = await ServerProcess.Start(folder.Path, folder, [], new(Environment: new()
        {
            ["NOTIFY_SOCKET"] = address == "LONG" ? "/" + new string('x', 200) : address,
        }));
        Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync("/health/live", Stop)).StatusCode);
        Assert.Equal(0, await server.Stop());
    }

    static long Monotonic => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);
}
