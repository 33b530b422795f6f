using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Framing;

/// <summary>A proxy as people put one before a server: its defaults, connections to the server kept, nothing cached.</summary>
internal sealed class Front : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xlive-front-").FullName;
    private readonly Process _process;

    private Front(string program, Func<Front, string[]> arguments)
    {
        Port = FreePort.Next();
        var said = new System.Text.StringBuilder();
        _process = QuietProcess.Start(program, arguments(this), line => said.AppendLine(line));
        Until.True(() => _process.HasExited || Listens(), program + " listens");
        Assert.False(_process.HasExited, $"{program} ended: {said}");
    }

    public int Port { get; }

    public RawClient Connect() => new(new IPEndPoint(IPAddress.Loopback, Port));

    public static Front Nginx(int server) => new("/usr/sbin/nginx", front => ["-p", front._folder, "-e", "stderr", "-c", front.Write("nginx.conf", $$"""
        daemon off; master_process off; pid nginx.pid; error_log stderr crit;
        events {}
        http {
            access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
            upstream server { server 127.0.0.1:{{server}}; keepalive 2; }
            server {
                listen 127.0.0.1:{{front.Port}};
                location / { proxy_pass http://server; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off; }
            }
        }
        """)]);

    public static Front HaProxy(int server) => new("/usr/sbin/haproxy", front => ["-db", "-f", front.Write("haproxy.cfg", $"""
        defaults
            mode http
            timeout connect 5s
            timeout client 10s
            timeout server 10s
            http-reuse always
        frontend front
            bind 127.0.0.1:{front.Port}
            default_backend back
        backend back
            server server 127.0.0.1:{server}

        """)]);

    public static Front Varnish(int server) => new("/usr/sbin/varnishd", front =>
        ["-F", "-j", "none", "-n", front._folder, "-a", $"127.0.0.1:{front.Port}", "-T", "none", "-s", "malloc,16m", "-f", front.Write("front.vcl", $$"""
        vcl 4.1;
        backend server { .host = "127.0.0.1"; .port = "{{server}}"; }
        sub vcl_recv { if (req.method == "CONNECT") { return (synth(405)); } return (pass); }

        """)]);

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private bool Listens()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        QuietProcess.End(_process);
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
