using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using XLive.Server.Limits;
using XLive.Server.Live;
using XLive.Server.Sending;
using XLive.Server.Settings;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Live;
using XLive.Server.Tests.Tls;
using XLive.Server.Traffic;

namespace XLive.Server.Tests.Limits;

/// <summary>Rates are measured by the wall clock, for the kernel sends by it. What is asserted lies within half of them.</summary>
public sealed class ByteLimitsTests : IClassFixture<UnwatchedTlsServer>
{
    private const int MiB = 1024 * 1024, Rate = 2 * MiB;
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(1);

    private readonly UnwatchedTlsServer _shared;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public ByteLimitsTests(UnwatchedTlsServer shared)
    {
        _shared = shared;
        foreach (var name in (string[])["a/film.ts", "b/film.ts"])
        {
            using var film = File.Create(shared.Server.Write(name, ""));
            film.SetLength(64 * MiB);
        }
    }

    private void Limit(string limits)
    {
        File.WriteAllText(Path.Combine(_shared.Server.Folder, "conf.yaml"), "limits:\n  bytes_per_second: " + limits + "\n");
        Assert.Empty(_shared.Server.Get<ServerSettings>().Reload());
    }

    /// <summary>A transfer that is read as fast as it comes, for as long as the test lasts.</summary>
    private sealed class Viewer : IAsyncDisposable
    {
        private readonly IDisposable _client;
        private readonly Task _reading;
        private long _read;

        public long Read => Volatile.Read(ref _read);
        public bool HasEnded => _reading.IsCompleted;

        public Viewer(ByteLimitsTests tests, Way way, string target, string uid)
        {
            var link = TlsServer.SignedFor(uid, target);
            if (way == Way.Http2)
            {
                var client = tests._shared.Http2(window: 4 * MiB);
                _client = client;
                _reading = Task.Run(() => ReadAsync(client, link));
                return;
            }
            var raw = way == Way.Clear ? tests._shared.Server.Connect() : tests._shared.Connect(SslProtocols.Tls13);
            _client = raw;
            _reading = Task.Factory.StartNew(() => ReadAll(raw, link), TaskCreationOptions.LongRunning);
        }

        private async Task ReadAsync(HttpClient client, string link)
        {
            using var response = await client.GetAsync(link, HttpCompletionOption.ResponseHeadersRead, Stop);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            var body = await response.Content.ReadAsStreamAsync(Stop);
            var buffer = new byte[65536];
            while (await body.ReadAsync(buffer, Stop) is var n and > 0)
                Interlocked.Add(ref _read, n);
        }

        private void ReadAll(RawClient client, string link)
        {
            Assert.Equal(200, client.Send(RawClient.Request("GET", link)).ReadHead().Status);
            while (true)
                client.ReadBody(16 * 1024, piece => Interlocked.Add(ref _read, piece.Length));
        }

        public async ValueTask DisposeAsync()
        {
            // A TLS stream that is read waits for its reader when it is disposed.
            if (_client is RawClient raw)
                raw.Socket.Shutdown(SocketShutdown.Both);
            _client.Dispose();
            await _reading.ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>Bytes a second that came to all of them, after what a rest had saved up.</summary>
    private static double RateOf(params IReadOnlyList<Viewer> viewers) => ReadIn(viewers, out var seconds).Sum() / seconds;

    private static List<long> ReadIn(IReadOnlyList<Viewer> viewers, out double seconds)
    {
        Until.True(() => viewers.All(static v => v.Read > 0), "all have begun");
        Thread.Sleep(TimeSpan.FromSeconds(0.5));
        var (before, clock) = (viewers.Select(static v => v.Read).ToList(), Stopwatch.StartNew());
        Thread.Sleep(Measured);
        var read = viewers.Select((v, i) => v.Read - before[i]).ToList();
        seconds = clock.Elapsed.TotalSeconds;
        Assert.All(viewers, static v => Assert.False(v.HasEnded, "nobody is cut"));
        return read;
    }

    [Theory]
    [InlineData("ip", false, false, 1)]
    [InlineData("ip", true, true, 1)]
    [InlineData("uid", false, true, 1)]
    [InlineData("uid", true, false, 2)]
    [InlineData("stream", true, false, 1)]
    [InlineData("stream", false, true, 2)]
    [InlineData("all", true, true, 1)]
    public async Task One_rate_for_all_who_are_meant(string by, bool othersUid, bool othersFilm, int rates)
    {
        Limit($"{{count: {Rate}, by: {by}}}");
        await using var one = new Viewer(this, Way.Clear, "/a/film.ts", "u1");
        await using var two = new Viewer(this, Way.Clear, othersFilm ? "/b/film.ts" : "/a/film.ts", othersUid ? "u2" : "u1");
        Assert.InRange(RateOf(one, two) / Rate / rates, 0.5, 1.5);
    }

    [Fact]
    public async Task However_it_is_sent()
    {
        Limit($"{{count: {Rate}, by: uid}}");
        await using var clear = new Viewer(this, Way.Clear, "/a/film.ts", "u1");
        await using var tls = new Viewer(this, Way.Tls, "/a/film.ts", "u1");
        await using var http2 = new Viewer(this, Way.Http2, "/a/film.ts", "u1");
        Assert.InRange(RateOf(clear, tls, http2) / Rate, 0.5, 1.5);
    }

    [Fact]
    public async Task The_tightest_holds_and_each_of_many_has_his_turn()
    {
        Limit($"[{{count: {64 * MiB}, by: ip}}, {{count: {240 * MiB}, window: 1m, by: all}}]");
        var viewers = Enumerable.Range(0, 40).Select(i => new Viewer(this, Way.Clear, "/a/film.ts", "u" + i)).ToList();
        var read = ReadIn(viewers, out var seconds);
        Assert.InRange(read.Sum() / seconds / (4 * MiB), 0.5, 1.5);
        Assert.True(read.Min() > read.Average() / 2 && read.Max() < read.Average() * 2, $"each {string.Join(", ", read)}");
        foreach (var viewer in viewers)
            await viewer.DisposeAsync();
    }

    [Fact]
    public async Task A_burst_goes_at_once_and_the_rest_as_the_rate_says()
    {
        Limit($"{{count: {MiB}, burst: {8 * MiB}, by: uid}}");
        var clock = Stopwatch.StartNew();
        await using var viewer = new Viewer(this, Way.Clear, "/a/film.ts", "u1");
        Until.True(() => viewer.Read >= 8 * MiB, "the burst");
        // At its rate alone it would take eight seconds.
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(4), $"{clock.Elapsed}");
        Assert.InRange(RateOf(viewer) / MiB, 0.5, 1.5);
    }

    [Fact]
    public async Task A_transfer_that_runs_follows_a_change()
    {
        Limit($"{{count: {MiB}, by: uid}}");
        await using var viewer = new Viewer(this, Way.Clear, "/a/film.ts", "u1");
        Assert.InRange(RateOf(viewer) / MiB, 0.5, 1.5);
        Limit($"{{count: {6 * MiB}, by: uid}}");
        Assert.InRange(RateOf(viewer) / (6 * MiB), 0.5, 1.5);
        // 2 KiB a second would be half a minute for what is left of a piece of the old rate.
        Limit("{count: 2KiB, by: uid}");
        Assert.True(RateOf(viewer) < 100_000);
        Limit("[]");
        Assert.True(RateOf(viewer) > 6 * MiB || viewer.Read == 64 * MiB);
    }

    [Fact]
    public async Task A_live_viewer_is_slowed_down_and_not_cut()
    {
        Limit("{count: 8KiB, by: stream}");
        using var broadcast = new Broadcast(_shared.Server, new StreamName("live", "cam"));
        using var viewer = new FlvReader(_shared.Server);
        Until.True(() => viewer.Read > 0, "he watches");
        Thread.Sleep(1000);
        var (before, clock) = (viewer.Read, Stopwatch.StartNew());
        Thread.Sleep(Measured);
        Assert.InRange((viewer.Read - before) / clock.Elapsed.TotalSeconds / 8192, 0.4, 1.6);
        // Thirty thousand bytes a second come in.
        Assert.True(broadcast.Turn.Received > 4 * viewer.Read / 2, $"{broadcast.Turn.Received} came, {viewer.Read} went");
        Assert.False(viewer.HasEnded);
    }

    private sealed class FlvReader : IDisposable
    {
        private readonly RawClient _client;
        private readonly Task _reading;
        private long _read;

        public FlvReader(TestServer server)
        {
            _client = server.Connect(receiveBuffer: 4096);
            Assert.Equal(200, _client.Send(RawClient.Request("GET", TestServer.Signed("/live/cam.flv"))).ReadHead().Status);
            _reading = Task.Factory.StartNew(() =>
            {
                while (true)
                    _client.ReadBody(1, piece => Interlocked.Add(ref _read, piece.Length));
            }, TaskCreationOptions.LongRunning);
        }

        public long Read => Volatile.Read(ref _read);
        public bool HasEnded => _reading.IsCompleted;

        public void Dispose()
        {
            _client.Dispose();
            _reading.ContinueWith(static _ => { }, TaskScheduler.Default).GetAwaiter().GetResult();
        }
    }

    [Fact]
    public void More_addresses_than_places_and_whoever_lost_his_finds_the_one_that_counts()
    {
        Limit($"{{count: {Rate}, by: ip}}");
        var limits = _shared.Server.Get<ByteLimits>();
        var first = limits.Of(IPAddress.Loopback, "", "/a/film.ts");
        var mine = Assert.Single(first.Current);
        // He waits: of those at rest he is none.
        while (mine.WaitFor(LastOf(mine)) == 0)
            mine.Reserve(Rate, out _);
        for (var i = 0; i < ByteLimits.MostKeys + 10; i++)
            _ = limits.Of(new IPAddress(0x01000000L + i), "", "/a/film.ts").Current;
        Assert.True(limits.Keys <= ByteLimits.MostKeys);
        Assert.Equal(mine.IsOut, !ReferenceEquals(mine, Assert.Single(first.Current)));
        Assert.Same(Assert.Single(first.Current), Assert.Single(limits.Of(IPAddress.Loopback, "other", "/b").Current));
    }

    private static double LastOf(Pace pace)
    {
        pace.Reserve(1, out var place);
        return place;
    }
}
