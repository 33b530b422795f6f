using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace XLive.EndToEnd.Harness;

/// <summary>
/// nginx with the set-up of docs/proxy-cache.md, as it stands there but for ports and folders. It comes to the server from 127.0.0.2, which is
/// trusted; viewers come from other addresses of 127.0.0.0/8, which are not.
/// </summary>
public sealed partial class ProxyCache : IDisposable
{
    public const string Address = "127.0.0.2";

    readonly TempFolder _folder;
    readonly Process _process;

    ProxyCache(TempFolder folder, Process process, int port) => (_folder, _process, Port) = (folder, process, port);

    public int Port { get; }

    public static string ByteLog(TempFolder folder) => folder["log/xlive-bytes.log"];

    public static string[] Options(TempFolder folder) =>
        [$"--access.trusted_proxies=[{Address}]", $"--access.trusted=[{Address}]", $"--traffic.proxy_logs=[{ByteLog(folder)}]"];

    public static async Task<ProxyCache> Start(TempFolder folder, int serverPort)
    {
        var port = FreePort.Next();
        Directory.CreateDirectory(folder["log"]);
        Directory.CreateDirectory(folder["cache"]);
        // Whoever runs the tests may be root, whose private folder the workers' user cannot enter.
        foreach (var open in (string[])[folder.Path, folder["cache"], folder["log"]])
            File.SetUnixFileMode(open, (UnixFileMode)0b111_111_111);
        await File.WriteAllTextAsync(folder["nginx.conf"], $$"""
            daemon off;
            worker_processes 2;
            pid {{folder["nginx.pid"]}};
            events { worker_connections 4096; }
            http {
                access_log off;
                client_body_temp_path {{folder["body"]}};
                proxy_temp_path {{folder["proxy"]}};
                fastcgi_temp_path {{folder["fastcgi"]}};
                uwsgi_temp_path {{folder["uwsgi"]}};
                scgi_temp_path {{folder["scgi"]}};
                {{SetUp(folder, serverPort, port)}}
            }
            """);
        var start = new ProcessStartInfo("/usr/sbin/nginx", ["-p", folder.Path, "-e", folder["nginx.log"], "-c", folder["nginx.conf"]]) { WorkingDirectory = folder.Path };
        var process = Process.Start(start)!;
        var clock = Stopwatch.StartNew();
        while (!Listens(port))
        {
            if (process.HasExited || clock.Elapsed > TimeSpan.FromSeconds(20))
                throw new InvalidOperationException("nginx does not listen:\n" + await File.ReadAllTextAsync(folder["nginx.log"]));
            await Task.Delay(20);
        }
        return new ProxyCache(folder, process, port);
    }

    static string SetUp(TempFolder folder, int serverPort, int port)
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "proxy-cache.md"));
        var text = NginxBlock().Match(page).Groups[1].Value;
        foreach (var (from, to) in new (string, string)[]
        {
            ("server 127.0.0.1:7889;", $"server 127.0.0.1:{serverPort};"), ("listen 80;", $"listen 127.0.0.1:{port};\n    proxy_bind {Address};"),
            ("/var/cache/nginx/xlive", folder["cache"]), ("/var/log/nginx/xlive-bytes.log", ByteLog(folder)),
        })
        {
            if (!text.Contains(from, StringComparison.Ordinal))
                throw new InvalidOperationException($"docs/proxy-cache.md has no '{from}' in its set-up of nginx");
            text = text.Replace(from, to, StringComparison.Ordinal);
        }
        return text;
    }

    /// <summary>As logrotate does it: renames the log and tells nginx to open another.</summary>
    public async Task Rotate(string to)
    {
        var log = ByteLog(_folder);
        File.Move(log, to);
        Tool.Signal(_process, 10); // SIGUSR1
        var clock = Stopwatch.StartNew();
        while (!File.Exists(log))
        {
            if (clock.Elapsed > TimeSpan.FromSeconds(20))
                throw new TimeoutException("nginx did not open its log again");
            await Task.Delay(20);
        }
    }

    /// <summary>A viewer's own connections, from an address of his own.</summary>
    public HttpClient Client(string from = "127.0.0.7") => new(new SocketsHttpHandler
    {
        UseProxy = false,
        ConnectCallback = async (_, stop) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
            await socket.ConnectAsync(IPAddress.Loopback, Port, stop);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri($"http://127.0.0.1:{Port}"),
        Timeout = TimeSpan.FromSeconds(60),
    };

    static bool Listens(int port)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        Tool.Signal(_process, Tool.SigTerm);
        if (!_process.WaitForExit(TimeSpan.FromSeconds(10)))
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    [GeneratedRegex("```nginx\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex NginxBlock();
}
