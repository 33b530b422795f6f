using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using XLive.Server.Door;
using XLive.Server.Door.Tls;
using XLive.Server.Operations.Health;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Tls;

/// <summary>Certificates that are renewed, spoiled and swapped under a running server.</summary>
public sealed class CertificateTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xlive-cert-").FullName;
    private readonly int _port = FreePort.Next();

    private string CertificateFile => Path.Combine(_folder, "site.crt");
    private string KeyFile => Path.Combine(_folder, "site.key");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Task<TestServer> Start(TimeProvider? clock = null) => TestServer.StartAsync(clock ?? TimeProvider.System, $"--tls.port={_port}", $"--tls.certificate={CertificateFile}", $"--tls.key={KeyFile}");

    private void Write(TestAuthority.Pair pair)
    {
        File.WriteAllText(CertificateFile, pair.Certificate);
        File.WriteAllText(KeyFile, pair.Key);
    }

    private RawClient Connect(SslProtocols protocol = SslProtocols.None) => new(new IPEndPoint(IPAddress.Loopback, _port), tls: TlsServer.Client(protocol));

    /// <summary>The serial number of what a new handshake shows.</summary>
    private string Shown()
    {
        using var client = Connect();
        return ((X509Certificate2)client.Tls!.RemoteCertificate!).SerialNumber;
    }

    private static void AssertHealth(TestServer server, HealthState state, string sentence, HandClock? clock = null) => Until.True(() =>
    {
        clock?.Pass(TimeSpan.FromSeconds(0.5));
        var entry = server.Get<HealthChecks>().Entries.Single(e => e.Name == "certificate");
        return entry.State == state && entry.Detail.Contains(sentence, StringComparison.Ordinal);
    }, $"{state}: {sentence}; is {server.Get<HealthChecks>().Entries.Single(e => e.Name == "certificate")}");

    [Fact]
    public async Task Renewed_while_running()
    {
        var (first, second) = (TestAuthority.SelfSigned(), TestAuthority.SelfSigned());
        Write(first);
        var clock = new HandClock();
        clock.Step(DateTimeOffset.UtcNow - clock.GetUtcNow());
        await using var server = await Start(clock);
        using var old = Connect();
        Assert.Equal(200, old.Ask("GET", "/health/live").Status);
        AssertHealth(server, HealthState.Healthy, "CN=localhost expires in 59 days", clock);

        File.WriteAllText(CertificateFile, second.Certificate);
        // By itself, for nobody tells it: it looks every other second.
        AssertHealth(server, HealthState.Degraded, $"tls.key: the key in {KeyFile} is not that of the certificate in {CertificateFile}; the old certificate is served on", clock);
        Assert.Equal(first.Serial, Shown());
        File.WriteAllText(KeyFile, second.Key);
        Until.Equal(second.Serial, () =>
        {
            clock.Pass(TimeSpan.FromSeconds(0.5));
            return Shown();
        }, "the certificate shown");
        AssertHealth(server, HealthState.Healthy, "CN=localhost expires in 59 days", clock);
        Assert.Equal(200, old.Ask("GET", "/health/live").Status);
        Assert.Equal(1, server.Get<Certificates>().Renewals);
    }

    [Fact]
    public async Task Spoiled_files_leave_the_old_one_and_other_kinds_of_key_are_taken()
    {
        var first = TestAuthority.Rsa();
        Write(first);
        await using var server = await Start();
        var certificates = server.Get<Certificates>();
        Assert.Equal(first.Serial, Shown());

        void Spoiled(string sentence)
        {
            certificates.Look();
            Assert.Contains(sentence, certificates.Fault, StringComparison.Ordinal);
            Assert.Equal(first.Serial, Shown());
        }

        File.WriteAllText(CertificateFile, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        Spoiled($"tls.certificate: {CertificateFile} holds a certificate that cannot be read");
        File.WriteAllText(CertificateFile, "\0\0\0");
        Spoiled($"tls.certificate: {CertificateFile} holds no certificate");
        File.WriteAllText(CertificateFile, "");
        Spoiled($"tls.certificate: {CertificateFile} holds no certificate");
        File.Delete(CertificateFile);
        Spoiled($"tls.certificate: {CertificateFile} does not exist");
        Directory.CreateDirectory(CertificateFile);
        Spoiled($"tls.certificate: {CertificateFile} is a directory");
        Directory.Delete(CertificateFile);
        File.CreateSymbolicLink(CertificateFile, "/dev/zero");
        Spoiled($"tls.certificate: {CertificateFile} is larger than a certificate can be");
        File.Delete(CertificateFile);
        using (var large = File.Create(CertificateFile))
            large.SetLength(1L << 40);
        Spoiled($"tls.certificate: {CertificateFile} is larger than a certificate can be");
        File.WriteAllText(CertificateFile, first.Certificate);
        File.WriteAllText(KeyFile, TestAuthority.SelfSigned().Key);
        Spoiled($"tls.key: the key in {KeyFile} is not that of the certificate");
        // OpenSSL would end each of its handshakes.
        Write(TestAuthority.Rsa(bits: 1024));
        Spoiled("tls.certificate: the key of the certificate has 1024 bits");
        Assert.Equal(0, certificates.Renewals);

        Write(first);
        certificates.Look();
        Assert.Null(certificates.Fault);
        var other = TestAuthority.SelfSigned();
        Write(other);
        certificates.Look();
        Assert.Null(certificates.Fault);
        Assert.Equal(other.Serial, Shown());
    }

    /// <summary>certbot's live/ holds links into archive/, and a mounted secret is a folder that a link is swapped to.</summary>
    [Fact]
    public async Task A_link_that_is_swapped_is_a_renewal()
    {
        foreach (var n in (int[])[1, 2])
        {
            Directory.CreateDirectory(Path.Combine(_folder, $"v{n}"));
            var pair = TestAuthority.SelfSigned();
            File.WriteAllText(Path.Combine(_folder, $"v{n}/c.pem"), pair.Certificate + pair.Key);
        }
        File.CreateSymbolicLink(Path.Combine(_folder, "now"), "v1");
        // One file for both.
        await using var server = await TestServer.StartAsync($"--tls.port={_port}", $"--tls.certificate={_folder}/now/c.pem");
        var first = Shown();
        File.Delete(Path.Combine(_folder, "now"));
        File.CreateSymbolicLink(Path.Combine(_folder, "now"), "v2");
        server.Get<Certificates>().Look();
        Assert.NotEqual(first, Shown());
        Assert.Equal(1, server.Get<Certificates>().Renewals);
    }

    [Theory]
    [InlineData(-2, "CN=localhost expired ")]
    [InlineData(3, "CN=localhost expires in 2 days")]
    public async Task Health_tells_of_the_end_before_it_comes(int days, string sentence)
    {
        Write(TestAuthority.SelfSigned(lasts: TimeSpan.FromDays(days)));
        await using var server = await Start();
        AssertHealth(server, HealthState.Degraded, sentence);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Handshakes_go_on_while_certificates_come_and_go(SslProtocols protocol)
    {
        var pairs = Enumerable.Range(0, 4).Select(_ => TestAuthority.SelfSigned()).ToArray();
        Write(pairs[0]);
        await using var server = await Start();
        var certificates = server.Get<Certificates>();
        using var stop = new CancellationTokenSource();
        var made = new int[2];
        var clients = made.Select((_, c) => Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                using var client = Connect(protocol);
                Assert.Equal(200, client.Ask("GET", "/health/live").Status);
                Interlocked.Increment(ref made[c]);
            }
        })).ToArray();
        for (var i = 1; i <= 12; i++)
        {
            Write(pairs[i % 4]);
            certificates.Look();
            Assert.Equal(i, certificates.Renewals);
            GC.Collect();
            // Each has ended one that began before, and one that began after; or failed, and says so below.
            var before = made.ToArray();
            Until.True(() => Array.Exists(clients, static c => c.IsCompleted) || made.Zip(before).All(static m => m.First >= m.Second + 2), "handshakes");
        }
        await stop.CancelAsync();
        await Task.WhenAll(clients);
    }
}
