using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using XLive.Server.Playback.FrontCache;
using XLive.Server.Sessions;
using XLive.Server.Telemetry;
using XLive.Server.Tests.Traffic;
using XLive.Server.Traffic;

namespace XLive.Server.Tests.FrontCache;

/// <summary>A proxy's byte log on its way into the ledger: each line once, whatever happens to the file, to the server, and in the lines.</summary>
public sealed class ByteLogTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly LedgerHouse _house = new();
    private readonly SessionTickets _tickets = new("a service's key"u8);
    private ByteLogs _logs;
    private SessionTable _sessions;
    private int _id;

    public ByteLogTests() => (_sessions, _logs) = Start();

    public void Dispose()
    {
        _logs.Dispose();
        _house.Dispose();
    }

    private string Log => Path.Combine(_house.Folder, "bytes.log");

    private (SessionTable, ByteLogs) Start()
    {
        _sessions = new SessionTable(new SessionGrants("a service's key"u8), _house.Meters, () => new SessionOptions(), _house.Clock);
        return (_sessions, _logs = new ByteLogs(_house.Ledger, _sessions, _tickets, [Log], new Supervisor(_house.Clock), NullLogger<ByteLogs>.Instance));
    }

    private void KillAndStart()
    {
        _house.KillAndStart();
        Start();
    }

    private string Line(string uid, long bytes, int status = 200, string method = "GET", string path = "/live/cam/L/v1.m4s", string? ticket = null) => string.Create(CultureInfo.InvariantCulture,
        $"{_house.Clock.Unix}.123 {status} {method} {bytes} 192.0.2.7 {_id++:x32} {ticket ?? _tickets.Make(new SessionId(1, 2), uid)} {path}\n");

    private void Write(string text) => File.AppendAllText(Log, text);

    private long Reported(string uid)
    {
        _house.PassAWindow();
        return _house.Receive().BytesByUid().GetValueOrDefault(uid);
    }

    [Fact]
    public void Bytes_are_reported_like_those_that_were_sent_here()
    {
        _house.Watch("u1", MiB);
        Write(Line("u1", 2 * MiB) + Line("u1", 1000, path: "/live/cam/L/video.m3u8?_HLS_msn=7") + Line("u2", 3 * MiB, 206));
        _logs.Look();
        _house.PassAWindow();
        var items = _house.Receive().SelectMany(r => r.GetProperty("items").EnumerateArray()).ToDictionary(i => i.GetProperty("uid").GetString()!);
        Assert.Equal(3 * MiB + 1000, items["u1"].GetProperty("total_bytes").GetInt64());
        Assert.Equal(3, items["u1"].GetProperty("request_count").GetInt64());
        Assert.Equal((2 * MiB, 1000), (items["u1"].GetProperty("file_types").GetProperty("m4s").GetInt64(), items["u1"].GetProperty("file_types").GetProperty("m3u8").GetInt64()));
        Assert.Equal(3 * MiB, items["u2"].GetProperty("total_bytes").GetInt64());
        Assert.Contains("192.0.2.7", items["u2"].GetProperty("unique_ips").ToString(), StringComparison.Ordinal);
        Assert.Contains(new SessionId(1, 2).ToString(), items["u2"].GetProperty("unique_sessions").ToString(), StringComparison.Ordinal);
        // And the books agree, also when an hour has passed and the user takes more here.
        _house.Watch("u2", MiB);
        _house.Pass(TimeSpan.FromMinutes(61));
        Assert.Equal(0, _house.Ledger.Difference);
        Assert.Equal(MiB, _house.Receive().BytesByUid()["u2"]);
    }

    [Fact]
    public void Little_by_little_from_both_sides_while_the_account_stays_open()
    {
        var meter = _house.Watch("u1", 0);
        // Past two hours' ends, at which all that waits is in the row, and in the memory of it.
        for (var i = 0; i < 250; i++)
        {
            meter.Charge(FileKind.Ts, 100);
            if (i % 10 == 0)
                Write(Line("u1", 1000));
            _logs.Look();
            _house.Pass(TimeSpan.FromSeconds(30));
        }
        _house.Pass(TimeSpan.FromMinutes(61));
        Assert.Equal((50_000, 0), (_house.Ledger.Db.First("SELECT waiting_bytes FROM users", static row => row.Int64(0)), _house.Ledger.Difference));
    }

    [Fact]
    public void Half_a_line_waits_for_the_rest_and_half_a_first_line_too()
    {
        var (first, second) = (Line("u1", 2 * MiB), Line("u1", 4 * MiB));
        Write(first[..20]);
        _logs.Look();
        Write(first[20..] + second[..^10]);
        _logs.Look();
        Assert.Equal((1, 0), (_logs.Lines(LineKind.Counted), _logs.Lines(LineKind.Malformed)));
        Write(second[^10..]);
        _logs.Look();
        Assert.Equal((2, 0), (_logs.Lines(LineKind.Counted), _logs.Unread));
        Assert.Equal(6 * MiB, Reported("u1"));
    }

    [Fact]
    public void A_kill_between_any_two_lines_counts_each_once()
    {
        long written = 0, reported = 0;
        for (var i = 1; i <= 20; i++)
        {
            Write(Line("u1", i * MiB) + Line("u1", i)[..7]);
            written += i * MiB;
            _logs.Look();
            KillAndStart();
            _logs.Look();
            _logs.Look();
            // The half line is the next one's beginning, and so neither's.
            Write("\n");
            reported += Reported("u1");
        }
        _logs.Look();
        Assert.Equal(written, reported + Reported("u1"));
        _house.Pass(TimeSpan.FromMinutes(61));
        Assert.Equal(0, _house.Ledger.Difference);
    }

    [Fact]
    public void A_ledger_that_cannot_be_written_takes_nothing_and_all_of_it_later()
    {
        Write(Line("u1", 2 * MiB));
        _house.Ledger.Db.Execute("CREATE TEMP TRIGGER no_room BEFORE INSERT ON main.proxy_logs BEGIN SELECT RAISE(ABORT, 'full'); END");
        _logs.Look();
        _logs.Look();
        Assert.Contains("full", _logs.Fault, StringComparison.Ordinal);
        Assert.Equal(0, _logs.Bytes);
        _house.Ledger.Db.Execute("DROP TRIGGER no_room");
        _logs.Look();
        Assert.Null(_logs.Fault);
        Assert.Equal(2 * MiB, Reported("u1"));
    }

    [Fact]
    public void A_log_that_is_not_there_is_told_until_it_is()
    {
        _logs.Look();
        Assert.Equal(Log + " is not there", _logs.Fault);
        Write(Line("u1", 2 * MiB));
        _logs.Look();
        Assert.Null(_logs.Fault);
        Assert.Equal(2 * MiB, Reported("u1"));
    }

    [Fact]
    public void Rotated_renamed_copied_and_truncated_while_nobody_read_it_is_read_once()
    {
        Write(Line("u1", 2 * MiB));
        _logs.Look();
        // Renamed; nginx goes on writing to the old file until it is told.
        File.Move(Log, Log + ".1");
        File.AppendAllText(Log + ".1", Line("u1", 4 * MiB));
        Write(Line("u1", 8 * MiB));
        _logs.Look();
        File.AppendAllText(Log + ".1", Line("u1", 16 * MiB));
        _house.Kill();
        // Twice more while the server is away, and once by copytruncate.
        File.Move(Log + ".1", Log + ".2");
        File.Move(Log, Log + ".1");
        Write(Line("u1", 32 * MiB));
        File.Copy(Log, Log + "-copy");
        File.WriteAllText(Log, Line("u1", 64 * MiB));
        _house.Start();
        Start();
        _logs.Look();
        KillAndStart();
        _logs.Look();
        Assert.Equal(126 * MiB, Reported("u1"));
    }

    [Fact]
    public void A_file_that_takes_the_inode_and_the_name_of_another_is_another()
    {
        Write(Line("u1", 2 * MiB) + Line("u1", 2 * MiB));
        _logs.Look();
        File.WriteAllText(Log, Line("u1", 4 * MiB));
        _logs.Look();
        File.AppendAllText(Log, Line("u1", 8 * MiB));
        _logs.Look();
        Assert.Equal(16 * MiB, Reported("u1"));
    }

    [Fact]
    public void What_lines_are_counted()
    {
        Write(Line("u1", 2 * MiB));
        Write(Line("u1", MiB, 404) + Line("u1", MiB, 499) + Line("u1", MiB, 200, "HEAD") + Line("u1", MiB, ticket: "-") + Line("u1", 0, 304));
        _logs.Look();
        Assert.Equal((2, 4, 0, 0), (_logs.Lines(LineKind.Counted), _logs.Lines(LineKind.Nobody), _logs.Lines(LineKind.Foreign), _logs.Lines(LineKind.Malformed)));
        Assert.Equal(2 * MiB, Reported("u1"));
    }

    [Fact]
    public void Nobody_is_charged_on_a_word_that_is_not_this_service_s()
    {
        var good = Line("u1", 2 * MiB);
        var ticket = good.Split(' ')[6];
        var forged = new SessionTickets("another service's key"u8).Make(new SessionId(1, 2), "u1");
        Write(good + Line("u1", MiB, ticket: forged) + Line("u1", MiB, ticket: ticket[..^1] + (ticket[^1] == 'A' ? 'Q' : 'A')) + Line("u1", MiB, ticket: "x") + Line("u1", MiB, ticket: ".")
            + Line("u1", MiB, ticket: new string('A', 3000)) + Line("u1", MiB, ticket: new string('A', 16) + ticket[16..]));
        _logs.Look();
        Assert.Equal((1, 6), (_logs.Lines(LineKind.Counted), _logs.Lines(LineKind.Foreign)));
        Assert.Equal(2 * MiB, Reported("u1"));
    }

    [Fact]
    public void Hostile_lines_are_told_and_passed_over()
    {
        var good = Line("u1", 2 * MiB);
        var fields = good.TrimEnd().Split(' ');
        string With(int field, string value) => string.Join(' ', fields.Select((f, i) => i == field ? value : f)) + "\n";
        string[] hostile =
        [
            "\n", " \n", "\0\0\0\n", new string(' ', 7) + "\n", new string(' ', 8) + "\n", good[..^10] + good, With(3, "-1"), With(3, "+1"), With(3, "1e3"), With(3, "9223372036854775807"),
            With(3, (ByteLogLine.MostBytes + 1).ToString(CultureInfo.InvariantCulture)), With(3, "99999999999999999999999999"), With(3, ""), With(1, "99"), With(1, "600"), With(1, "-200"),
            With(0, "-1.000"), With(0, ".5"), With(0, "1"), With(0, "now"), With(2, ""), With(7, ""), With(6, ""), With(7, "/a b"), With(7, "/\u00fc"), With(7, "/\x1b[2J"), good.TrimEnd() + "\r\n",
            With(7, new string('a', 300 << 10)), new string('x', 700 << 10) + "\n",
        ];
        Write(good + string.Concat(hostile) + Line("u1", 4 * MiB));
        for (var i = 0; i < 3; i++)
            _logs.Look();
        Assert.Equal((2, 0), (_logs.Lines(LineKind.Counted), _logs.Lines(LineKind.Foreign) + _logs.Lines(LineKind.Nobody)));
        // A line longer than a chunk counts as some.
        Assert.InRange(_logs.Lines(LineKind.Malformed), hostile.Length, hostile.Length + 8);
        Assert.Equal(6 * MiB, Reported("u1"));
    }

    [Fact]
    public void Random_bytes_and_broken_lines_leave_the_good_ones_whole()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        long expected = 2 * MiB;
        Write(Line("u1", expected));
        for (var round = 0; round < 300; round++)
        {
            var bytes = Encoding.ASCII.GetBytes(Line("u1", 12345).TrimEnd());
            for (var n = random.Next(1, 4); n > 0; n--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(128, 256);
            File.AppendAllBytes(Log, [.. bytes[..random.Next(1, bytes.Length + 1)].Where(b => b != '\n'), 0xFF, (byte)'\n']);
            var good = random.Next(1, 1 << 20);
            Write(Line("u1", good));
            expected += good;
            if (random.Next(10) == 0)
                _logs.Look();
            if (random.Next(40) == 0)
                KillAndStart();
        }
        _logs.Look();
        Assert.True(expected == Reported("u1"), $"seed {seed}");
    }

    [Fact]
    public void A_backlog_comes_in_many_looks_and_whole()
    {
        var text = new StringBuilder();
        for (var i = 0; i < 30_000; i++)
            text.Append(Line("u" + i % 100, 100_000));
        Write(text.ToString());
        for (var i = 0; i < 10 && (i == 0 || _logs.Unread > 0); i++)
            _logs.Look();
        Assert.Equal(0, _logs.Unread);
        _house.PassAWindow();
        var reported = _house.Receive().BytesByUid();
        Assert.All(Enumerable.Range(0, 100), i => Assert.Equal(300 * 100_000L, reported["u" + i]));
    }

    [Fact]
    public void A_session_that_plays_shows_its_bytes_and_they_are_no_sign_of_life()
    {
        var who = new Newcomer("u1", "", System.Net.IPAddress.Loopback, ClientKind.Player, "player/1", default, _house.Clock.GetTimestamp());
        var session = _sessions.Open(who).Session!;
        _house.Clock.Pass(TimeSpan.FromSeconds(30));
        var seen = session.LastSeen;
        Write(Line("u1", 2 * MiB, ticket: session.Ticket(_tickets)));
        _logs.Look();
        _sessions.Sweep(_ => { });
        Assert.Equal((2 * MiB, seen), (session.Bytes, session.LastSeen));
    }
}
