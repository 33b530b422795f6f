using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace XLive.Server.Storage.Redis;

/// <summary>How we meet a server's certificate, and show our own. Read at each connection: a renewed file needs no restart.</summary>
internal static class RedisTlsFiles
{
    public static SslClientAuthenticationOptions Read(RedisTls tls)
    {
        var options = new SslClientAuthenticationOptions
        {
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            // Nothing is fetched while a handshake waits.
            CertificateChainPolicy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck },
        };
        if (tls.Authority.Length > 0)
        {
            options.CertificateChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            options.CertificateChainPolicy.CustomTrustStore.ImportFromPemFile(tls.Authority);
            if (options.CertificateChainPolicy.CustomTrustStore.Count == 0)
                throw new System.Security.Cryptography.CryptographicException($"{tls.Authority} holds no certificate");
        }
        // verify=false: any certificate will do, but there must be one.
        if (!tls.Verify)
            options.RemoteCertificateValidationCallback = static (_, _, _, faults) => (faults & SslPolicyErrors.RemoteCertificateNotAvailable) == 0;
        if (tls.Certificate.Length > 0)
        {
            using var pem = X509Certificate2.CreateFromPemFile(tls.Certificate, tls.Key);
            options.ClientCertificateContext = SslStreamCertificateContext.Create(
                X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null), null, offline: true);
        }
        return options;
    }
}
