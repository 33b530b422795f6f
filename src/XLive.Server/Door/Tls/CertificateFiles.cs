using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace XLive.Server.Door.Tls;

/// <summary>A certificate with its key and the certificates between it and a root, as tls.certificate and tls.key hold them.</summary>
public sealed class CertificateFiles : IDisposable
{
    // A chain has a few kilobytes; a device or a film named by mistake must not fill the memory.
    private const int Largest = 1 << 20;

    private CertificateFiles(X509Certificate2 certificate, X509Certificate2Collection chain, byte[] print)
    {
        Certificate = certificate;
        Chain = chain;
        Print = print;
    }

    public X509Certificate2 Certificate { get; }
    public X509Certificate2Collection Chain { get; }

    /// <summary>A hash of what the files held. Contents, not times: renewers rename old files over new ones and swap symlinks.</summary>
    public byte[] Print { get; }

    public static byte[]? PrintOf(TlsOptions options)
    {
        try
        {
            return Hash(Bytes("tls.certificate", options.Certificate!), options.Key is null ? [] : Bytes("tls.key", options.Key));
        }
        catch (CertificateException)
        {
            return null;
        }
    }

    public static CertificateFiles Read(TlsOptions options)
    {
        var file = options.Certificate!;
        var pem = Bytes("tls.certificate", file);
        var keyName = options.Key is null ? "tls.certificate" : "tls.key";
        var keyFile = options.Key ?? file;
        var keyPem = options.Key is null ? pem : Bytes("tls.key", keyFile);
        var chain = new X509Certificate2Collection();
        try
        {
            chain.ImportFromPem(System.Text.Encoding.UTF8.GetString(pem));
        }
        catch (CryptographicException e)
        {
            throw new CertificateException("tls.certificate", $"{file} holds a certificate that cannot be read: {e.Message}", e);
        }
        if (chain.Count == 0)
            throw new CertificateException("tls.certificate", $"{file} holds no certificate (PEM, BEGIN CERTIFICATE)");
        // The server's own comes first, its issuers follow (RFC 8446 section 4.4.2).
        var own = chain[0];
        chain.RemoveAt(0);
        var keyText = System.Text.Encoding.UTF8.GetString(keyPem);
        // The second is OpenSSL's own older form, a header within the block (RFC 1421 section 4.6.1.1).
        if (keyText.Contains("BEGIN ENCRYPTED PRIVATE KEY", StringComparison.Ordinal) || keyText.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal))
            throw new CertificateException(keyName, $"{keyFile} is encrypted; write it without a passphrase: openssl pkey -in FILE -out FILE");
        try
        {
            using (own)
            {
                var certificate = WithKey(own, keyText);
                return new CertificateFiles(certificate, chain, Hash(pem, options.Key is null ? [] : keyPem));
            }
        }
        catch (Exception e) when (e is (CryptographicException or ArgumentException) and not CertificateException)
        {
            var why = keyText.Contains("PRIVATE KEY-----", StringComparison.Ordinal)
                ? $"the key in {keyFile} is not that of the certificate in {file}"
                : $"{keyFile} holds no private key (PEM, BEGIN PRIVATE KEY)";
            throw new CertificateException(keyName, why, e);
        }
    }

    private static X509Certificate2 WithKey(X509Certificate2 certificate, string keyPem)
    {
        if (certificate.GetRSAPublicKey() is { } rsaPublic)
        {
            var bits = rsaPublic.KeySize;
            rsaPublic.Dispose();
            // OpenSSL at its default security level ends every handshake with less, with an alert that says something else.
            if (bits < 2048)
                throw new CertificateException("tls.certificate", $"the key of the certificate has {bits} bits; clients and OpenSSL want 2048 of RSA");
            using var rsa = RSA.Create();
            rsa.ImportFromPem(keyPem);
            return certificate.CopyWithPrivateKey(rsa);
        }
        if (certificate.GetECDsaPublicKey() is not { } ecPublic)
            throw new CertificateException("tls.certificate", $"the certificate is neither RSA nor ECDSA ({certificate.PublicKey.Oid.FriendlyName ?? certificate.PublicKey.Oid.Value})");
        ecPublic.Dispose();
        // A PEM key may stand behind an EC PARAMETERS block, which OpenSSL writes by default; the base library skips it.
        using var ec = ECDsa.Create();
        ec.ImportFromPem(keyPem);
        return certificate.CopyWithPrivateKey(ec);
    }

    private static byte[] Bytes(string key, string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            // Looked at every other second, so no more is taken than it holds; a device or a file that grows says it has less than it gives.
            var bytes = new byte[Math.Min(file.CanSeek ? file.Length : 0, Largest) + 1];
            var got = 0;
            while (file.Read(bytes, got, bytes.Length - got) is > 0 and var more)
            {
                got += more;
                if (got > Largest)
                    throw new CertificateException(key, $"{path} is larger than a certificate can be");
                if (got == bytes.Length)
                    Array.Resize(ref bytes, Math.Min(Math.Max(got * 2, 4096), Largest + 1));
            }
            return bytes[..got];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            var why = Directory.Exists(path) ? $"{path} is a directory"
                : e is FileNotFoundException or DirectoryNotFoundException ? $"{path} does not exist" : e.Message;
            throw new CertificateException(key, why, e);
        }
    }

    private static byte[] Hash(byte[] certificate, byte[] key)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(BitConverter.GetBytes(certificate.Length));
        hash.AppendData(certificate);
        hash.AppendData(key);
        return hash.GetHashAndReset();
    }

    public void Dispose()
    {
        Certificate.Dispose();
        foreach (var between in Chain)
            between.Dispose();
    }
}
