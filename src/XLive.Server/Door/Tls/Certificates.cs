using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Door.Tls;

/// <summary>
/// The certificate that handshakes are made with now. Looks at its files every other second: a renewed one is taken for the next
/// handshake, and one that cannot be used leaves the old one in place, for a renewer writes two files one after the other.
/// </summary>
public sealed partial class Certificates(ServerSettings settings, Supervisor supervisor, ILogger<Certificates> log) : IHostedService, IDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);

    private readonly Lock _looking = new();
    private volatile Served? _served;
    private SupervisedLoop? _looks;
    private byte[]? _refused;

    /// <summary>Null while no port is encrypted.</summary>
    public DateTimeOffset? Expires => _served?.Expires;

    public string Subject => _served?.Files.Certificate.Subject ?? "";

    /// <summary>What is wrong with the files as they are now, while an older certificate serves on.</summary>
    public string? Fault { get; private set; }

    public int Renewals { get; private set; }

    /// <summary>What Kestrel asks for at each handshake.</summary>
    internal SslServerAuthenticationOptions Options => _served!.Options;

    /// <summary>Before the ports open. The settings' check has read the files a moment ago.</summary>
    public void Load() => _served = Read(settings.Of<TlsOptions>());

    private static Served Read(TlsOptions options)
    {
        var files = CertificateFiles.Read(options);
        try
        {
            return new Served(files);
        }
        catch (Exception e) when (e is CryptographicException or AuthenticationException or ArgumentException or NotSupportedException)
        {
            files.Dispose();
            throw new CertificateException("tls.certificate", $"{options.Certificate} cannot be served: {e.Message}", e);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (settings.Of<TlsOptions>().Certificate is not null)
            _looks = supervisor.Every("certificates", Every, Look);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _looks?.Dispose();

    internal void Look()
    {
        // The loop's and a test's; no request waits for it.
        lock (_looking)
            LookOnce();
    }

    private void LookOnce()
    {
        var options = settings.Of<TlsOptions>();
        // No port needs it; or somebody took the key out of a running server's settings: what serves goes on until the restart that tls.port needs.
        if (_served is null || options.Certificate is null)
            return;
        var print = CertificateFiles.PrintOf(options);
        if (print is not null && print.AsSpan().SequenceEqual(_served.Files.Print))
        {
            (Fault, _refused) = (null, null);
            return;
        }
        // The same broken files need no second try, nor a line every other second.
        if (print is not null && print.AsSpan().SequenceEqual(_refused))
            return;
        try
        {
            var renewed = Read(options);
            // The old one is not disposed: handshakes under way still use it.
            _served = renewed;
            (Fault, _refused) = (null, null);
            Renewals++;
            LogRenewed(renewed.Files.Certificate.Subject, renewed.Expires);
        }
        catch (CertificateException e)
        {
            var fault = $"{e.Key}: {e.Message}";
            if (fault != Fault)
                LogRefused(e.Key, e.Message);
            (Fault, _refused) = (fault, print);
        }
    }

    [LoggerMessage(LogLevel.Information, "the certificate of {Subject} is served from now on; it expires {Expires:u}")]
    private partial void LogRenewed(string subject, DateTimeOffset expires);

    [LoggerMessage(LogLevel.Error, "{Key}: {Why}; the old certificate is served on")]
    private partial void LogRefused(string key, string why);

    private sealed class Served
    {
        public Served(CertificateFiles files)
        {
            Files = files;
            Options = new SslServerAuthenticationOptions
            {
                // Builds the chain and, where the certificate names a responder, fetches its OCSP answer in the background for stapling.
                ServerCertificateContext = SslStreamCertificateContext.Create(files.Certificate, files.Chain),
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
                // A client may ask for handshake after handshake on one connection, each a signature for us (CVE-2011-1473).
                AllowRenegotiation = false,
                AllowTlsResume = true,
            };
        }

        public CertificateFiles Files { get; }
        public SslServerAuthenticationOptions Options { get; }
        public DateTimeOffset Expires => Files.Certificate.NotAfter;
    }
}
