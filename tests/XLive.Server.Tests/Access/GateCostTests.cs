using System.Diagnostics;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Sessions;
using XLive.Server.Traffic;

namespace XLive.Server.Tests.Access;

/// <summary>A request that was let in before costs look-ups and no memory; what it costs in time is measured by `./bench gate`.</summary>
public sealed class GateCostTests
{
    private const string Secret = "gate-cost-secret-0123456789abcdef";
    private const int Users = 500;

    [Fact]
    public void A_known_link_allocates_nothing() => AssertFree((link, _) => link);

    [Fact]
    public void A_session_path_allocates_nothing() => AssertFree((_, inside) => inside);

    private static void AssertFree(Func<string, string, string> which)
    {
        var clock = TimeProvider.System;
        var meters = new UserMeters();
        var sessions = new SessionTable(new SessionGrants(new byte[32]), meters, static () => new SessionOptions { MaxPerUser = 2 }, clock);
        var gate = new PlaybackGate(sessions, meters, clock) { Rules = new AccessRules(new AccessOptions { Secret = Secret }, [], ["live"]) };
        var expires = clock.GetUtcNow().ToUnixTimeSeconds() + 3600;
        var requests = Enumerable.Range(0, Users).Select(i =>
        {
            var exchange = MakeExchange(i);
            var path = $"/films/film-{i}/segment-{i}.ts";
            var link = SignedUrl.Sign(path, $"user-{i}", expires, Encoding.UTF8.GetBytes(Secret));
            var entry = Ask(gate, clock, exchange, link);
            Assert.True(entry.Granted, entry.Reason);
            var inside = "/" + gate.GrantChildren(exchange, entry, $"/films/film-{i}/").Segment + path;
            return (Exchange: exchange, Target: which(link, inside));
        }).ToArray();

        long least = long.MaxValue;
        for (var patience = Stopwatch.StartNew(); patience.Elapsed < TimeSpan.FromSeconds(15) && least != 0;)
        {
            // The runtime compiles for speed in the background, and only once the tests beside this one let it.
            Thread.Sleep(10);
            var before = GC.GetAllocatedBytesForCurrentThread();
            var granted = 0;
            foreach (var (exchange, target) in requests)
            {
                var admission = Ask(gate, clock, exchange, target);
                if (!admission.Granted)
                    continue;
                granted++;
                admission.Meter.CountRequest(FileKind.Ts, exchange.Remote);
                admission.Meter.Charge(FileKind.Ts, 188);
            }
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.Equal(Users, granted);
        }
        Assert.Equal(0, least);
        Assert.Equal(Users, sessions.Counts.AllOpened);
    }

    private static Admission Ask(PlaybackGate gate, TimeProvider clock, Exchange exchange, string target)
    {
        exchange.Begin(clock.GetTimestamp(), 1);
        Assert.True(RequestTarget.TryParse(target, out var parsed, out _));
        exchange.Target = parsed;
        return gate.Admit(exchange);
    }

    private static Exchange MakeExchange(int i)
    {
        var request = new HttpRequestFeature { Method = "GET", Protocol = "HTTP/1.1" };
        request.Headers.UserAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36";
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(request);
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(Stream.Null));
        features.Set<IHttpConnectionFeature>(new HttpConnectionFeature { RemoteIpAddress = new IPAddress([198, 18, (byte)(i >> 8), (byte)i]) });
        return new Exchange(features);
    }
}
