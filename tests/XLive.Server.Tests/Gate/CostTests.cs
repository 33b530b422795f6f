using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Access;
using XLive.Server.Door;

namespace XLive.Server.Tests.Gate;

/// <summary>What the gate costs a request that it has seen the like of.</summary>
public sealed class CostTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_grant_that_is_known_costs_a_look_and_no_memory()
    {
        await using var server = await GateServer.StartAsync();
        var gate = server.Services.GetRequiredService<PlaybackGate>();
        const string Cmcd = "&CMCD=bl%3D21300%2Cbr%3D3200%2Ccid%3D%22faec5fc2-ac30-11ea-bb37-0242ac130002%22%2Cd%3D4004%2Cot%3Dv%2Csf%3Dh%2Ctb%3D6000";
        var session = await server.SessionPath(server.Link(Films.Master));
        // The first round is the compiler's, which beside other tests comes late to it.
        foreach (var counts in (bool[])[false, true])
        {
            Measure(counts, "query", server.Link(Films.Segment));
            Measure(counts, "query with CMCD", server.Link(Films.Segment) + Cmcd);
            Measure(counts, "query with scope", server.Link(Films.Segment, scope: "/v/film/"));
            Measure(counts, "path", server.PathLink(Films.Segment));
            Measure(counts, "session", session + Films.Segment);
        }

        void Measure(bool counts, string form, string target)
        {
            var http = new DefaultHttpContext();
            http.Request.Method = "GET";
            http.Request.Headers.UserAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
            http.Connection.RemoteIpAddress = System.Net.IPAddress.Loopback;
            var exchange = new Exchange(http.Features);
            const int Rounds = 20_000;
            var best = double.MaxValue;
            // The least: the rules are compiled anew once a second as long as the folder of keys is fresh, and are then new to all.
            var bytes = long.MaxValue;
            // Code that is not yet compiled for speed boxes what it compares, and the compiler is one thread beside all that runs here.
            var patience = Stopwatch.StartNew();
            for (var i = 0; i < 12 || counts && bytes != 0 && patience.Elapsed < TimeSpan.FromSeconds(10); i++)
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                var start = Stopwatch.GetTimestamp();
                for (var n = 0; n < Rounds; n++)
                {
                    exchange.Begin(0, 1);
                    var isPath = RequestTarget.TryParse(target, out var parsed, out _);
                    exchange.Target = parsed;
                    if (!isPath || !gate.Admit(exchange).Granted)
                        throw new InvalidOperationException(form);
                }
                best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalNanoseconds / Rounds);
                bytes = Math.Min(bytes, GC.GetAllocatedBytesForCurrentThread() - before);
            }
            output.WriteLine($"{form}: {best:F0} ns, {bytes} bytes in {Rounds}");
            if (!counts)
                return;
            Assert.Equal(0, bytes);
            Assert.True(best < 20_000, $"{form}: {best} ns");
        }
    }
}
