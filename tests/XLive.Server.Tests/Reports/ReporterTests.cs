using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using XLive.Server.Operations.Health;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Quotas;
using XLive.Server.Traffic.Reports;

namespace XLive.Server.Tests.Reports;

/// <summary>Reports on their way to a receiver that does what receivers do: nothing is lost, nothing changes, the order stays.</summary>
public sealed class ReporterTests : IAsyncDisposable
{
    private const string Key = "report-key-of-the-tests";
    private const int Size = 2_000_000;

    private readonly ScriptedReceiver _receiver = new();
    private readonly HandClock _clock = new();
    private TestServer? _server;

    private async Task<TestServer> Start(params string[] more)
    {
        // Links are signed for the hour that it is.
        _clock.Step(DateTimeOffset.UtcNow - _clock.GetUtcNow());
        _server = await TestServer.StartAsync(_clock, [$"--traffic.report_url={_receiver.Url}", $"--traffic.api_key={Key}", "--traffic.report_interval=1s", .. more]);
        _server.Write("a.ts", Pattern.Bytes(Size));
        return _server;
    }

    private void Watch(string uid, int expected = 200)
    {
        using var client = _server!.Connect();
        Assert.Equal(expected, client.Ask("GET", "/a.ts?" + TestServer.Grant(uid)).Status);
    }

    /// <summary>Time passes until it is so: windows of a second, and the pauses of one who is not heard. No post is left waiting for long enough to be given up.</summary>
    private void Soon(Func<bool> holds, string what) => Until.True(() =>
    {
        if (holds())
            return true;
        _clock.Pass(TimeSpan.FromSeconds(0.1));
        return false;
    }, what);

    private void Soon<T>(T wanted, Func<T> actual, string what) => Soon(() => EqualityComparer<T>.Default.Equals(actual(), wanted), $"{what}: {wanted}");

    private static long BytesOf(IEnumerable<Received> reports, string uid) => reports.DistinctBy(static r => r.Id)
        .SelectMany(static r => JsonDocument.Parse(r.Body).RootElement.GetProperty("items").EnumerateArray())
        .Where(i => i.GetProperty("uid").GetString() == uid).Sum(static i => i.GetProperty("total_bytes").GetInt64());

    private Outbox Outbox => _server!.Get<Ledger>().Outbox;

    [Fact]
    public async Task A_report_carries_its_key_its_id_and_its_signature()
    {
        await Start();
        Watch("u1");
        Soon(() => _receiver.All.Count > 0, "a report");
        var report = _receiver.All[0];
        var root = JsonDocument.Parse(report.Body).RootElement;
        Assert.Equal(Key, report.Headers["X-API-Key"]);
        Assert.Equal("application/json", report.Headers["Content-Type"]);
        Assert.Equal(root.GetProperty("report_id").GetString(), report.Id);
        Assert.Equal(Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Key), report.Body)), report.Headers["X-Signature"]);
        Assert.Equal(Size, BytesOf([report], "u1"));
        Soon(0, () => Outbox.Depth().Waiting, "reports that wait");
        Assert.Equal((1, (long)Size), (_server!.Get<Ledger>().Totals(), 0) is var (t, _) ? (t.ReportsSent, t.BytesReported) : default);
    }

    public static TheoryData<string> Failures => ["500", "429", "301", "cut", "reset", "garbage"];

    /// <summary>The receiver has applied the first, and says something else than that; the second must wait behind it.</summary>
    [Theory]
    [MemberData(nameof(Failures))]
    public async Task What_is_not_acknowledged_comes_again_byte_for_byte_and_in_order(string how)
    {
        const int Bad = 2;
        _receiver.Answer = (number, socket) =>
        {
            if (number >= Bad)
            {
                ScriptedReceiver.Say(socket, "200 OK", "");
                return;
            }
            switch (how)
            {
                case "cut": socket.Close(); break;
                case "reset": socket.Close(0); break;
                case "garbage": socket.Send("\0\u0001\u0002 no HTTP at all\r\n\r\n"u8); socket.Close(); break;
                case "301": ScriptedReceiver.Say(socket, "301 Moved", "", $"Location: {_receiver.Url}/elsewhere\r\n"); break;
                default: ScriptedReceiver.Say(socket, how + " No", "{}", "Retry-After: 1\r\n"); break;
            }
        };
        await Start();
        Watch("u1");
        Soon(() => _receiver.All.Count > 0, "a report");
        Watch("u2");
        Soon(() => _receiver.All.Count > Bad + 1 && Outbox.Depth().Waiting == 0, "both are taken");
        var all = _receiver.All;
        Assert.All(all[..(Bad + 1)], r => Assert.Equal(all[0].Body, r.Body));
        Assert.All(all[..(Bad + 1)], r => Assert.Equal(all[0].Id, r.Id));
        Assert.NotEqual(all[0].Id, all[Bad + 1].Id);
        Assert.Equal((Size, Size), (BytesOf(all, "u1"), BytesOf(all, "u2")));
        Assert.True(_server!.Get<Ledger>().Totals().ReportsFailed >= Bad);
    }

    [Theory]
    [InlineData("409 Conflict", "")]
    [InlineData("204 No Content", "")]
    [InlineData("200 OK", "<html>OK</html>")]
    [InlineData("200 OK", "{\"blocked\": 7}")]
    [InlineData("200 OK", "{\"quota\": {\"u1\": -1}}")]
    [InlineData("200 OK", "{\"blocked\": [\"\"]}")]
    public async Task The_status_alone_acknowledges_whatever_comes_behind_it(string status, string body)
    {
        _receiver.Answer = (_, socket) => ScriptedReceiver.Say(socket, status, body);
        await Start();
        Watch("u1");
        Soon(() => _server!.Get<Ledger>().Totals().ReportsSent == 1, "the acknowledgement");
        Assert.Single(_receiver.All);
        Assert.Equal(0, _server!.Get<Verdicts>().Count);
    }

    /// <summary>An answer of 100 MB, and one of a byte a second, hold nothing up for longer than their patience.</summary>
    [Fact]
    public async Task An_endless_answer_is_not_read_to_its_end()
    {
        var sent = 0;
        _receiver.Answer = (_, socket) =>
        {
            socket.Send("HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n"u8);
            var piece = new byte[65536];
            for (; sent < 1600; Volatile.Write(ref sent, sent + 1))
                socket.Send(piece);
        };
        await Start();
        Watch("u1");
        Soon(() => _server!.Get<Ledger>().Totals().ReportsSent == 1, "the acknowledgement");
        Assert.InRange(Volatile.Read(ref sent), 1, 800);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(413)]
    [InlineData(415)]
    [InlineData(422)]
    public async Task A_refused_report_is_parked_and_replayed_unchanged_and_others_pass_it(int status)
    {
        var refuses = true;
        _receiver.Answer = (_, socket) => ScriptedReceiver.Say(socket, Volatile.Read(ref refuses) ? status + " No" : "200 OK", "");
        await Start();
        Watch("u1");
        Soon(1, () => Outbox.Depth().Parked, "parked");
        Volatile.Write(ref refuses, false);
        Watch("u2");
        Soon(() => BytesOf(_receiver.All, "u2") == Size, "the next report");
        Soon(0, () => Outbox.Depth().Waiting, "its acknowledgement");
        var parked = Assert.Single(Outbox.List(10));
        Assert.Equal("answered " + status, parked.Parked);
        Soon(() => _server!.Get<HealthChecks>().Entries.First(e => e.Name == "reports").Detail.Contains("1 reports were refused", StringComparison.Ordinal), "health");
        Assert.True(Outbox.Replay(parked.Id));
        Assert.False(Outbox.Replay("none"));
        Soon(0, () => Outbox.Depth().Parked + Outbox.Depth().Waiting, "the outbox");
        Assert.Equal(_receiver.All[0].Body, _receiver.All[^1].Body);
        Assert.Equal(_receiver.All[0].Id, _receiver.All[^1].Id);
    }

    [Fact]
    public async Task A_receiver_that_is_away_is_named_by_health_and_the_key_by_no_log()
    {
        _receiver.Answer = static (_, socket) => ScriptedReceiver.Say(socket, "503 Away", Key);
        await Start();
        Watch("u1");
        Soon(() => _server!.Get<HealthChecks>().Entries.First(e => e.Name == "reports").Detail.Contains("answered 503", StringComparison.Ordinal), "health");
        foreach (var log in (string[])["xlive.log", "error.log", "audit.log", "access.log"])
            Assert.DoesNotContain(Key, _server!.Log(log));
        Assert.Contains("does not take reports", _server!.Log());
    }

    [Fact]
    public async Task A_backlog_is_drained_at_a_hundred_reports_a_second()
    {
        const int Reports = 200;
        await Start("--traffic.report_interval=1h");
        for (var i = 0; i < Reports; i++)
            Outbox.Put("backlog" + i, Encoding.UTF8.GetBytes($"{{\"report_id\": \"backlog{i}\", \"items\": []}}"), 0, 0);
        var clock = Stopwatch.StartNew();
        Outbox.Filled!();
        Until.Equal(0, () => Outbox.Depth().Waiting, "reports that wait");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(Reports / 50), $"{Reports} took {clock.Elapsed}");
        Assert.Equal(Enumerable.Range(0, Reports).Select(static i => "backlog" + i), _receiver.All.Select(static r => r.Id));
    }

    [Fact]
    public async Task The_last_window_is_cut_and_posted_when_the_server_ends()
    {
        var server = await Start("--traffic.report_interval=1h");
        Watch("u1");
        Assert.Empty(_receiver.All);
        await server.DisposeAsync();
        _server = null;
        Assert.Equal(Size, BytesOf(_receiver.All, "u1"));
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            // What nobody takes has ten seconds at the end.
            var ending = _server.DisposeAsync().AsTask();
            for (; !ending.IsCompleted; await Task.Delay(10))
                _clock.Pass(TimeSpan.FromSeconds(1));
            await ending;
        }
        _receiver.Dispose();
    }
}
