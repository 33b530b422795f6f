using System.Globalization;
using System.Net.Sockets;
using System.Text;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Framing;

public sealed class FramingServer : IAsyncLifetime
{
    public TestServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await TestServer.StartAsync("--access.enable=false");
        Server.Write("a.ts", "FILM");
        Server.Write("probe.ts", "PROBE");
        // A marker that was answered would be seen.
        Server.Write("smuggled", "SMUGGLED");
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}

public sealed class RequestTableTests(FramingServer shared) : IClassFixture<FramingServer>
{
    private const string Probe = "GET /probe.ts HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    private readonly TestServer _server = shared.Server;

    public static TheoryData<string> Names => [.. RequestTable.Rows.Select(r => r.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_answer_is_exactly(string name)
    {
        var (_, bytes, wanted) = RequestTable.Rows.Single(r => r.Name == name);
        Assert.Equal(wanted, Answer(name, bytes, []));
        // However TCP cuts it, it is the same request.
        var seed = Environment.GetEnvironmentVariable("XLIVE_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();
        var random = new Random(seed);
        for (var turn = 0; turn < 4; turn++)
        {
            // The last turn cuts where a reader has to look ahead: at every line's end.
            var cuts = turn == 3
                ? Enumerable.Range(1, bytes.Length - 1).Where(i => bytes[i - 1] is '\r' or '\n' or '\0').Take(40).ToArray()
                : [.. Enumerable.Range(0, 1 + turn * 2).Select(_ => random.Next(1, bytes.Length)).Distinct().Order()];
            var answer = Answer(name, bytes, cuts);
            Assert.True(wanted == answer, $"cut at {string.Join(", ", cuts)} (XLIVE_SEED={seed}): {answer} instead of {wanted}");
        }
    }

    [Fact]
    public void What_is_refused_has_its_line_and_its_count()
    {
        string[] refused = ["no Host", "length +21", "request line of 8 KiB", "101 headers", "HTTP/1.2", "asterisk for GET", "chunked and a length"];
        var lines = Lines();
        foreach (var name in refused)
            Answer(name, RequestTable.Rows.Single(r => r.Name == name).Bytes, []);
        Until.Equal(lines + refused.Length, Lines, "a line for each");
        var log = _server.Log("access.log").Split('\n').Where(l => l.Length > 0).TakeLast(refused.Length).ToArray();
        int[] statuses = [400, 400, 414, 431, 505, 405, 400];
        Assert.All(statuses.Zip(log), pair => Assert.Contains($"\" {pair.First} ", pair.Second));
        var counted = _server.Get<XLive.Server.Telemetry.RequestStats>().Refused;
        foreach (var reason in (string[])["request_form", "request_line_too_long", "headers_too_large", "http_version", "method_not_for_target"])
            Assert.True(counted.GetValueOrDefault(reason) > 0, reason);
    }

    private int Lines() => _server.Log("access.log").Count(c => c == '\n');

    private string Answer(string name, string bytes, int[] cuts)
    {
        using var client = _server.Connect();
        var ends = name.EndsWith(RequestTable.End, StringComparison.Ordinal);
        var all = Encoding.Latin1.GetBytes(ends ? bytes : bytes + Probe);
        try
        {
            var sent = 0;
            foreach (var cut in cuts)
            {
                client.Send(all.AsSpan(sent, cut - sent));
                sent = cut;
                // Gives the server a turn, so that most pieces are read by themselves; the answer may not depend on it.
                Thread.Sleep(1);
            }
            client.Send(all.AsSpan(sent));
            if (ends)
                client.HalfClose();
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown or SocketError.NotConnected or SocketError.ConnectionAborted)
        {
            // Refused before all of it was sent.
        }
        var said = client.ReadToEnd(out _);
        if (said.AsSpan().StartsWith("\0\0\b\a\0\0\0\0\0"u8))
            return "GOAWAY closed";
        var read = Responses.Parse(said, n => n == 0 && bytes.StartsWith("HEAD ", StringComparison.Ordinal));
        Assert.True(read.Rubbish.Length == 0, "no response: " + read.Rubbish);
        Assert.All(read.Answers, a => Assert.DoesNotContain("SMUGGLED", a.Body));
        var kept = read.Answers.Count > 0 && read.Answers[^1].Body == "PROBE";
        var answers = kept ? read.Answers[..^1] : read.Answers;
        foreach (var (status, head, _) in answers.Where(a => a.Status is >= 400 and not 505))
        {
            Assert.Equal("no-store", Responses.Header(head, "Cache-Control"));
            Assert.Matches("^[0-9a-f]{16}$", Responses.Header(head, "X-Request-Id"));
            if (Responses.Header(head, "Content-Type") == "text/plain; charset=utf-8")
                Assert.Equal("*", Responses.Header(head, "Access-Control-Allow-Origin"));
            else
                Assert.Equal("application/problem+json", Responses.Header(head, "Content-Type"));
            if (status == 405)
                Assert.False(string.IsNullOrEmpty(Responses.Header(head, "Allow")));
        }
        return string.Join(' ', [.. answers.Select(a => $"{a.Status}"), kept ? "kept" : "closed"]);
    }
}
