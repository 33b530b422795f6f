using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using XLive.Server.Door;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Tls;

/// <summary>What comes over TLS and HTTP/2 is what comes in clear, and that is what lies on the disk.</summary>
public sealed class TlsDeliveryTests(TlsServer sendfile, CopyingTlsServer copying) : IClassFixture<TlsServer>, IClassFixture<CopyingTlsServer>
{
    private sealed record Request(string Method, string Target, params string[] Headers);

    /// <summary>Every kind of body, each twice: what was cold is warm then.</summary>
    private static List<Request> Everything(TestServer server)
    {
        string[] files = ["/films/a.ts", "/films/large.ts", "/films/empty.ts", "/films/vod.m3u8", "/films/growing.m3u8", "/films/secret.bin"];
        var session = server.SessionPathOf("/films/main.m3u8");
        var tag = server.Ask("HEAD", "/films/large.ts")["ETag"]!;
        List<Request> requests = [];
        foreach (var file in files)
        {
            var path = session + file;
            requests.AddRange(
            [
                new("GET", path), new("HEAD", path), new("GET", path, "Range: bytes=1-30"), new("GET", path, "Range: bytes=-17"),
                new("GET", path, "Range: bytes=99-"), new("GET", path, "Range: bytes=99999999-"), new("GET", path, "Range: bytes=0-1,5-9"),
                new("GET", path, "Accept-Encoding: gzip"), new("GET", path, "If-None-Match: *"),
            ]);
        }
        requests.AddRange(
        [
            new("GET", session + "/films/large.ts", "Range: bytes=70000-2200000"), new("GET", session + "/films/large.ts", "Range: bytes=16000-17000, 1048570-1048590,3000000-"),
            new("GET", session + "/films/large.ts", "If-None-Match: " + tag), new("GET", session + "/films/large.ts", "Range: bytes=5-", "If-Range: " + tag),
            new("GET", session + "/films/none.ts"), new("GET", "/films/a.ts"), new("GET", "/none/"), new("DELETE", session + "/films/a.ts"),
            new("GET", session + "/films/..%2fa.ts"), new("OPTIONS", session + "/films/a.ts"), new("GET", "/health/live"),
        ]);
        return [.. requests, .. requests];
    }

    private static void AssertSame(Request request, Answer clear, Answer secure)
    {
        var what = $"{request.Method} {request.Target} {string.Join(' ', request.Headers)}";
        Assert.True(clear.Status == secure.Status, $"{what}: {clear.Status} in clear, {secure.Status} over TLS");
        foreach (var name in (string[])["ETag", "Last-Modified", "Content-Range", "Content-Encoding", "Cache-Control", "Access-Control-Allow-Origin", "Accept-Ranges", "Vary"])
            Assert.True(clear[name] == secure[name], $"{what}: {name}: {clear[name]} in clear, {secure[name]} over TLS");
        // Between two questions a check may come late.
        if (request.Target == "/health/live")
            return;
        // RFC 9110 section 8.6 leaves Content-Length out of a 304.
        if (secure.Status != 304)
            Assert.Equal(clear.ContentLength, secure.ContentLength);
        if (clear.Status >= 400)
            return; // its text has the request's id
        var (wanted, got) = (Whole(clear), Whole(secure));
        Pattern.AssertSame(wanted, got);
    }

    // The boundary of a multipart body is made for each response.
    private static byte[] Whole(Answer answer)
    {
        const string Key = "boundary=";
        var type = answer["Content-Type"] ?? "";
        if (!type.Contains(Key, StringComparison.Ordinal))
            return answer.Body;
        var boundary = type[(type.IndexOf(Key, StringComparison.Ordinal) + Key.Length)..].Trim('"');
        return System.Text.Encoding.Latin1.GetBytes(System.Text.Encoding.Latin1.GetString(answer.Body).Replace(boundary, "*", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, 1, true)]
    [InlineData(SslProtocols.Tls12, 2, true)]
    [InlineData(SslProtocols.Tls13, 1, true)]
    [InlineData(SslProtocols.Tls13, 2, true)]
    [InlineData(SslProtocols.Tls12, 1, false)]
    [InlineData(SslProtocols.Tls13, 2, false)]
    public async Task Every_kind_of_body_on_one_connection(SslProtocols protocol, int version, bool bySendfile)
    {
        TlsServer shared = bySendfile ? sendfile : copying;
        var requests = Everything(shared.Server);
        using var clear = shared.Server.Connect();
        using var secure = version == 1 ? shared.Connect(protocol) : null;
        using var http2 = version == 2 ? shared.Http2(protocol) : null;
        var accepted = shared.Server.Get<ConnectionCount>().Accepted;
        foreach (var request in requests)
        {
            var wanted = clear.Ask(request.Method, request.Target, request.Headers);
            AssertSame(request, wanted, secure?.Ask(request.Method, request.Target, request.Headers) ?? await TlsServer.Ask(http2!, request.Method, request.Target, request.Headers));
        }
        Assert.InRange(shared.Server.Get<ConnectionCount>().Accepted - accepted, 0, version);
        Assert.True(secure is null || secure.Tls!.SslProtocol == protocol);
        var film = secure?.Ask("GET", TestServer.Signed("/films/large.ts")) ?? await TlsServer.Ask(http2!, "GET", TestServer.Signed("/films/large.ts"));
        Pattern.AssertSame(shared.LargeBytes, film.Body);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, true)]
    [InlineData(SslProtocols.Tls13, false)]
    public async Task Requests_that_do_not_wait_for_each_other(SslProtocols protocol, bool bySendfile)
    {
        TlsServer shared = bySendfile ? sendfile : copying;
        var requests = Everything(shared.Server);
        using var clear = shared.Server.Connect();
        var wanted = requests.ConvertAll(r => clear.Ask(r.Method, r.Target, r.Headers));
        using var secure = shared.Connect(protocol);
        // Beside the reading, for both directions together are more than the sockets hold.
        var sending = Task.Run(() => secure.Send(string.Concat(requests.Select(r => RawClient.Request(r.Method, r.Target, r.Headers)))), TestContext.Current.CancellationToken);
        for (var i = 0; i < requests.Count; i++)
            AssertSame(requests[i], wanted[i], secure.Read(isHead: requests[i].Method == "HEAD"));
        await sending;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_hundred_streams_at_once_have_their_own_bytes_each(bool bySendfile)
    {
        TlsServer shared = bySendfile ? sendfile : copying;
        using var client = shared.Http2();
        // The connection first, or a hundred requests open several.
        await TlsServer.Ask(client, "GET", TestServer.Signed("/films/a.ts"));
        await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, TestServer.Signed("/films/large.ts")) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            var (from, to) = (i * 1013, i * 1013 + 400_000 + i * 17);
            request.Headers.Range = new(from, to);
            using var response = await client.SendAsync(request);
            Assert.Equal(HttpStatusCode.PartialContent, response.StatusCode);
            var got = await response.Content.ReadAsByteArrayAsync();
            Pattern.AssertSame(shared.LargeBytes.AsSpan(from, to - from + 1), got);
        }));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_film_of_more_than_a_hundred_megabytes(int version)
    {
        var shared = sendfile;
        const int MiB = 1024 * 1024;
        var piece = Pattern.Bytes(MiB, 31);
        using (var file = File.Create(shared.Server.Write($"x/huge{version}.ts", "")))
        {
            for (var i = 0; i < 101; i++)
            {
                BitConverter.TryWriteBytes(piece, i);
                file.Write(piece);
            }
        }
        using var client = version == 1 ? shared.Connect() : null;
        using var http2 = version == 2 ? shared.Http2(window: MiB) : null;
        var link = TestServer.Signed($"/x/huge{version}.ts");
        Stream body;
        if (client is not null)
        {
            Assert.Equal(101L * MiB, client.Send(RawClient.Request("GET", link)).ReadHead().ContentLength);
            body = new MemoryStream();
        }
        else
        {
            body = await http2!.GetStreamAsync(link, TestContext.Current.CancellationToken);
        }
        var got = new byte[MiB];
        for (var i = 0; i < 101; i++)
        {
            BitConverter.TryWriteBytes(piece, i);
            if (client is not null)
                got = client.ReadBody(MiB);
            else
                await body.ReadExactlyAsync(got, TestContext.Current.CancellationToken);
            Pattern.AssertSame(piece, got);
        }
        Assert.True(client is null ? body.ReadByte() < 0 : client.Ask("GET", TestServer.Signed("/films/a.ts")).Status == 200);
        await body.DisposeAsync();
    }

    [Fact]
    public void Names_and_protocols_that_nobody_knows()
    {
        foreach (var name in (string[])["localhost", "other.example", "127.0.0.1", ""])
        {
            var options = TlsServer.Client();
            options.TargetHost = name;
            using var client = new RawClient(new IPEndPoint(IPAddress.Loopback, sendfile.Port), tls: options);
            Assert.Equal(200, client.Ask("GET", TestServer.Signed("/films/a.ts")).Status);
        }
        using var both = new RawClient(new IPEndPoint(IPAddress.Loopback, sendfile.Port), tls: TlsServer.Client(SslProtocols.None, new SslApplicationProtocol("spdy/3"), SslApplicationProtocol.Http11));
        Assert.Equal(SslApplicationProtocol.Http11, both.Tls!.NegotiatedApplicationProtocol);
        Assert.Equal(200, both.Ask("GET", TestServer.Signed("/films/a.ts")).Status);
        // RFC 7301 section 3.2: nothing in common ends the handshake.
        Assert.ThrowsAny<Exception>(() => new RawClient(new IPEndPoint(IPAddress.Loopback, sendfile.Port), tls: TlsServer.Client(SslProtocols.None, new SslApplicationProtocol("spdy/3"))));
    }
}
