using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using XLive.Server.Tests.Tls;

namespace XLive.EndToEnd.Harness;

/// <summary>
/// The server behind nginx and HAProxy, each passing requests on in several ways. Both come from 127.0.0.2, which is trusted; clients
/// come from other addresses of 127.0.0.0/8, which are not.
/// </summary>
public sealed class FrontProxies : IAsyncLifetime
{
    public const string Address = "127.0.0.2";
    public const string Denied = "127.0.0.66";
    public const string AdminPassword = "behind-two-proxies";

    readonly TempFolder _folder = new();
    readonly List<Process> _programs = [];
    readonly Dictionary<string, int> _ports = [];
    int _tlsPort;

    public ServerProcess Server { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(_folder["v"]);
        await File.WriteAllTextAsync(_folder["v/film.ts"], "film");
        await File.WriteAllTextAsync(_folder["v/film.m3u8"], "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfilm.ts\n#EXT-X-ENDLIST\n");
        await File.WriteAllTextAsync(_folder["cert.pem"], SelfSigned());
        _tlsPort = FreePort.Next();
        Server = await ServerProcess.Start(_folder.Path, $"--access.trusted_proxies=[{Address}]", $"--access.deny=[{Denied}]", "--access.bind_ip=exact",
            $"--tls.port={_tlsPort}", $"--tls.certificate={_folder["cert.pem"]}", $"--auth.admin_password={AdminPassword}");
        foreach (var way in (string[])["haproxy-http", "haproxy-v1", "haproxy-v2", "haproxy-v2-checksum", "haproxy-tls", "nginx-http", "nginx-stream", "nginx-tls"])
            _ports[way] = FreePort.Next();
        await File.WriteAllTextAsync(_folder["haproxy.cfg"], HaproxyConfiguration());
        await File.WriteAllTextAsync(_folder["nginx.conf"], NginxConfiguration());
        _programs.Add(Run("/usr/sbin/haproxy", "-db", "-f", _folder["haproxy.cfg"]));
        _programs.Add(Run("/usr/sbin/nginx", "-p", _folder.Path, "-e", _folder["nginx.log"], "-c", _folder["nginx.conf"]));
        foreach (var port in _ports.Values)
            await Listens(port);
    }

    /// <summary>A client at an address of its own, which comes in one of the ways.</summary>
    public HttpClient Client(string way, string from) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        ConnectCallback = async (_, stop) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
            await socket.ConnectAsync(IPAddress.Loopback, way == "direct" ? Server.Port : _ports[way], stop);
            return new NetworkStream(socket, ownsSocket: true);
        },
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.Subject == "CN=localhost" },
    })
    {
        BaseAddress = new Uri((way.EndsWith("-tls", StringComparison.Ordinal) ? "https" : "http") + "://localhost"),
        Timeout = TimeSpan.FromSeconds(15),
    };

    /// <summary>The client's address in the access log's line of a request; its line is written after its answer.</summary>
    public async Task<string> LoggedAddress(string request)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < TimeSpan.FromSeconds(15))
        {
            var path = Path.Combine(Server.LogFolder, "access.log");
            var lines = File.Exists(path) ? await ReadShared(path) : "";
            if (lines.Split('\n').LastOrDefault(l => l.Contains(request, StringComparison.Ordinal)) is { Length: > 0 } line)
                return line.Split(' ')[1];
            await Task.Delay(20);
        }
        throw new TimeoutException($"{request} is not in access.log");
    }

    static async Task<string> ReadShared(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return await reader.ReadToEndAsync();
    }

    string HaproxyConfiguration()
    {
        string Tcp(string way, int to, string options) => $"""
            listen {way}
                mode tcp
                bind 127.0.0.1:{_ports[way]}
                server xlive 127.0.0.1:{to} source {Address} {options}

            """;
        return $"""
            defaults
                timeout connect 5s
                timeout client 15s
                timeout server 15s

            listen haproxy-http
                mode http
                bind 127.0.0.1:{_ports["haproxy-http"]}
                option forwardfor
                http-reuse always
                server xlive 127.0.0.1:{Server.Port} source {Address}

            """
            + Tcp("haproxy-v1", Server.Port, "send-proxy")
            // Its checks come with LOCAL, before the protocol and after.
            + Tcp("haproxy-v2", Server.Port, "send-proxy-v2 check check-send-proxy inter 200ms").Replace("server", "option httpchk GET /health/ready\n    server", StringComparison.Ordinal)
            + Tcp("haproxy-v2-checksum", Server.Port, "send-proxy-v2 proxy-v2-options crc32c,unique-id,authority")
            + Tcp("haproxy-tls", _tlsPort, "send-proxy-v2");
    }

    string NginxConfiguration() => $$"""
        load_module /usr/lib/nginx/modules/ngx_stream_module.so;
        daemon off;
        master_process off;
        pid {{_folder["nginx.pid"]}};
        events {}
        http {
            access_log off;
            client_body_temp_path {{_folder["body"]}};
            proxy_temp_path {{_folder["proxy"]}};
            fastcgi_temp_path {{_folder["fastcgi"]}};
            uwsgi_temp_path {{_folder["uwsgi"]}};
            scgi_temp_path {{_folder["scgi"]}};
            upstream xlive {
                server 127.0.0.1:{{Server.Port}};
                keepalive 1;
            }
            server {
                listen 127.0.0.1:{{_ports["nginx-http"]}};
                location / {
                    proxy_pass http://xlive;
                    proxy_bind {{Address}};
                    proxy_http_version 1.1;
                    proxy_set_header Connection "";
                    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                    proxy_set_header X-Forwarded-Proto $scheme;
                }
            }
        }
        stream {
            proxy_bind {{Address}};
            proxy_protocol on;
            server { listen 127.0.0.1:{{_ports["nginx-stream"]}}; proxy_pass 127.0.0.1:{{Server.Port}}; }
            server { listen 127.0.0.1:{{_ports["nginx-tls"]}}; proxy_pass 127.0.0.1:{{_tlsPort}}; }
        }
        """;

    Process Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = _folder.Path };
        var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.OutputDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        return process;
    }

    async Task Listens(int port)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await probe.ConnectAsync(IPAddress.Loopback, port);
                return;
            }
            catch (SocketException e)
            {
                if (clock.Elapsed > TimeSpan.FromSeconds(15) || _programs.Find(p => p.HasExited) is not null)
                    throw new InvalidOperationException($"nobody listens on {port}:\n{await File.ReadAllTextAsync(_folder["haproxy.cfg"])}", e);
                await Task.Delay(20);
            }
        }
    }

    static string SelfSigned()
    {
        var made = TestAuthority.SelfSigned();
        return made.Certificate + made.Key;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var program in _programs)
        {
            await Tool.Stop(program, TimeSpan.FromSeconds(5));
            program.Dispose();
        }
        if (Server is not null)
            await Server.DisposeAsync();
        _folder.Dispose();
    }
}
