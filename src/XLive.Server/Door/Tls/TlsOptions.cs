using System.Security.Cryptography;
using XLive.Server.Settings;

namespace XLive.Server.Door.Tls;

public sealed class TlsOptions : ICheckedOptions
{
    [Setting("tls.certificate", "PEM file of the certificate and its chain; a renewed file is picked up while running")]
    public string? Certificate { get; set; }

    [Setting("tls.key", "PEM file of the certificate's private key; not needed where tls.certificate holds it too")]
    public string? Key { get; set; }

    [Setting("tls.port", "the HTTPS port, HTTP/1.1 and HTTP/2; 0 turns it off", NeedsRestart = true)]
    public int Port { get; set; }

    [Setting("tls.redirect", "answer HTTP requests with a redirect to HTTPS; health stays in clear for balancers")]
    public bool Redirect { get; set; }

    public void Check(Action<string, string> fault)
    {
        if (Port is < 0 or > 65535)
            fault("tls.port", "must be between 0 and 65535");
        if (Port > 0 && Certificate is null)
            fault("tls.certificate", "tls.port needs a certificate");
        if (Redirect && Port == 0)
            fault("tls.redirect", "needs tls.port; where a proxy does the TLS, let it redirect too");
        if (Key is not null && Certificate is null)
            fault("tls.key", "there is no tls.certificate for it");
        if (Certificate is null)
            return;
        try
        {
            CertificateFiles.Read(this).Dispose();
        }
        catch (CertificateException e)
        {
            fault(e.Key, e.Message);
        }
    }
}

/// <summary>Why the files give no certificate to serve with; <see cref="Key"/> is the setting that names the file at fault.</summary>
public sealed class CertificateException(string key, string message, Exception? inner = null) : CryptographicException(message, inner)
{
    public string Key => key;
}
