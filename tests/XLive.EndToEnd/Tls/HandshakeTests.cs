using System.Diagnostics;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd.Tls;

/// <summary>Handshakes as OpenSSL's own client makes them.</summary>
public sealed class HandshakeTests(HandshakeTests.Served served) : IClassFixture<HandshakeTests.Served>
{
    public sealed class Served : IAsyncLifetime
    {
        readonly TempFolder _folder = new();
        Process? _responder;

        public Authority Authority { get; private set; } = null!;
        public ServerProcess Server { get; private set; } = null!;
        public int Port { get; } = FreePort.Next();
        public string this[string file] => _folder[file];

        public async ValueTask InitializeAsync()
        {
            File.WriteAllText(Path.Combine(Directory.CreateDirectory(_folder["media"]).FullName, "a.ts"), "FILM");
            Authority = await Authority.Make();
            // Not the responder: it comes later, and the server must do without.
            Server = await ServerProcess.Start(_folder["media"], "--access.enable=false", $"--tls.port={Port}", $"--tls.certificate={Authority.Chain}", $"--tls.key={Authority.Key}");
        }

        public void StartResponder() => _responder ??= Authority.Responder();

        public async ValueTask DisposeAsync()
        {
            if (_responder is not null)
                await Tool.Stop(_responder, TimeSpan.FromSeconds(5));
            await Server.DisposeAsync();
            Authority.Dispose();
            _folder.Dispose();
        }
    }

    const string Get = @"GET /a.ts HTTP/1.1\r\nHost: localhost\r\n\r\n";

    Task<ToolResult> Client(string input, params string[] options) => OpenSslClient.Run(served.Port, [input], options);

    [Fact]
    public async Task The_chain_is_sent_whole_and_in_order()
    {
        var shown = await Client(Get, "-showcerts", "-CAfile", served.Authority.Root);
        Assert.Contains("Verify return code: 0 (ok)", shown.Output, StringComparison.Ordinal);
        Assert.Contains("FILM", shown.Output, StringComparison.Ordinal);
        // The root, which the file holds too, is the client's own affair.
        var sent = shown.Output.Split('\n').Where(l => l.Contains(" s:", StringComparison.Ordinal)).Select(l => l.Trim()).ToArray();
        Assert.Equal(["0 s:CN = localhost", "1 s:CN = Issuer"], sent);
    }

    [Theory]
    [InlineData("-tls1")]
    [InlineData("-tls1_1")]
    public async Task Old_protocols_are_refused(string protocol)
    {
        var refused = await Client(Get, protocol, "-cipher", "DEFAULT:@SECLEVEL=0");
        Assert.Contains("alert protocol version", refused.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("FILM", refused.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_negotiates_anew()
    {
        // "R" at the start of a line asks for it.
        var asked = await Client(@"R\n", "-tls1_2");
        Assert.Contains("RENEGOTIATING", asked.Output + asked.Errors, StringComparison.Ordinal);
        Assert.NotEqual(0, asked.ExitCode);
        Assert.Contains("unexpected eof", asked.Errors, StringComparison.Ordinal);
        // A stranger's try is nothing of ours that failed.
        Assert.DoesNotContain("Unhandled", served.Server.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-tls1_2", "TLSv1.2")]
    [InlineData("-tls1_3", "TLSv1.3")]
    public async Task Sessions_are_resumed(string option, string protocol)
    {
        var session = served["session" + option];
        var first = await Client(Get, option, "-sess_out", session);
        Assert.Contains($"New, {protocol}", first.Output, StringComparison.Ordinal);
        for (var i = 0; i < 2; i++)
        {
            var again = await Client(Get, option, "-sess_in", session);
            Assert.Contains($"Reused, {protocol}", again.Output, StringComparison.Ordinal);
            Assert.Contains("FILM", again.Output, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("TLS_AES_128_GCM_SHA256")]
    [InlineData("TLS_AES_256_GCM_SHA384")]
    [InlineData("TLS_CHACHA20_POLY1305_SHA256")]
    [InlineData("ECDHE-ECDSA-AES128-GCM-SHA256")]
    [InlineData("ECDHE-ECDSA-AES256-GCM-SHA384")]
    public async Task Ciphers_of_now_are_spoken(string cipher)
    {
        var answer = await Client(Get, cipher.StartsWith("TLS_", StringComparison.Ordinal) ? ["-ciphersuites", cipher] : ["-tls1_2", "-cipher", cipher]);
        Assert.Contains($"Cipher is {cipher}", answer.Output, StringComparison.Ordinal);
        Assert.Contains("FILM", answer.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("AES128-SHA")]
    [InlineData("NULL")]
    [InlineData("ECDHE-ECDSA-AES128-SHA")]
    public async Task Ciphers_of_yesterday_are_not(string cipher)
    {
        var answer = await Client(Get, "-tls1_2", "-cipher", cipher + ":@SECLEVEL=0");
        Assert.DoesNotContain("FILM", answer.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_are_updated_within_a_connection()
    {
        // "K" asks the peer for new keys too (RFC 8446 section 4.6.3).
        var answer = await OpenSslClient.Run(served.Port, [@"K\n", Get, Get], "-tls1_3");
        Assert.Contains("KEYUPDATE", answer.Output + answer.Errors, StringComparison.Ordinal);
        Assert.Contains("FILM", answer.Output, StringComparison.Ordinal);
    }

    /// <summary>The responder was not there at the start; the first handshakes go on without its word, and it is heard once it speaks.</summary>
    [Fact]
    public async Task An_ocsp_answer_is_stapled_as_soon_as_there_is_one()
    {
        var without = await Client(Get, "-status");
        Assert.Contains("OCSP response: no response sent", without.Output, StringComparison.Ordinal);
        Assert.Contains("FILM", without.Output, StringComparison.Ordinal);
        served.StartResponder();
        var clock = Stopwatch.StartNew();
        ToolResult with;
        do
            with = await Client(Get, "-status", "-CAfile", served.Authority.Root);
        while (!with.Output.Contains("OCSP Response Status: successful", StringComparison.Ordinal) && clock.Elapsed < TimeSpan.FromSeconds(12));
        Assert.Contains("OCSP Response Status: successful (0x0)", with.Output, StringComparison.Ordinal);
        Assert.Contains("Cert Status: good", with.Output, StringComparison.Ordinal);
        Assert.Contains("Verify return code: 0 (ok)", with.Output, StringComparison.Ordinal);
    }
}
