using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd.Http2;

/// <summary>The built server with a certificate of its own and a few films, for tests that spoil connections and not films.</summary>
public sealed class H2Server : IAsyncLifetime
{
    readonly TempFolder _folder = new();

    public string[] Options { get; init; } = [];
    public ServerProcess Server { get; private set; } = null!;
    public int Port { get; private set; }

    public async ValueTask InitializeAsync()
    {
        var media = Directory.CreateDirectory(_folder["media"]).FullName;
        File.WriteAllText(Path.Combine(media, "a.ts"), "FILM");
        File.WriteAllBytes(Path.Combine(media, "large.ts"), RandomNumberGenerator.GetBytes(1 << 20));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(2));
        File.WriteAllText(_folder["cert.pem"], certificate.ExportCertificatePem());
        File.WriteAllText(_folder["key.pem"], key.ExportPkcs8PrivateKeyPem());
        Port = ServerProcess.FreePort();
        Server = await ServerProcess.Start(media, [
            "--access.enable=false", $"--tls.port={Port}", $"--tls.certificate={_folder["cert.pem"]}", $"--tls.key={_folder["key.pem"]}", .. Options]);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        _folder.Dispose();
    }
}
