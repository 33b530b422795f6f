using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using XLive.Server.Door;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Framing;

public sealed class NginxFrontTests : FrontTests
{
    protected override object Start(int server) => Front.Nginx(server);
}

public sealed class HaProxyFrontTests : FrontTests
{
    protected override object Start(int server) => Front.HaProxy(server);
}

public sealed class VarnishFrontTests : FrontTests
{
    protected override object Start(int server) => Front.Varnish(server);
}

/// <summary>
/// The same bytes through a proxy. A request that it and we read differently shows in one of three ways: we saw more requests than the
/// client got answers, we answered a marker that stood in a body, or an honest viewer over the proxy's kept connections gets another's
/// answer.
/// </summary>
public abstract class FrontTests
{
    private const int Honest = 16;
    private const string Probe = "GET /probe.ts HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    private int _turn;

    protected abstract object Start(int server);

    [Fact]
    public async Task No_request_is_read_differently_by_the_proxy_and_by_us()
    {
        var mutated = int.Parse(Environment.GetEnvironmentVariable("XLIVE_MUTATIONS") ?? "300", CultureInfo.InvariantCulture);
        var seed = Environment.GetEnvironmentVariable("XLIVE_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();
        var random = new Random(seed);
        await using var server = await TestServer.StartAsync("--access.enable=false");
        server.Write("a.ts", "FILM");
        server.Write("probe.ts", "PROBE");
        server.Write("smuggled", "SMUGGLED");
        for (var i = 0; i < Honest; i++)
            server.Write($"honest-{i}.ts", $"HONEST-{i}");
        using var front = (Front)Start(server.Port);
        var door = server.Get<FrontDoor>();
        var looks = 0;
        // Ids count requests from their first moment on, and a look takes one.
        long Begun() => (long)ulong.Parse(door.NextRequestId(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) - ++looks;
        Listen(front);

        var cases = RequestTable.Rows.Select(r => (r.Name, r.Bytes)).Concat(
            Enumerable.Range(0, mutated).Select(i =>
            {
                var row = RequestTable.Rows[random.Next(RequestTable.Rows.Length)];
                // The largest say nothing about framing and cost the most.
                return ($"{row.Name}, changed ({i}, XLIVE_SEED={seed})", Mutations.Mutate(row.Bytes.Length > 4096 ? RequestTable.Rows[0].Bytes : row.Bytes, random));
            }));
        long seen = Begun(), answered = 0, repeated = 0, late = 0;
        var clock = Stopwatch.StartNew();
        var count = 0;
        foreach (var (name, bytes) in cases)
        {
            count++;
            var before = Begun();
            var answers = Say(front, bytes + Probe, out var unfinished);
            var smuggled = answers.Answers.Count(a => a.Body == "SMUGGLED");
            // Both may wait for the rest of the last one; and nginx answers HTTP/0.9, where an empty body is no byte at all.
            var got = Math.Max(1, answers.Answers.Count + (answers.Rubbish.Length > 0 || unfinished ? 1 : 0));
            var came = Begun() - before;
            // One that its proxy still held back when nobody waited any longer comes during the next.
            if (came > got && late > 0)
                (came, late) = (came - 1, late - 1);
            if (unfinished && came < got)
                late++;
            Assert.True(came <= got || Different(server, (int)came) <= got, $"{name}: the client got {got} answers and {came} requests came:\n{Printable(bytes)}");
            repeated += Math.Max(0, came - got);
            // Where the proxy itself takes it for a request of its own it is one: both read the same.
            Assert.True(smuggled == 0 || got >= 2, $"{name}: the marker was answered in place of the request:\n{Printable(bytes)}");
            answered += got;
            answered += Listen(front, name, bytes);
        }
        // Whatever came late, too.
        var all = Begun() - seen;
        Assert.True(all <= answered + repeated, $"{answered} answers and {all} requests (XLIVE_SEED={seed})");
        if (Environment.GetEnvironmentVariable("XLIVE_RESULTS") is { } results)
            File.AppendAllText(results, $"| {GetType().Name.Replace("FrontTests", "", StringComparison.Ordinal)} | {count:N0} | {answered:N0} | {all:N0} | 0 | {clock.Elapsed.TotalSeconds:F0} s | {seed} |\n");
    }

    // Varnish asks once more where a kept connection ended under its request, as it does when a body is refused unread: the same request twice.
    private static int Different(TestServer server, int last)
    {
        string[] lines = [];
        Until.True(() => (lines = server.Log("access.log").Split('\n', StringSplitOptions.RemoveEmptyEntries)).Length >= last, "lines of the requests");
        return lines.TakeLast(last).Select(l => l.Split('"')[1]).Distinct().Count();
    }

    /// <summary>Three honest requests, more than there are kept connections; each must get what it asked for.</summary>
    private int Listen(Front front, string after = "the start", string bytes = "")
    {
        for (var i = 0; i < 3; i++)
        {
            var which = _turn++ % Honest;
            using var viewer = front.Connect();
            var answer = viewer.Ask("GET", $"/honest-{which}.ts", "Connection: close");
            Assert.True(answer.Status == 200 && answer.Text == $"HONEST-{which}", $"after {after} another viewer got {answer.StatusLine} \"{answer.Text}\":\n{Printable(bytes)}");
        }
        return 3;
    }

    private static Responses Say(Front front, string bytes, out bool unfinished)
    {
        unfinished = false;
        using var client = front.Connect();
        // A proxy that waits for more of a body has understood; nothing else comes then.
        client.Socket.ReceiveTimeout = 150;
        byte[] said = [];
        try
        {
            client.Send(bytes);
        }
        catch (SocketException)
        {
            // Refused before all of it was sent.
        }
        try
        {
            said = client.ReadToEnd(out _);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            unfinished = true;
            said = client.Received;
        }
        return Responses.Parse(said, n => n == 0 && bytes.StartsWith("HEAD ", StringComparison.Ordinal));
    }

    private static string Printable(string bytes)
    {
        var text = new StringBuilder();
        foreach (var c in bytes.AsSpan(0, Math.Min(bytes.Length, 2000)))
            text.Append(c is >= ' ' and <= '~' ? c.ToString() : c == '\r' ? "\\r" : c == '\n' ? "\\n\n" : $"\\x{(int)c:x2}");
        return text.ToString();
    }
}
