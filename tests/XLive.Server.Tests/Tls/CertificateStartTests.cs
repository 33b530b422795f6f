using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using XLive.Server.Tests.Gate;

namespace XLive.Server.Tests.Tls;

/// <summary>A start with files that cannot be served: one line, which names the setting and the file.</summary>
[Collection(ProgramTests.Name)]
public sealed class CertificateStartTests : IDisposable
{
    private readonly ProgramFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private async Task AssertFault(string line, params string[] options)
    {
        var ended = await XliveProgram.RunAsync(_folder.Path, ["--server.port=0", "--hls.port=0", "--rtmp.port=0", $"--backend.filesystem.root={_folder.Path}/media", .. options]);
        Assert.True(ended.Code == 2, $"{string.Join(' ', options)} ended with {ended.Code}: {ended.Output}{ended.Errors}");
        Assert.EndsWith(line, Assert.Single(ended.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_that_cannot_be_served()
    {
        var (pair, other) = (TestAuthority.SelfSigned(), TestAuthority.SelfSigned());
        _folder.Write("c.pem", pair.Certificate);
        _folder.Write("k.pem", pair.Key);
        _folder.Write("other.pem", other.Key);
        using (var key = ECDsa.Create(ECCurve.NamedCurves.nistP256))
            _folder.Write("locked.pem", key.ExportEncryptedPkcs8PrivateKeyPem("word", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)));
        await AssertFault("tls.certificate: tls.port needs a certificate", "--tls.port=7443");
        await AssertFault("rtmps.port: needs a certificate: set tls.certificate", "--rtmps.port=7444");
        await AssertFault("tls.key: there is no tls.certificate for it", "--tls.key=k.pem");
        await AssertFault("tls.certificate: none.pem does not exist", "--tls.port=7443", "--tls.certificate=none.pem", "--tls.key=k.pem");
        await AssertFault("tls.key: none.pem does not exist", "--tls.port=7443", "--tls.certificate=c.pem", "--tls.key=none.pem");
        await AssertFault("tls.certificate: media is a directory", "--tls.port=7443", "--tls.certificate=media", "--tls.key=k.pem");
        await AssertFault("tls.key: /dev/zero is larger than a certificate can be", "--tls.port=7443", "--tls.certificate=c.pem", "--tls.key=/dev/zero");
        await AssertFault("tls.key: the key in other.pem is not that of the certificate in c.pem", "--tls.port=7443", "--tls.certificate=c.pem", "--tls.key=other.pem");
        await AssertFault("tls.key: locked.pem is encrypted; write it without a passphrase: openssl pkey -in FILE -out FILE",
            "--tls.port=7443", "--tls.certificate=c.pem", "--tls.key=locked.pem");
        await AssertFault("tls.certificate: c.pem holds no private key (PEM, BEGIN PRIVATE KEY)", "--tls.port=7443", "--tls.certificate=c.pem");
        await AssertFault("tls.redirect: needs tls.port; where a proxy does the TLS, let it redirect too", "--tls.redirect=true");
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named()
    {
        using var taken = new TcpListener(IPAddress.IPv6Any, 0);
        taken.Server.DualMode = true;
        taken.Start();
        var pair = TestAuthority.SelfSigned();
        _folder.Write("site.pem", pair.Certificate + pair.Key);
        var ended = await XliveProgram.RunAsync(_folder.Path, $"--server.port={FreePort.Next()}", "--hls.port=0", "--rtmp.port=0", $"--backend.filesystem.root={_folder.Path}/media",
            $"--tls.port={((IPEndPoint)taken.LocalEndpoint).Port}", "--tls.certificate=site.pem");
        Assert.Equal(3, ended.Code);
        Assert.Contains("tls.port: ", ended.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", ended.Errors, StringComparison.Ordinal);
    }
}
