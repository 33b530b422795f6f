using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace XLive.Server.Tests.Tls;

/// <summary>Files as a renewer writes them: a certificate with a key of its own, signed by itself or by an authority in between.</summary>
internal static class TestAuthority
{
    public sealed record Pair(string Certificate, string Key, string Serial);

    public static Pair SelfSigned(string name = "localhost", TimeSpan? lasts = null, TimeSpan? since = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256).CreateSelfSigned(
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
