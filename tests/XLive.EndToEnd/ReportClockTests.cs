using System.Diagnostics;
using System.Text.Json;
using XLive.EndToEnd.Harness;
using XLive.Server.Tests.Reports;

namespace XLive.EndToEnd;

/// <summary>The wall clock is set in the middle of windows while a viewer plays: reports come when they are due, and hold all that he got.</summary>
[Collection(Undisturbed.Name)]
public sealed class ReportClockTests : IDisposable
{
    private const int Interval = 2;

    private readonly TempFolder _films = new();

    public void Dispose() => _films.Dispose();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Windows_of_reports_stay_where_they_were()
    {
        File.WriteAllBytes(_films["a.ts"], new byte[10_000]);
        var clock = Stopwatch.StartNew();
        List<double> came = [];
        using var receiver = new ScriptedReceiver();
        receiver.Answer = (_, socket) =>
        {
            lock (came)
                came.Add(clock.Elapsed.TotalSeconds);
            ScriptedReceiver.Say(socket, "200 OK", "");
        };
        using var wall = await ShiftedClock.Make();
        await using var server = await ServerProcess.Start(_films.Path, null,
            [$"--traffic.report_url={receiver.Url}", $"--traffic.report_interval={Interval}s", "--traffic.min_bytes=1"], wall.Around);
        // Long enough for each of the clocks below.
        var link = new SignedLink("/a.ts", "viewer", DateTimeOffset.UtcNow.AddDays(2).ToUnixTimeSeconds(), ServerProcess.Secret, Scope: "/a.ts").InQuery;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var viewer = Play(server, link, over.Token);
        await Came(1);
        foreach (var shift in (TimeSpan[])[TimeSpan.FromHours(1), TimeSpan.FromHours(-1), TimeSpan.FromDays(-1), TimeSpan.Zero])
        {
            int reports;
            lock (came)
                reports = came.Count;
            await Task.Delay(TimeSpan.FromSeconds(Interval / 2.0), Stop);
            wall.Set(shift);
            await Came(reports + 1);
        }
        await Came(6);
        double[] due = [.. came];
        await over.CancelAsync();
        var got = await viewer;
        Assert.Equal(0, await server.Stop());

        TestContext.Current.TestOutputHelper?.WriteLine("s between reports: " + string.Join(", ", due.Zip(due[1..], static (a, b) => $"{b - a:0.00}")));
        Assert.All(due.Index(), d => Assert.InRange(d.Item - due[0], d.Index * Interval - 2, d.Index * Interval + 2));
        JsonElement[] reported = [.. receiver.All.Select(static r => JsonDocument.Parse(r.Body).RootElement)];
        Assert.Equal(got, reported.SelectMany(static r => r.GetProperty("items").EnumerateArray()).Sum(static i => i.GetProperty("total_bytes").GetInt64()));
        long end = 0;
        foreach (var report in reported)
        {
            Assert.InRange(report.GetProperty("from").GetInt64(), end, long.MaxValue);
            end = report.GetProperty("to").GetInt64();
            Assert.InRange(end, report.GetProperty("from").GetInt64() + 1, long.MaxValue);
            var item = report.GetProperty("items")[0];
            Assert.InRange(item.GetProperty("start_time").GetInt64(), 1, item.GetProperty("last_activity").GetInt64());
        }

        async Task Came(int reports)
        {
            for (var wait = Stopwatch.StartNew(); ; await Task.Delay(10, Stop))
            {
                lock (came)
                {
                    if (came.Count >= reports)
                        return;
                }
                Assert.True(wait.Elapsed.TotalSeconds < Interval + 2, $"no report for {wait.Elapsed.TotalSeconds:0.0} s");
            }
        }
    }

    /// <summary>A segment now and then, so that no window is without one. Says what came.</summary>
    private static async Task<long> Play(ServerProcess server, string link, CancellationToken over)
    {
        long got = 0;
        while (!over.IsCancellationRequested)
        {
            got += (await server.Http.GetByteArrayAsync(link, Stop)).Length;
            await Task.Delay(50, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        return got;
    }
}
