using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>
/// The wall clock is set while the server runs, by NTP, by an administrator or by a virtual machine that woke up. No timeout and no window of a
/// limit moves; what is told in wall clock time (links, Date, logs) follows at once.
/// </summary>
public sealed class ClockTests : IDisposable
{
    readonly TempFolder _films = new();

    public ClockTests()
    {
        File.WriteAllBytes(_films["segment.ts"], new byte[10_000]);
        File.WriteAllBytes(_films["huge.ts"], new byte[32 << 20]);
    }

    public void Dispose() => _films.Dispose();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static TheoryData<string> Shifts => ["01:00:00", "-01:00:00", "-1.00:00:00", "3652.00:00:00"];

    [Theory]
    [MemberData(nameof(Shifts))]
    public async Task Timeouts_and_windows_stay_where_they_were(string text)
    {
        var shift = TimeSpan.Parse(text, CultureInfo.InvariantCulture);
        using var wall = await ShiftedClock.Make();
        await using var server = await ServerProcess.Start(_films.Path, null,
            ["--server.header_timeout=3s", "--server.keepalive_timeout=4s", "--network.send_idle_timeout=5s", "--server.drain_timeout=3s"], wall.Around);
        var link = Link("/segment.ts", DateTimeOffset.UtcNow.AddMinutes(10));
        Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync(link, Stop)).StatusCode);
        var left = TimeSpan.Zero;
        for (var i = 0; left == TimeSpan.Zero; i++)
        {
            Assert.True(i < 20, "no limit on sign-ins");
            left = await WindowLeft(server);
        }
        var window = Stopwatch.StartNew();

        // Each waits for a timeout of its own when the clock is set.
        var clock = Stopwatch.StartNew();
        Task<TimeSpan>[] cut =
        [
            CutAfter(server, "GET / HTTP/1.1\r\nX-Half: ", clock),
            CutAfter(server, $"GET {link} HTTP/1.1\r\nHost: x\r\n\r\n", clock),
            CutAfter(server, $"GET {Link("/huge.ts", DateTimeOffset.UtcNow.AddMinutes(10))} HTTP/1.1\r\nHost: x\r\n\r\n", clock, reads: false),
        ];
        await Task.Delay(1000, Stop);
        wall.Set(shift);

        // At once for links. Backwards only a new one tells that the clock was set.
        await Until(async () => (await server.Http.GetAsync(link, Stop)).StatusCode == (shift > TimeSpan.Zero ? HttpStatusCode.Gone : HttpStatusCode.OK), 2);
        await Until(async () => (await server.Http.GetAsync(Link("/segment.ts", wall.Now.AddMinutes(10)), Stop)).StatusCode == HttpStatusCode.OK, 2);
        Assert.Equal(HttpStatusCode.Gone, (await server.Http.GetAsync(Link("/segment.ts", wall.Now.AddMinutes(-2)), Stop)).StatusCode);
        // The header comes from a second hand that goes once a second.
        await Until(async () => ((await server.Http.GetAsync("/health", Stop)).Headers.Date!.Value - wall.Now).Duration() < TimeSpan.FromSeconds(2), 3);

        // A changed file is seen as soon as ever, and still after a second change.
        for (var size = 100; size < 300; size += 100)
        {
            await File.WriteAllBytesAsync(_films["segment.ts"], new byte[size], Stop);
            var fresh = Link("/segment.ts", wall.Now.AddMinutes(10));
            await Until(async () => (await server.Http.GetByteArrayAsync(fresh, Stop)).Length == size, 4);
        }

        InTime(3, await cut[0], 2.5);
        InTime(4, await cut[1], 2.5);
        InTime(5, await cut[2], 2.5);

        var now = await WindowLeft(server);
        Assert.InRange((now - (left - window.Elapsed)).TotalSeconds, -2, 2);
        // A minute long it is told of that it was set, and nothing else is wrong.
        Assert.Contains("\"degraded\"", await server.Http.GetStringAsync("/health", Stop), StringComparison.Ordinal);
        var year = wall.Now.Year.ToString(CultureInfo.InvariantCulture);
        await Until(async () => (await File.ReadAllTextAsync(Path.Combine(server.LogFolder, "access.log"), Stop)).TrimEnd().Split('\n')[^1].Contains(year, StringComparison.Ordinal), 3);

        // And back, in the middle of the drain.
        var stuck = CutAfter(server, $"GET {Link("/huge.ts", wall.Now.AddMinutes(10))} HTTP/1.1\r\nHost: x\r\n\r\n", clock, reads: false);
        await Task.Delay(300, Stop);
        clock.Restart();
        var stopped = server.Stop(TimeSpan.FromSeconds(12));
        await Task.Delay(500, Stop);
        wall.Set(TimeSpan.Zero);
        Assert.Equal(0, await stopped);
        InTime(2.7, clock.Elapsed, 1.5);
        await stuck;
    }

    static string Link(string path, DateTimeOffset expires) =>
        new SignedLink(path, "viewer", expires.ToUnixTimeSeconds(), ServerProcess.Secret, Scope: path).InQuery;

    static void InTime(double limit, TimeSpan after, double late) => Assert.InRange(after.TotalSeconds, limit - 0.3, limit + late);

    /// <summary>Zero while sign-ins are taken.</summary>
    static async Task<TimeSpan> WindowLeft(ServerProcess server)
    {
        using var answer = await server.Http.PostAsJsonAsync("/login", new { username = "nobody", password = "wrong-password" }, Stop);
        return answer.StatusCode == HttpStatusCode.TooManyRequests ? answer.Headers.RetryAfter!.Delta!.Value : TimeSpan.Zero;
    }

    static async Task<TimeSpan> CutAfter(ServerProcess server, string bytes, Stopwatch clock, bool reads = true)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(IPAddress.Loopback, server.Port, Stop);
        await socket.SendAsync(Encoding.ASCII.GetBytes(bytes), Stop);
        var buffer = new byte[64 << 10];
        try
        {
            if (!reads)
            {
                // Its window is shut; only the reset is waited for.
                await Task.Run(() => { while (!socket.Poll(100_000, SelectMode.SelectError)) Stop.ThrowIfCancellationRequested(); }, Stop);
                return clock.Elapsed;
            }
            while (await socket.ReceiveAsync(buffer, Stop) > 0)
            {
            }
        }
        catch (SocketException)
        {
        }
        return clock.Elapsed;
    }

    static async Task Until(Func<Task<bool>> holds, double seconds, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(holds))] string what = "")
    {
        for (var clock = Stopwatch.StartNew(); !await holds(); await Task.Delay(50, Stop))
        {
            Assert.True(clock.Elapsed.TotalSeconds < seconds, $"not within {seconds} s: {what}");
        }
    }
}
