using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd.Tls;

/// <summary>HAProxy before the HTTPS port, passing HTTP/2 on, and before the clear one, with the TLS its own and tls.redirect on.</summary>
public sealed class TlsBehindHaproxyTests : IAsyncLifetime
{
    const string Proxy = "127.0.0.2", Client = "127.0.0.9";

    readonly TempFolder _folder = new();
    readonly int _tlsPort = FreePort.Next(), _passedOn = FreePort.Next(), _ended = FreePort.Next();
    Authority _authority = null!;
    ServerProcess _server = null!;
    Process _haproxy = null!;

    public async ValueTask InitializeAsync()
    {
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(_folder["media"]).FullName, "a.ts"), "FILM");
        _authority = await Authority.Make();
        await File.WriteAllTextAsync(_folder["both.pem"], File.ReadAllText(_authority.Chain) + File.ReadAllText(_authority.Key));
        _server = await ServerProcess.Start(_folder["media"], "--access.enable=false", $"--tls.port={_tlsPort}", $"--tls.certificate={_folder["both.pem"]}",
            "--tls.redirect=true", $"--access.trusted_proxies=[{Proxy}]");
        await File.WriteAllTextAsync(_folder["haproxy.cfg"], $"""
            defaults
                mode tcp
                timeout connect 5s
                timeout client 15s
                timeout server 15s
            listen passed-on
                bind 127.0.0.1:{_passedOn}
                server xlive 127.0.0.1:{_tlsPort} source {Proxy} send-proxy-v2
            listen ended
                bind 127.0.0.1:{_ended} ssl crt {_folder["both.pem"]} alpn http/1.1
                server xlive 127.0.0.1:{_server.Port} source {Proxy} send-proxy-v2-ssl

            """);
        _haproxy = Process.Start(new ProcessStartInfo("/usr/sbin/haproxy", ["-db", "-f", _folder["haproxy.cfg"]]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(20))
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await probe.ConnectAsync(IPAddress.Loopback, _ended);
                return;
            }
            catch (SocketException) when (!_haproxy.HasExited && clock.Elapsed < TimeSpan.FromSeconds(10))
            {
                // Not up yet.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Tool.Stop(_haproxy, TimeSpan.FromSeconds(5));
        _haproxy.Dispose();
        await _server.DisposeAsync();
        _authority.Dispose();
        _folder.Dispose();
    }

    static HttpClient Http(int port, string from, Version version) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        ConnectCallback = async (_, stop) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
            await socket.ConnectAsync(IPAddress.Loopback, port, stop);
            return new NetworkStream(socket, ownsSocket: true);
        },
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.Subject == "CN=localhost" },
    })
    {
        BaseAddress = new Uri($"https://localhost:{port}"),
        DefaultRequestVersion = version,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Timeout = TimeSpan.FromSeconds(15),
    };

    static async Task<string> Fetch(HttpClient client, string target, string? forwardedFor = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, target) { Version = client.DefaultRequestVersion, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (forwardedFor is not null)
            request.Headers.Add("X-Forwarded-For", forwardedFor);
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(client.DefaultRequestVersion, response.Version);
        return $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}";
    }

    async Task<string> AddressOf(string request)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(10); await Task.Delay(20))
        {
            using var log = new StreamReader(new FileStream(Path.Combine(_server.LogFolder, "access.log"), FileMode.OpenOrCreate, FileAccess.Read, FileShare.ReadWrite));
            var lines = (await log.ReadToEndAsync()).Split('\n');
            if (lines.LastOrDefault(l => l.Contains(request, StringComparison.Ordinal)) is { } line)
                return line.Split(' ')[1];
        }
        throw new TimeoutException(request + " is not in access.log");
    }

    [Fact]
    public async Task A_connections_client_and_each_streams_own()
    {
        // PROXY v2 before TLS: all streams are the client's, whatever they say of themselves.
        using (var passedOn = Http(_passedOn, Client, HttpVersion.Version20))
        {
            Assert.Equal("200 FILM", await Fetch(passedOn, "/a.ts?one", "203.0.113.1"));
            Assert.Equal(Client, await AddressOf("a.ts?one"));
        }
        // A trusted proxy that speaks HTTP/2 itself: each stream is whose it says.
        using (var trusted = Http(_tlsPort, Proxy, HttpVersion.Version20))
        {
            Assert.Equal("200 FILM", await Fetch(trusted, "/a.ts?warm", "203.0.113.9"));
            await Task.WhenAll(Enumerable.Range(1, 20).Select(async i => Assert.Equal("200 FILM", await Fetch(trusted, $"/a.ts?n{i}n", $"203.0.113.{i}"))));
            for (var i = 1; i <= 20; i++)
                Assert.Equal($"203.0.113.{i}", await AddressOf($"a.ts?n{i}n"));
        }
        using (var stranger = Http(_tlsPort, Client, HttpVersion.Version20))
        {
            Assert.Equal("200 FILM", await Fetch(stranger, "/a.ts?two", "203.0.113.2"));
            Assert.Equal(Client, await AddressOf("a.ts?two"));
        }
        // The TLS ended at the proxy, which says so: no redirect to where the client is already.
        using var ended = Http(_ended, Client, HttpVersion.Version11);
        Assert.Equal("200 FILM", await Fetch(ended, "/a.ts?three"));
        Assert.Equal(Client, await AddressOf("a.ts?three"));
        using var clear = await _server.Http.GetAsync("/a.ts?four", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.MovedPermanently, clear.StatusCode);
        Assert.Equal($"https://127.0.0.1:{_tlsPort}/a.ts?four", clear.Headers.Location!.OriginalString);
    }
}
