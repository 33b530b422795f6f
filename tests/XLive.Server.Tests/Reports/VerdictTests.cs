using System.Diagnostics;
using XLive.Server.Tests.Delivery;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Quotas;

namespace XLive.Server.Tests.Reports;

/// <summary>What a receiver says of users, and what they have used up: on their requests and on what runs.</summary>
public sealed class VerdictTests : IAsyncDisposable
{
    private const int Size = 2_000_000;

    private readonly ScriptedReceiver _receiver = new();
    private TestServer? _server;

    private async Task<TestServer> Start(params string[] more)
    {
        _server = await TestServer.StartAsync([$"--traffic.report_url={_receiver.Url}", "--traffic.report_interval=1s", .. more]);
        _server.Write("a.ts", Pattern.Bytes(Size));
        return _server;
    }

    private void Watch(string uid, int expected = 200)
    {
        using var client = _server!.Connect();
        Assert.Equal(expected, client.Ask("GET", "/a.ts?" + TestServer.Grant(uid)).Status);
    }

    [Fact]
    public async Task Who_is_blocked_is_cut_and_refused_until_he_is_unblocked()
    {
        var answer = "{\"blocked\": [\"bad\", \"Ünïcode\"]}";
        _receiver.Answer = (_, socket) => ScriptedReceiver.Say(socket, "200 OK", answer);
        await Start();
        _server!.Write("long.ts", Pattern.Bytes(64 << 20));
        using var running = _server.Connect(receiveBuffer: 65536);
        running.Send(RawClient.Request("GET", "/long.ts?" + TestServer.Grant("bad"))).ReadHead();
        Watch("u1");
        Until.Equal(2, () => _server.Get<Verdicts>().Count, "verdicts");
        running.ReadToEnd(out var ending);
        Assert.Equal(Ending.Reset, ending);
        Watch("bad", 403);
        Watch("Ünïcode", 403);
        answer = "{\"unblocked\": [\"bad\"]}";
        Watch("u1");
        Until.Equal(1, () => _server.Get<Verdicts>().Count, "verdicts");
        Watch("bad");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_quota_cuts_new_requests_and_running_ones(bool fromReceiver)
    {
        _receiver.Answer = (_, socket) => ScriptedReceiver.Say(socket, "200 OK", fromReceiver ? "{\"quota\": {\"u1\": 5000000, \"u2\": 1}}" : "");
        await Start(fromReceiver ? "--traffic.min_bytes=1" : "--traffic.quota=5000000");
        _server!.Write("long.ts", Pattern.Bytes(64 << 20));
        Watch("u1");
        Until.True(() => _server.Get<Ledger>().Totals().ReportsSent > 0 || !fromReceiver, "an answer");
        Watch("u1");
        using var running = _server.Connect(receiveBuffer: 65536);
        running.Send(RawClient.Request("GET", "/long.ts?" + TestServer.Grant("u1"))).ReadHead();
        Until.Equal(1, () => _server.Get<QuotaWatch>().OverCount, "users over their quota");
        var clock = Stopwatch.StartNew();
        running.ReadToEnd(out var ending);
        Assert.Equal(Ending.Reset, ending);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(2), $"cut after {clock.Elapsed}");
        using var client = _server.Connect();
        var refused = client.Ask("GET", "/a.ts?" + TestServer.Grant("u1"));
        Assert.Equal(403, refused.Status);
        Assert.Contains("quota_exceeded", refused.Text);
        Watch("other");
    }

    [Fact]
    public async Task What_was_said_of_users_holds_from_the_first_request_after_a_start()
    {
        var data = Directory.CreateTempSubdirectory("xlive-data-").FullName;
        try
        {
            _receiver.Answer = static (number, socket) => ScriptedReceiver.Say(socket, "200 OK", number == 0 ? "{\"blocked\": [\"bad\"], \"quota\": {\"u1\": 1}}" : "");
            await Start($"--data.dir={data}");
            Watch("u1");
            Until.Equal(1, () => _server!.Get<QuotaWatch>().OverCount, "users over their quota");
            await _server!.DisposeAsync();
            await Start($"--data.dir={data}");
            Watch("bad", 403);
            Watch("u1", 403);
            Watch("other");
        }
        finally
        {
            await _server!.DisposeAsync();
            _server = null;
            Directory.Delete(data, recursive: true);
        }
    }

    [Fact]
    public async Task Who_is_throttled_plays_on_at_the_rate()
    {
        await Start("--traffic.quota={bytes: 1000000, period: 1d, over: throttle, rate: 500KiB}");
        Watch("u1");
        Until.Equal(1, () => _server!.Get<QuotaWatch>().OverCount, "users over their quota");
        var clock = Stopwatch.StartNew();
        Watch("u1");
        Assert.InRange(Size / clock.Elapsed.TotalSeconds, 0, 500 * 1024 * 1.2);
    }

    [Fact]
    public async Task A_transfer_that_runs_slows_down_when_the_quota_is_used_up()
    {
        await Start("--traffic.quota={bytes: 1000000, period: 1d, over: throttle, rate: 500KiB}");
        _server!.Write("long.ts", Pattern.Bytes(64 << 20));
        using var running = _server.Connect(receiveBuffer: 65536);
        running.Send(RawClient.Request("GET", "/long.ts?" + TestServer.Grant("u1"))).ReadHead();
        using var over = new ManualResetEventSlim();
        var reading = new Thread(() =>
        {
            var piece = new byte[65536];
            while (!over.Wait(5) && running.Socket.Receive(piece) > 0)
            {
            }
        }) { IsBackground = true };
        reading.Start();
        Until.Equal(1, () => _server.Get<QuotaWatch>().OverCount, "users over their quota");
        var account = _server.Get<UserMeters>().Of("u1");
        var before = account.Bytes;
        var clock = Stopwatch.StartNew();
        Until.True(() => clock.Elapsed > TimeSpan.FromSeconds(2), "two seconds");
        var rate = (account.Bytes - before) / clock.Elapsed.TotalSeconds;
        over.Set();
        reading.Join();
        // What came before the watch looked is in none of it; half a second's worth may have been saved up.
        Assert.InRange(rate, 1, 500 * 1024 * 1.5);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _receiver.Dispose();
    }
}
