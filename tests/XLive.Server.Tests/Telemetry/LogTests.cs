using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using XLive.Server.Telemetry;

namespace XLive.Server.Tests.Telemetry;

public sealed class LogTests : IDisposable
{
    private const string Evil = "a\r\n2025-03-01T12:00:00.000Z 6.6.6.6 \"GET /forged\" 200\u001b[2J\u0085\u2028\u202e\"\\\u0000\ud800é";

    private readonly LogFolder _logs = new();

    public void Dispose() => _logs.Dispose();

    [Theory]
    [InlineData(LogFormat.Text)]
    [InlineData(LogFormat.Json)]
    public void Nobody_outside_can_forge_a_line(LogFormat format)
    {
        _logs.Options.Format = format;
        new AccessLog(_logs.Files).Write(new AccessEntry
        {
            Method = Evil, Path = Evil, Query = Evil, Uid = Evil, Sid = Evil, RequestId = Evil, UserAgent = Evil, Referer = Evil, Status = 500,
        });
        using AuditLog audit = new(_logs.Files);
        audit.Event(Evil, Evil, null);
        audit.Refused("expired", Evil, null, Evil);
        using FileLoggerProvider provider = new(_logs.Files);
        provider.CreateLogger("Test." + Evil).LogError(new InvalidOperationException(Evil), "{Evil}", Evil);

        Assert.Single(_logs.Lines("access.log"));
        Assert.Equal(2, _logs.Lines("audit.log").Length);
        Assert.Single(_logs.Lines("xlive.log"));
        Assert.Equal(2, _logs.Lines("error.log").Length);
        string all = string.Concat(Directory.GetFiles(_logs.Dir).Select(File.ReadAllText)) + _logs.ConsoleText();
        Assert.DoesNotContain(all, c => char.IsControl(c) && c != '\n');
        Assert.DoesNotContain('\u202e', all);
        Assert.DoesNotContain('\u2028', all);
        Assert.Contains('é', all);
        if (format == LogFormat.Json)
        {
            foreach (string line in _logs.Lines("access.log").Concat(_logs.Lines("audit.log")).Concat(_logs.Lines("error.log")))
            {
                JsonDocument.Parse(line).Dispose();
            }
            using JsonDocument entry = JsonDocument.Parse(_logs.Lines("access.log")[0]);
            Assert.Equal(Evil.Replace('\ud800', '\ufffd'), entry.RootElement.GetProperty("uid").GetString());
        }
    }

    [Theory]
    [InlineData("/video/a.ts", "?uid=u1&token=SECRET&expires=1", "/video/a.ts?uid=u1&token=*&expires=1")]
    [InlineData("/video/a.ts", "?access_token=SECRET", "/video/a.ts?access_token=*")]
    [InlineData("/live/a", "?KEY=SECRET&x=1", "/live/a?KEY=*&x=1")]
    [InlineData("/live/a", "?%6bey=SEC%26RET&x=1", "/live/a?%6bey=*&x=1")]
    [InlineData("/~s1.SECRET.SECRET/video/a.ts", null, "/~s1.*/video/a.ts")]
    [InlineData("/~v1.SECRET.1..x.SECRET/video/a.ts", "?a=1", "/~v1.*/video/a.ts?a=1")]
    [InlineData("/%7Ev1.SECRET/video/a.ts", null, "/%7Ev1.*/video/a.ts")]
    [InlineData("/monitor", "?once=SECRET", "/monitor?once=*")]
    [InlineData("/api/v1/check", "?url=%2Fa%3Fuid%3D1%26token%3DSECRET%26x&y=2", "/api/v1/check?url=%2Fa%3Fuid%3D1%26token%3D*&y=2")]
    [InlineData("/api/v1/check", "?url=%252F~s1.SECRET%252Fa", "/api/v1/check?url=%252F~s1.*%252Fa")]
    [InlineData("/a=b/c", "?tokens=1&nokey=2", "/a=b/c?tokens=1&nokey=2")]
    public void Grants_are_not_in_the_access_log(string path, string? query, string shown)
    {
        new AccessLog(_logs.Files).Write(new AccessEntry { Method = "GET", Path = path, Query = query, Status = 200 });
        string line = Assert.Single(_logs.Lines("access.log"));
        Assert.Contains($"\"GET {shown}\"", line, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Grants_are_not_in_a_referer_a_message_or_an_exception()
    {
        new AccessLog(_logs.Files).Write(new AccessEntry
        {
            Method = "GET", Path = "/a", Referer = "https://site/~s1.SECRET/player?v=SECRET#once=SECRET", UserAgent = "x?token=SECRET", Status = 503,
        });
        using FileLoggerProvider provider = new(_logs.Files);
        ILogger log = provider.CreateLogger("XLive.Test");
        log.LogError(new IOException("GET /a?uid=1&token=SECRET failed"), "origin answered 500 to http://o/~v1.SECRET/x?key=SECRET for u1");
        provider.CreateLogger("Microsoft.AspNetCore.Hosting.Diagnostics").LogInformation("GET /a?token=SECRET");
        string all = string.Concat(Directory.GetFiles(_logs.Dir).Select(f => string.Concat(_logs.Lines(Path.GetFileName(f))))) + _logs.ConsoleText();
        Assert.Contains("/~v1.*/x?key=* for u1", all, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", all, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_says_who_what_and_how_long()
    {
        new AccessLog(_logs.Files).Write(new AccessEntry
        {
            Time = new DateTimeOffset(2025, 3, 1, 13, 0, 0, 7, TimeSpan.FromHours(1)), Client = IPAddress.Parse("::ffff:192.0.2.77"), Method = "GET",
            Path = "/a.ts", Status = 206, Bytes = 1048576, Microseconds = 1234, Uid = "u1", Sid = "s1", RequestId = "r1", UserAgent = "VLC",
            Referer = "https://site/page?x=1",
        });
        Assert.Equal(
            "2025-03-01T12:00:00.007Z 192.0.2.77 \"GET /a.ts\" 206 1048576 1234us uid=\"u1\" sid=\"s1\" id=\"r1\" \"VLC\" \"https://site/page\"",
            Assert.Single(_logs.Lines("access.log")));
    }

    [Theory]
    [InlineData(AddressPrivacy.Full, "192.0.2.77", "192.0.2.77")]
    [InlineData(AddressPrivacy.Prefix, "192.0.2.77", "192.0.2.0/24")]
    [InlineData(AddressPrivacy.Prefix, "::ffff:192.0.2.77", "192.0.2.0/24")]
    [InlineData(AddressPrivacy.Prefix, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")]
    [InlineData(AddressPrivacy.Full, "2001:db8::6", "2001:db8::6")]
    [InlineData(AddressPrivacy.None, "192.0.2.77", "-")]
    public void Addresses_are_logged_as_privacy_says(AddressPrivacy privacy, string address, string shown)
    {
        _logs.Options.Address = privacy;
        new AccessLog(_logs.Files).Write(new AccessEntry { Method = "GET", Path = "/", Client = IPAddress.Parse(address) });
        Assert.Contains($"Z {shown} \"GET", Assert.Single(_logs.Lines("access.log")), StringComparison.Ordinal);
    }

    [Fact]
    public void Endless_texts_are_cut()
    {
        string endless = new('\n', 100_000);
        new AccessLog(_logs.Files).Write(new AccessEntry
        {
            Method = endless, Path = endless, Query = endless, Uid = endless, Sid = endless, RequestId = endless, UserAgent = endless, Referer = endless,
        });
        string line = Assert.Single(_logs.Lines("access.log"));
        Assert.InRange(line.Length, 1000, 8192);
        Assert.EndsWith("...\"", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Refusals_are_a_line_a_second_and_the_rest_is_counted()
    {
        using AuditLog audit = new(_logs.Files);
        IPAddress one = IPAddress.Parse("192.0.2.1");
        for (int i = 0; i < 1000; i++)
        {
            audit.Refused("wrong_token", "k", one, "/a?token=SECRET");
            audit.Refused("wrong_token", "k", IPAddress.Parse("192.0.2.2"), "/a");
        }
        Assert.Equal(2, _logs.Lines("audit.log").Length);
        _logs.Clock.Pass(TimeSpan.FromSeconds(1));
        audit.Refused("wrong_token", "k", one, "/a");
        Assert.EndsWith("and_before=999", _logs.Lines("audit.log")[2], StringComparison.Ordinal);
        _logs.Clock.Pass(TimeSpan.FromSeconds(1));
        audit.Refused("wrong_token", "k", one, "/a");
        Assert.DoesNotContain("and_before", _logs.Lines("audit.log")[3], StringComparison.Ordinal);
        audit.Dispose();
        Assert.EndsWith("and_before=999", _logs.Lines("audit.log")[4], StringComparison.Ordinal);
    }

    [Fact]
    public void Refusals_from_everywhere_stay_bounded()
    {
        using AuditLog audit = new(_logs.Files);
        for (int i = 0; i < 100_000; i++)
        {
            audit.Refused("wrong_token", null, new IPAddress(i + 1), "/a");
        }
        Assert.InRange(_logs.Lines("audit.log").Length, 4096, 4100);
    }

    [Fact]
    public void Levels_are_kept_and_can_change_while_running()
    {
        using FileLoggerProvider provider = new(_logs.Files);
        ILogger log = provider.CreateLogger("XLive.Server.Live.LiveStream");
        log.LogDebug("unseen");
        log.LogInformation("seen");
        _logs.Options.Level = LogDepth.Debug;
        log.LogDebug("now seen");
        log.LogWarning("warned");
        Assert.Equal(3, _logs.Lines("xlive.log").Length);
        Assert.EndsWith(" warning XLive.Server.Live.LiveStream: warned", Assert.Single(_logs.Lines("error.log")), StringComparison.Ordinal);
        Assert.Contains(" info    LiveStream: seen\n", _logs.ConsoleText(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_access_line_allocates_nothing_and_takes_microseconds_at_most()
    {
        AccessLog log = new(_logs.Files);
        AccessEntry entry = new()
        {
            Time = DateTimeOffset.UtcNow, Client = IPAddress.Parse("192.0.2.77"), Method = "GET", Path = "/video/2024-01-01/movie1/seg-00042.ts",
            Query = "?uid=user-42&expires=1999999999&token=nV600swVPV9-L8vIIFr7IcTjVjvedAerpceJCnWLdWE", Status = 200, Bytes = 1048576,
            Microseconds = 812, Uid = "user-42", Sid = "c2Vzc2lvbi1pZA", RequestId = "0HN7A1:00000042",
            UserAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
            Referer = "https://player.example.com/watch",
        };
        const int rounds = 100_000;
        double best = double.MaxValue;
        for (int i = 0; i < 5; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Stopwatch watch = Stopwatch.StartNew();
            for (int n = 0; n < rounds; n++)
            {
                log.Write(entry);
            }
            best = Math.Min(best, watch.Elapsed.TotalNanoseconds / rounds);
            // The shared buffer grows to its bound once; after that, nothing. A collection that another test asks for ends this thread's
            // block of 8 KiB, which then counts as used; one byte a line would be 100,000.
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, i == 0 ? 8 << 20 : 64 << 10);
        }
        TestContext.Current.SendDiagnosticMessage($"access log: {best:F0} ns a line");
        TestContext.Current.TestOutputHelper?.WriteLine($"access log: {best:F0} ns a line");
        Assert.True(best < 20_000, $"{best} ns");
    }
}
