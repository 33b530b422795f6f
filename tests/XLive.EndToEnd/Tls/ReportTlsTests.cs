using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd.Tls;

/// <summary>A receiver of reports behind TLS shows one certificate after the other; only the right one is told anything.</summary>
public sealed class ReportTlsTests : IDisposable
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly TempFolder _folder = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2 _root;
    private readonly ECDsa _rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public ReportTlsTests()
    {
        var request = new CertificateRequest("CN=Root of receivers", _rootKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _root = request.CreateSelfSigned(DateTimeOffset.UtcNow - 100 * Day, DateTimeOffset.UtcNow + 100 * Day);
        File.WriteAllText(_folder["roots.pem"], _root.ExportCertificatePem());
        _listener.Start();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _root.Dispose();
        _rootKey.Dispose();
        _folder.Dispose();
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_certificate_that_has_expired_gets_no_report_and_its_renewal_gets_all()
    {
        Directory.CreateDirectory(_folder["media"]);
        File.WriteAllBytes(_folder["media/a.ts"], new byte[100_000]);
        var port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        await using var server = await ServerProcess.Start(_folder["media"], null,
            [$"--traffic.report_url=https://localhost:{port}/", "--traffic.api_key=key-of-the-receiver", "--traffic.report_interval=1s", "--traffic.min_bytes=1"],
            new Surroundings(Environment: new() { ["SSL_CERT_FILE"] = _folder["roots.pem"] }));
        await server.Http.GetByteArrayAsync(ServerProcess.Sign("/a.ts", scope: "/a.ts").InQuery, Stop);
        foreach (var (ending, name, reason) in ((TimeSpan, string, string)[])[
            (-Day, "localhost", "NotTimeValid"), (Day, "elsewhere.example", "RemoteCertificateNameMismatch"), (Day, "localhost", "")])
        {
            using var certificate = Issue(name, ending);
            var told = await Take(certificate);
            Assert.Equal(reason.Length == 0, told is not null);
            if (told is null)
            {
                await Said(server, reason);
                continue;
            }
            var item = JsonDocument.Parse(told).RootElement.GetProperty("items")[0];
            Assert.Equal(("viewer", 100_000), (item.GetProperty("uid").GetString(), item.GetProperty("total_bytes").GetInt64()));
            await Said(server, "takes reports again");
        }
    }

    /// <summary>One connection; the body of what was posted, or null when the other side did not go on with this certificate.</summary>
    private async Task<string?> Take(X509Certificate2 certificate)
    {
        using var socket = await _listener.AcceptSocketAsync(Stop).AsTask().WaitAsync(TimeSpan.FromSeconds(15), Stop);
        await using var tls = new SslStream(new NetworkStream(socket));
        var read = new MemoryStream();
        try
        {
            await tls.AuthenticateAsServerAsync(certificate);
            var piece = new byte[4096];
            for (var missing = 1; missing > 0;)
            {
                var n = await tls.ReadAsync(piece, Stop);
                if (n == 0)
                    break;
                read.Write(piece, 0, n);
                var text = Encoding.ASCII.GetString(read.ToArray());
                var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
                var length = end < 0 ? "1" : text.Split("Content-Length: ")[1].Split('\r')[0];
                missing = int.Parse(length, System.Globalization.CultureInfo.InvariantCulture) - (end < 0 ? 0 : text.Length - end - 4);
            }
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
        {
            // It has sent an alert.
        }
        if (read.Length == 0)
            return null;
        await tls.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray(), Stop);
        return Encoding.ASCII.GetString(read.ToArray()).Split("\r\n\r\n")[1];
    }

    private X509Certificate2 Issue(string name, TimeSpan ending)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using var made = request.Create(_root, DateTimeOffset.UtcNow - 90 * Day, DateTimeOffset.UtcNow + ending, RandomNumberGenerator.GetBytes(8));
        return made.CopyWithPrivateKey(key);
    }

    private static async Task Said(ServerProcess server, string what)
    {
        var log = Path.Combine(server.LogFolder, "xlive.log");
        for (var i = 0; !(await File.ReadAllTextAsync(log, Stop)).Contains(what, StringComparison.Ordinal); i++)
        {
            Assert.True(i < 100, $"the log does not say '{what}':\n{await File.ReadAllTextAsync(log, Stop)}");
            await Task.Delay(50, Stop);
        }
    }
}
