using System.Diagnostics;
using XLive.EndToEnd.Harness;
using XLive.Server.Tests;
using XLive.Server.Tests.Reports;

namespace XLive.EndToEnd;

/// <summary>The receiver of reports is out, and viewers do not notice. ./bench outage measures it with a bar of 5 %.</summary>
[Collection(Undisturbed.Name)]
public sealed class ReportOutageTests : IDisposable
{
    private const int Viewers = 8;
    private const int Size = 64 << 10;

    private readonly TempFolder _films = new();

    public ReportOutageTests() => File.WriteAllBytes(_films["segment.ts"], new byte[Size]);

    public void Dispose() => _films.Dispose();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Playback_is_as_fast_while_nobody_takes_reports()
    {
        using var up = new ScriptedReceiver();
        using var fails = new ScriptedReceiver { Answer = static (_, socket) => ScriptedReceiver.Say(socket, "500 Internal Server Error", "") };
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        using var hangs = new ScriptedReceiver { Answer = (_, _) => over.Token.WaitHandle.WaitOne() };
        string[] receivers = [up.Url, $"http://127.0.0.1:{FreePort.Next()}/", hangs.Url, fails.Url];
        List<ServerProcess> servers = [];
        try
        {
            foreach (var url in receivers)
                servers.Add(await ServerProcess.Start(_films.Path, $"--traffic.report_url={url}", "--traffic.report_interval=1s", "--traffic.min_bytes=1"));
            foreach (var server in servers)
                await Load(server, 1000); // warm
            var times = new double[servers.Count];
            Array.Fill(times, double.MaxValue);
            // One after the other, so that all are of the same minute; what others do on the machine only ever adds.
            for (var round = 0; round < 4; round++)
            {
                for (var i = 0; i < servers.Count; i++)
                    times[i] = Math.Min(times[i], await Load(servers[i], 1000));
            }
            var told = string.Join(", ", times.Select(static t => $"{t:0.00}"));
            TestContext.Current.TestOutputHelper?.WriteLine($"P99 in ms with a receiver that is up, refuses, hangs, fails: {told}");
            // Asked are 5 %: a P99 of a millisecond doubles by itself where others use the machine too, hence the floor.
            Assert.All(times[1..], t => Assert.True(t <= Math.Max(2 * times[0], 20), told));
            // The receivers were what they should have been; the second try comes when its pause is over.
            for (var clock = System.Diagnostics.Stopwatch.StartNew(); up.All.Count == 0 || hangs.All.Count == 0 || fails.All.Count < 2; await Task.Delay(20, Stop))
                Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"posts: up {up.All.Count}, hangs {hangs.All.Count}, fails {fails.All.Count}");
        }
        finally
        {
            await over.CancelAsync();
            foreach (var server in servers)
            {
                // At the end it would try for 10 s to be rid of its last report.
                server.Process.Kill();
                await server.DisposeAsync();
            }
        }
    }

    /// <summary>Each viewer is a user, and asks for one segment after the other; the P99 in milliseconds.</summary>
    private static async Task<double> Load(ServerProcess server, int requests)
    {
        var times = new double[requests];
        await Task.WhenAll(Enumerable.Range(0, Viewers).Select(viewer => Task.Run(async () =>
        {
            var link = ServerProcess.Sign("/segment.ts", $"viewer-{viewer}", "/segment.ts").InQuery;
            for (var i = viewer; i < requests; i += Viewers)
            {
                var began = Stopwatch.GetTimestamp();
                Assert.Equal(Size, (await server.Http.GetByteArrayAsync(link, Stop)).Length);
                times[i] = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            }
        }, Stop)));
        Array.Sort(times);
        return times[requests * 99 / 100];
    }
}
