using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace XLive.Server.Tests.Tls;

/// <summary>Files as a renewer writes them: a certificate with a key of its own, signed by itself or by an authority in between.</summary>
internal static class TestAuthority
{
    public sealed record Pair(string Certificate, string Key, string Serial)
    {
        /// <summary>The options that turn TLS on with it.</summary>
        public string[] Options(string folder, int port)
        {
            var (certificate, key) = (Path.Combine(folder, "tls.crt"), Path.Combine(folder, "tls.key"));
            File.WriteAllText(certificate, Certificate);
            File.WriteAllText(key, Key);
            return [$"--tls.port={port}", $"--tls.certificate={certificate}", $"--tls.key={key}"];
        }
    }

    public static Pair SelfSigned(string name = "localhost", TimeSpan? lasts = null, TimeSpan? since = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var made = request.CreateSelfSigned(
            DateTimeOffset.UtcNow - (since ?? TimeSpan.FromDays(60)), DateTimeOffset.UtcNow + (lasts ?? TimeSpan.FromDays(60)));
        return new(made.ExportCertificatePem() + "\n", key.ExportECPrivateKeyPem() + "\n", made.SerialNumber);
    }

    public static Pair Rsa(string name = "localhost", int bits = 2048)
    {
        using var key = RSA.Create(bits);
        using var made = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(
            DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(60));
        return new(made.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n", made.SerialNumber);
    }
}
