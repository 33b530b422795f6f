using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>A stop among a thousand viewers. ./bench drain has ten thousand transfers over many stops.</summary>
[Collection(Undisturbed.Name)]
public sealed class DrainTests : IDisposable
{
    const int Viewers = 1000;
    const int Size = 300_000;

    readonly TempFolder _films = new();
    readonly byte[] _film = new byte[Size];

    public DrainTests()
    {
        Random.Shared.NextBytes(_film);
        File.WriteAllBytes(_films["film.ts"], _film);
    }

    public void Dispose() => _films.Dispose();

    /// <summary>A film that no send buffer holds: while it is not read on, the server has a transfer under way.</summary>
    async Task<HttpResponseMessage> Hold(ServerProcess server)
    {
        await File.WriteAllBytesAsync(_films["long.ts"], new byte[64 << 20], Stop);
        return await server.Http.GetAsync(ServerProcess.Sign("/long.ts", scope: "/long.ts").InQuery, HttpCompletionOption.ResponseHeadersRead, Stop);
    }

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    static string Film => ServerProcess.Sign("/film.ts", scope: "/film.ts").InQuery;

    [Fact]
    public async Task A_thousand_transfers_end_whole_and_whoever_asks_hears_503_at_once()
    {
        await using var server = await ServerProcess.Start(_films.Path);
        using var viewers = new PacedViewers(_film);
        await viewers.Begin(server.Port, Film, Viewers, Stop);
        using var held = await Hold(server);
        using var balancer = await Connect(server.Port);
        Assert.StartsWith("HTTP/1.1 200", await Ask(balancer, "/health/ready"), StringComparison.Ordinal);
        var clock = Stopwatch.StartNew();
        Tool.Signal(server.Process, Tool.SigTerm);
        string health;
        while ((health = await Ask(balancer, "/health/ready")).StartsWith("HTTP/1.1 200", StringComparison.Ordinal))
        {
            Assert.True(clock.Elapsed < TimeSpan.FromMilliseconds(200), $"still ready after {clock.Elapsed}");
        }
        Assert.StartsWith("HTTP/1.1 503", health, StringComparison.Ordinal);
        // One that was on its way when the signal came may lack it; the next one cannot.
        if (!health.Contains("Connection: close", StringComparison.Ordinal))
        {
            health = await Ask(balancer, "/health/ready");
        }
        Assert.Contains("Connection: close", health, StringComparison.Ordinal);
        Assert.Equal(0, await balancer.ReceiveAsync(new byte[1], Stop));
        var endings = viewers.Finish(100_000, Stop);
        // The ports are open meanwhile, and who comes is served and told to leave.
        using (var late = await Connect(server.Port))
        {
            var answer = await Ask(late, Film);
            Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
            Assert.Contains("Connection: close", answer, StringComparison.Ordinal);
        }
        Assert.All(await endings, ending => Assert.Equal(PacedViewers.Ending.Whole, ending));
        Assert.False(server.Process.HasExited);
        Assert.Equal(64 << 20, (await held.Content.ReadAsByteArrayAsync(Stop)).Length);
        Assert.True(await Tool.Ends(server.Process, TimeSpan.FromSeconds(10)));
        Assert.Equal(0, server.Process.ExitCode);
    }

    [Fact]
    public async Task When_the_time_is_over_the_rest_is_reset_and_the_exit_is_in_time()
    {
        await File.WriteAllBytesAsync(_films["long.ts"], new byte[64 << 20], Stop);
        await using var server = await ServerProcess.Start(_films.Path, "--server.drain_timeout=4s");
        using var viewers = new PacedViewers(new byte[64 << 20]);
        await viewers.Begin(server.Port, ServerProcess.Sign("/long.ts", scope: "/long.ts").InQuery, Viewers / 2, Stop);
        var endings = viewers.Finish(20_000, Stop);
        var clock = Stopwatch.StartNew();
        Assert.Equal(0, await server.Stop(TimeSpan.FromSeconds(15)));
        Assert.InRange(clock.Elapsed.TotalSeconds, 3, 4.0 * 2);
        TestContext.Current.SendDiagnosticMessage("500 transfers cut, exit after {0:0.00} s of 4", clock.Elapsed.TotalSeconds);
        // Short is an orderly end: with Content-Length it is found out, but nobody should have to.
        Assert.All(await endings, ending => Assert.Equal(PacedViewers.Ending.Reset, ending));
    }

    [Fact]
    public async Task A_second_signal_ends_a_thousand_transfers_within_a_second()
    {
        await File.WriteAllBytesAsync(_films["long.ts"], new byte[64 << 20], Stop);
        await using var server = await ServerProcess.Start(_films.Path);
        using var viewers = new PacedViewers(new byte[64 << 20]);
        await viewers.Begin(server.Port, ServerProcess.Sign("/long.ts", scope: "/long.ts").InQuery, Viewers, Stop);
        Tool.Signal(server.Process, Tool.SigTerm);
        await Refused503(server);
        var clock = Stopwatch.StartNew();
        Tool.Signal(server.Process, Tool.SigTerm);
        Assert.True(await Tool.Ends(server.Process, TimeSpan.FromSeconds(10)));
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 2);
        Assert.Equal(1, server.Process.ExitCode);
    }

    [Fact]
    public async Task Who_asks_for_ever_on_kept_connections_does_not_hold_it()
    {
        await using var server = await ServerProcess.Start(_films.Path);
        using var viewers = new PacedViewers(_film);
        await viewers.Begin(server.Port, Film, 10, Stop);
        var over = new TaskCompletionSource();
        var asked = 0;
        // They come back at once on a new connection, as browsers do; the last ones find the port closed.
        var eager = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            try
            {
                while (!over.Task.IsCompleted)
                {
                    using var socket = await Connect(server.Port);
                    while ((await Ask(socket, Film)).Contains("Connection: close", StringComparison.Ordinal) is false)
                    {
                        Interlocked.Increment(ref asked);
                    }
                }
            }
            catch (Exception e) when (e is SocketException or EndOfStreamException)
            {
            }
        }, Stop)).ToArray();
        while (Volatile.Read(ref asked) < 100)
        {
            await Task.Delay(10, Stop);
        }
        var stopped = server.Stop(TimeSpan.FromSeconds(15));
        Assert.All(await viewers.Finish(150_000, Stop), ending => Assert.Equal(PacedViewers.Ending.Whole, ending));
        var clock = Stopwatch.StartNew();
        Assert.Equal(0, await stopped);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(4), $"{clock.Elapsed} after the last transfer");
        over.SetResult();
        await Task.WhenAll(eager);
    }

    [Fact]
    public async Task The_ports_stay_open_until_a_balancer_has_heard_it_three_times()
    {
        await using var server = await ServerProcess.Start(_films.Path);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync("/health/ready", Stop)).StatusCode);
        }
        var stopped = server.Stop(TimeSpan.FromSeconds(20));
        for (var told = 0; told < 3;)
        {
            await Task.Delay(300, Stop);
            Assert.False(stopped.IsCompleted);
            if ((await server.Http.GetAsync("/health/ready", Stop)).StatusCode == HttpStatusCode.ServiceUnavailable)
            {
                told++;
            }
        }
        var clock = Stopwatch.StartNew();
        Assert.Equal(0, await stopped);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(4), $"{clock.Elapsed}");
    }

    [Theory]
    [InlineData(2, 90)] // streams of one connection, which may have a hundred
    [InlineData(1, 90)] // connections
    public async Task Transfers_through_TLS_end_whole(int version, int transfers)
    {
        var port = FreePort.Next();
        (await Tool.Run("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-keyout", _films["tls.key"], "-out", _films["tls.crt"]], TimeSpan.FromSeconds(20))).MustSucceed();
        await using var server = await ServerProcess.Start(_films.Path, $"--tls.port={port}", $"--tls.certificate={_films["tls.crt"]}", $"--tls.key={_films["tls.key"]}");
        // A window of one stream smaller than the film, so that the server cannot have sent it all.
        using var handler = new SocketsHttpHandler { InitialHttp2StreamWindowSize = 65_535 };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null; // made a moment ago, signed by nobody
        using var http = new HttpClient(handler) { DefaultRequestVersion = new Version(version, version == 1 ? 1 : 0), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        var url = $"https://127.0.0.1:{port}{Film}";
        var responses = await Task.WhenAll(Enumerable.Range(0, transfers).Select(_ => http.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, Stop)));
        using var held = await Hold(server);
        var stopped = server.Stop(TimeSpan.FromSeconds(15));
        await Refused503(server);
        // Served, and told to leave: GOAWAY or Connection: close, so the next one comes on another connection or not at all.
        using (var late = await http.GetAsync(url, Stop))
        {
            Assert.Equal(_film, await late.Content.ReadAsByteArrayAsync(Stop));
            Assert.Equal(version == 1, late.Headers.ConnectionClose == true);
        }
        Assert.False(stopped.IsCompleted);
        foreach (var response in responses)
        {
            Assert.Equal(_film, await response.Content.ReadAsByteArrayAsync(Stop));
            response.Dispose();
        }
        Assert.Equal(64 << 20, (await held.Content.ReadAsByteArrayAsync(Stop)).Length);
        Assert.Equal(0, await stopped);
    }

    static async Task Refused503(ServerProcess server)
    {
        while ((await server.Http.GetAsync("/health/ready", Stop)).StatusCode == HttpStatusCode.OK)
        {
            await Task.Delay(5, Stop);
        }
        // Whoever asks so often is taken for a balancer, and waited for until he has heard it three times.
        for (var told = 1; told < 3 && !server.Process.HasExited; told++)
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await server.Http.GetAsync("/health/ready", Stop)).StatusCode);
        }
    }

    static async Task<Socket> Connect(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), Stop);
        return socket;
    }

    /// <summary>The head and what of the body is there with it; reads the body to its end.</summary>
    static async Task<string> Ask(Socket socket, string target)
    {
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"), Stop);
        var all = new MemoryStream();
        var buffer = new byte[64 << 10];
        var wanted = long.MaxValue;
        while (all.Length < wanted)
        {
            var n = await socket.ReceiveAsync(buffer, Stop);
            if (n == 0)
            {
                throw new EndOfStreamException();
            }
            all.Write(buffer, 0, n);
            var text = Encoding.Latin1.GetString(all.GetBuffer(), 0, (int)Math.Min(all.Length, 2000));
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end > 0 && wanted == long.MaxValue)
            {
                var length = text[(text.IndexOf("Content-Length: ", StringComparison.Ordinal) + 16)..];
                wanted = end + 4 + long.Parse(length[..length.IndexOf('\r', StringComparison.Ordinal)], System.Globalization.CultureInfo.InvariantCulture);
            }
        }
        return Encoding.Latin1.GetString(all.GetBuffer(), 0, (int)Math.Min(all.Length, 1000));
    }
}
