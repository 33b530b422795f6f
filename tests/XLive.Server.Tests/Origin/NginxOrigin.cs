using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Tls;

namespace XLive.Server.Tests.Origin;

/// <summary>nginx with its defaults over a folder of files: in clear, and over TLS with HTTP/2 or without.</summary>
internal sealed class NginxOrigin : IDisposable
{
    private readonly Process _process;

    public NginxOrigin(bool http2 = true)
    {
        var certificate = TestAuthority.SelfSigned();
        File.WriteAllText(Path.Combine(Folder, "tls.crt"), certificate.Certificate);
        File.WriteAllText(Path.Combine(Folder, "tls.key"), certificate.Key);
        Directory.CreateDirectory(Media);
        // Whoever runs the tests may be root, whose files the workers' user cannot read below a private folder.
        File.SetUnixFileMode(Folder, (UnixFileMode)0b111_101_101);
        File.WriteAllText(Path.Combine(Folder, "nginx.conf"), $$"""
            daemon off; master_process off; pid nginx.pid; error_log stderr crit;
            events {}
            http {
                access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s; root media;
                add_header X-Protocol $server_protocol always; add_header X-Name $ssl_server_name always;
                server {
                    listen 127.0.0.1:{{Clear}}{{(http2 ? " http2" : "")}}; listen 127.0.0.1:{{Tls}} ssl{{(http2 ? " http2" : "")}};
                    ssl_certificate tls.crt; ssl_certificate_key tls.key;
                }
            }
            """);
        _process = QuietProcess.Start("/usr/sbin/nginx", ["-p", Folder, "-e", "stderr", "-c", Path.Combine(Folder, "nginx.conf")]);
        Until.True(() => _process.HasExited || Listens(), "nginx listens");
        Assert.False(_process.HasExited, "nginx ended");
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("xlive-nginx-").FullName;

    public string Media => Path.Combine(Folder, "media");

    /// <summary>With HTTP/2 it speaks nothing else: in clear there is no ALPN to choose by.</summary>
    public int Clear { get; } = FreePort.Next();

    public int Tls { get; } = FreePort.Next();

    public void Write(string name, byte[] bytes) => File.WriteAllBytes(Path.Combine(Media, name), bytes);

    private bool Listens()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(IPAddress.Loopback, Tls);
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
        Directory.Delete(Folder, recursive: true);
    }
}
