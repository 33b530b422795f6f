using System.Net;
using System.Text;
using XLive.Server.Door.Clients;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Gate;

namespace XLive.Server.Tests.Tls;

/// <summary>Where those are sent who come in clear while tls.redirect is on.</summary>
public sealed class HttpsRedirectTests(HttpsRedirectTests.Redirecting shared) : IClassFixture<HttpsRedirectTests.Redirecting>
{
    public sealed class Redirecting : TlsServer
    {
        protected override string[] MoreSettings =>
            ["--tls.redirect=true", "--access.trusted_proxies=[127.0.0.2]", "--server.public_url=[https://site.example, https://cdn.example:8443, http://old.example]"];
    }

    private Task<Reply> Ask(string method, string target, params string[] headers) => Reply.Of(shared.Server.Port, method, target, null, headers);

    private string Here(string host) => $"https://{host}:{shared.Port}";

    [Theory]
    [InlineData("GET", 301)]
    [InlineData("HEAD", 301)]
    [InlineData("POST", 308)]
    [InlineData("DELETE", 308)]
    [InlineData("OPTIONS", 308)]
    public async Task To_the_same_url_byte_for_byte(string method, int status)
    {
        foreach (var target in (string[])["/films/a.ts", "/films/a.ts?token=a%2Fb&x=1?y=%zz", "/", "/%C3%BC%20x;y=1/a.ts", "/~v1.u1.x/films/a.ts", "/stats", "/login", "/a'b(c)!*"])
        {
            var reply = await Ask(method, target, "Content-Length: 0");
            Assert.True(status == reply.Status, $"{target}: {reply.Status} {reply.Text}");
            Assert.Equal(Here("localhost") + target, reply["Location"]);
            Assert.Equal("0", reply["Content-Length"]);
            Assert.Empty(reply.Body);
            // The page of another origin may follow, or it only sees that something failed.
            Assert.Equal("*", reply["Access-Control-Allow-Origin"]);
        }
    }

    [Theory]
    [InlineData("films.example", "https://films.example:PORT")]
    [InlineData("films.example:80", "https://films.example:PORT")]
    [InlineData("FILMS.example:7889", "https://FILMS.example:PORT")]
    [InlineData("192.0.2.7:7889", "https://192.0.2.7:PORT")]
    [InlineData("[2001:db8::7]:7889", "https://[2001:db8::7]:PORT")]
    [InlineData("[::1]", "https://[::1]:PORT")]
    [InlineData("xn--bcher-kva.example", "https://xn--bcher-kva.example:PORT")]
    [InlineData("xn--a.example", "https://xn--a.example:PORT")]
    [InlineData("xn--:80", "https://xn--:PORT")]
    [InlineData("site.example", "https://site.example")]
    [InlineData("SITE.example:80", "https://site.example")]
    [InlineData("cdn.example:80", "https://cdn.example:8443")]
    [InlineData("old.example", "https://old.example:PORT")]
    public async Task By_the_host_that_was_asked_for(string host, string origin)
    {
        var reply = await Ask("GET", "/films/a.ts?x", "Host: " + host);
        Assert.Equal(301, reply.Status);
        Assert.Equal(origin.Replace("PORT", shared.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal) + "/films/a.ts?x", reply["Location"]);
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("a\tb")]
    [InlineData("evil.example\r\nX: y")]
    [InlineData("evil.example/path")]
    [InlineData("user@evil.example")]
    [InlineData("evil.example,other")]
    [InlineData("evil.example\\")]
    [InlineData("a\"b")]
    [InlineData("a;b")]
    [InlineData("b\u00fccher.example")]
    [InlineData("[::1")]
    [InlineData("a:b:c")]
    [InlineData("%0d%0aX:y")]
    public async Task Hosts_that_are_none_are_never_echoed(string host)
    {
        foreach (var scheme in (string[])["", "http://localhost"])
        {
            using var socket = await Reply.Connect(shared.Server.Port);
            await socket.SendAsync(Encoding.Latin1.GetBytes($"GET {scheme}/films/a.ts HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
            var received = new StringBuilder();
            var buffer = new byte[4096];
            while (await socket.ReceiveAsync(buffer) is > 0 and var n)
                received.Append(Encoding.Latin1.GetString(buffer, 0, n));
            var text = received.ToString();
            // A header of its own behind a whole Host line is what the client itself wrote.
            var whole = scheme.Length == 0 && host.StartsWith("evil.example\r\n", StringComparison.Ordinal);
            Assert.StartsWith(whole ? "HTTP/1.1 301 " : "HTTP/1.1 400 ", text, StringComparison.Ordinal);
            Assert.DoesNotContain("\nX:", text, StringComparison.OrdinalIgnoreCase);
            Assert.True(whole || !text.Contains("\nLocation:", StringComparison.OrdinalIgnoreCase), text);
        }
        Assert.DoesNotContain("failed", shared.Server.Log(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_names_no_host_is_sent_to_the_public_url()
    {
        using var socket = await Reply.Connect(shared.Server.Port);
        await socket.SendAsync("GET /films/a.ts?x HTTP/1.0\r\n\r\n"u8.ToArray());
        var reply = await Reply.Next(socket);
        Assert.Equal(301, reply.Status);
        Assert.Equal("https://site.example/films/a.ts?x", reply["Location"]);
    }

    [Fact]
    public async Task Whose_proxy_spoke_https_is_served()
    {
        var link = TestServer.Signed("/films/a.ts");
        var (target, port) = (link, shared.Server.Port);
        Assert.Equal(200, (await Reply.Of(port, "GET", target, "127.0.0.2", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https")).Status);
        Assert.Equal(301, (await Reply.Of(port, "GET", target, "127.0.0.2", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: http")).Status);
        // A stranger's word.
        Assert.Equal(301, (await Reply.Of(port, "GET", target, "127.0.0.3", "X-Forwarded-Proto: https")).Status);
        foreach (var health in (string[])["/health", "/health/live", "/health/ready"])
            Assert.Equal(200, (await Ask("GET", health)).Status);
        Assert.Equal(301, (await Ask("GET", "/healthy")).Status);
        // What blocks on its socket must not do so on a thread that moves the server's.
        await Task.Yield();
        using var secure = shared.Connect();
        Assert.Equal(200, secure.Ask("GET", link).Status);
    }

    [Fact]
    public async Task Turned_on_and_off_while_running()
    {
        var folder = Directory.CreateTempSubdirectory("xlive-redirect-").FullName;
        var options = TestAuthority.SelfSigned().Options(folder, FreePort.Next());
        string Tls(bool redirect) => "tls:\n" + string.Concat(options.Select(o => $"  {o[6..].Replace("=", ": ", StringComparison.Ordinal)}\n")) + $"  redirect: {(redirect ? "true" : "false")}\n";
        await using (var server = await GateServer.StartAsync("enable: false", Tls(false)))
        {
            async Task<int> Status() => (await server.Get(Films.Segment)).Status;
            Assert.Equal(200, await Status());
            server.Reload("enable: false", Tls(true));
            Assert.Equal(301, await Status());
            server.Reload("enable: false", Tls(false));
            Assert.Equal(200, await Status());
        }
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Both_families_are_encrypted()
    {
        var folder = Directory.CreateTempSubdirectory("xlive-families-").FullName;
        var port = FreePort.Next();
        await using (var server = await TestServer.StartAsync(["--server.host=*", .. TestAuthority.SelfSigned().Options(folder, port)]))
        {
            server.Write("a.ts", "film");
            foreach (var address in (IPAddress[])[IPAddress.Loopback, IPAddress.IPv6Loopback])
            {
                using var client = new RawClient(new IPEndPoint(address, port), tls: TlsServer.Client());
                Assert.Equal("film", client.Ask("GET", TestServer.Signed("/a.ts")).Text);
            }
            Until.True(() => server.Log("access.log").Contains("Z ::1 \"GET /a.ts", StringComparison.Ordinal), "the IPv6 client's line");
            Assert.Contains("Z 127.0.0.1 \"GET /a.ts", server.Log("access.log"), StringComparison.Ordinal);
        }
        Directory.Delete(folder, recursive: true);
    }
}
