using System.Diagnostics;
using System.Security.Authentication;
using XLive.Server.Sending;
using XLive.Server.Tests.Delivery;
using XLive.Server.Traffic;

namespace XLive.Server.Tests.Tls;

public enum Way { Clear, Tls, Http2 }

/// <summary>Transfers that run: a stop ends them within two seconds, whatever their viewer does, and a rate holds.</summary>
public sealed class StopAndPaceTests(UnwatchedTlsServer shared) : IClassFixture<UnwatchedTlsServer>
{
    private const int MiB = 1024 * 1024;
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(2);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private Account AccountOf(string uid) => shared.Server.Get<UserMeters>().Of(uid);

    private RawClient Connect(Way way, int receiveBuffer = 0) =>
        way == Way.Clear ? shared.Server.Connect(receiveBuffer) : shared.Connect(SslProtocols.Tls13, receiveBuffer);

    [Theory]
    [InlineData(Way.Clear, true)]
    [InlineData(Way.Clear, false)]
    [InlineData(Way.Tls, true)]
    [InlineData(Way.Tls, false)]
    public void A_stop_ends_a_transfer_that_runs_or_stands(Way way, bool reads)
    {
        var uid = $"stopped-{way}-{reads}";
        shared.Server.Write("stop/film.ts", Pattern.Bytes(64 * MiB, 8));
        using var client = Connect(way, receiveBuffer: 65536);
        client.Send(RawClient.Request("GET", TlsServer.SignedFor(uid, "/stop/film.ts"))).ReadHead();
        client.ReadBody(100_000);
        if (!reads)
            client.SettledReceived();
        AccountOf(uid).StoppedFor = StopReason.Kicked;
        var clock = Stopwatch.StartNew();
        if (reads)
        {
            Assert.True(client.ReadToEnd(out var ending).Length < 60 * MiB);
            Assert.Equal(Ending.Reset, ending);
        }
        else
        {
            // Whoever sees it: the wait for room, or the transfer itself if the machine had not let it fill the socket yet.
            Until.Equal(0, () => shared.Server.ConnectionsOpen, "connections");
        }
        Assert.True(clock.Elapsed < AtOnce, $"after {clock.Elapsed}");
        shared.LineOf(uid);
        Until.Equal(0, () => shared.Server.ConnectionsOpen, "connections");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stop_resets_the_stream_and_the_others_go_on(bool reads)
    {
        var uid = $"stopped-h2-{reads}";
        shared.Server.Write("stop/film.ts", Pattern.Bytes(64 * MiB, 8));
        using var client = shared.Http2();
        using var response = await client.GetAsync(TlsServer.SignedFor(uid, "/stop/film.ts"), HttpCompletionOption.ResponseHeadersRead, Stop);
        await Task.Yield();
        var body = await response.Content.ReadAsStreamAsync(Stop);
        if (!reads)
            Until.True(() => AccountOf(uid).Bytes >= 65_535, "the window is full");
        var clock = Stopwatch.StartNew();
        AccountOf(uid).StoppedFor = StopReason.Quota;
        if (!reads)
            shared.LineOf(uid);
        using var got = new MemoryStream();
        await Assert.ThrowsAnyAsync<IOException>(async () => await body.CopyToAsync(got, Stop));
        Assert.True(clock.Elapsed < AtOnce, $"after {clock.Elapsed}");
        Assert.Equal(200, (await TlsServer.Ask(client, "GET", TestServer.Signed("/films/a.ts"))).Status);
        await Task.Yield();
        Assert.Equal(1, shared.Server.ConnectionsOpen);
    }

    [Theory]
    [InlineData(Way.Clear, 400_000)]
    [InlineData(Way.Clear, 8_000_000)]
    [InlineData(Way.Tls, 400_000)]
    [InlineData(Way.Tls, 8_000_000)]
    public void A_rate_holds(Way way, int rate)
    {
        var uid = $"paced-{way}-{rate}";
        shared.Server.Write("stop/long.ts", Pattern.Bytes(64 * MiB, 8));
        using var client = Connect(way);
        AccountOf(uid).Pace = new Pace(rate);
        client.Send(RawClient.Request("GET", TlsServer.SignedFor(uid, "/stop/long.ts"))).ReadHead();
        AssertRate(rate, () =>
        {
            client.ReadBody(rate / 20, static _ => { });
            return rate / 20;
        });
    }

    [Theory]
    [InlineData(400_000)]
    [InlineData(8_000_000)]
    public async Task A_rate_holds_over_the_streams_of_a_connection(int rate)
    {
        var uid = $"paced-h2-{rate}";
        shared.Server.Write("stop/long.ts", Pattern.Bytes(64 * MiB, 8));
        using var client = shared.Http2(window: 4 * MiB);
        AccountOf(uid).Pace = new Pace(rate);
        using var one = await client.GetAsync(TlsServer.SignedFor(uid, "/stop/long.ts"), HttpCompletionOption.ResponseHeadersRead, Stop);
        using var two = await client.GetAsync(TlsServer.SignedFor(uid, "/stop/long.ts"), HttpCompletionOption.ResponseHeadersRead, Stop);
        await Task.Yield();
        long read = 0;
        _ = Task.WhenAll(Drain(one), Drain(two));
        AssertRate(rate, () =>
        {
            var from = Volatile.Read(ref read);
            Until.True(() => Volatile.Read(ref read) - from >= rate / 20, "bytes", AtOnce);
            return Volatile.Read(ref read) - from;
        });
        client.CancelPendingRequests();

        async Task Drain(HttpResponseMessage response)
        {
            var buffer = new byte[65536];
            var body = await response.Content.ReadAsStreamAsync(Stop);
            try
            {
                while (await body.ReadAsync(buffer, Stop) is var n and > 0)
                    Interlocked.Add(ref read, n);
            }
            catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }

    /// <summary>Over three seconds, after the first half second.</summary>
    private static void AssertRate(int rate, Func<long> read)
    {
        for (var i = 0; i < 10; i++)
            read();
        var clock = Stopwatch.StartNew();
        long got = 0;
        while (clock.Elapsed < TimeSpan.FromSeconds(3))
            got += read();
        // It holds within a tenth on a machine of one's own.
        Assert.InRange(got / clock.Elapsed.TotalSeconds / rate, 0.5, 1.5);
    }

    [Fact]
    public void A_session_has_its_own_rate_and_its_own_stop()
    {
        shared.Server.Write("stop/long.ts", Pattern.Bytes(64 * MiB, 8));
        var meter = shared.Server.Get<UserMeters>().Open("sessions", "one");
        var other = shared.Server.Get<UserMeters>().Open("sessions", "two");
        meter.Rate = 1000;
        Assert.Equal((1000, 0), (meter.Rate, other.Rate));
        Assert.Null(other.Pace);
        meter.Stop(StopReason.Revoked);
        meter.Stop(StopReason.Kicked);
        Assert.Equal((true, StopReason.Revoked), (meter.IsStopped, meter.StoppedFor));
        Assert.False(other.IsStopped);
    }
}
