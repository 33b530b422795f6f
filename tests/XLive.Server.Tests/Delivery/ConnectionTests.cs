using System.Text;

namespace XLive.Server.Tests.Delivery;

/// <summary>HTTP/1 as a connection: persistence, pipelining, and what ends it.</summary>
public sealed class ConnectionTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private readonly TestServer _server = shared.Server;

    private static string Get(string target, params string[] headers) => RawClient.Request("GET", TestServer.Signed(target), headers);

    [Fact]
    public void A_connection_serves_one_request_after_the_other()
    {
        using var client = _server.Connect();
        for (var i = 0; i < 50; i++)
        {
            var large = i % 10 == 9;
            var answer = client.Ask("GET", TestServer.Signed(large ? "/films/large.ts" : "/films/a.ts"));
            Assert.Null(answer["Connection"]);
            Pattern.AssertSame(large ? shared.LargeBytes : shared.SmallBytes, answer.Body);
        }
    }

    [Fact]
    public void Requests_in_one_packet_are_answered_in_order_and_exactly()
    {
        using var client = _server.Connect();
        var text = new StringBuilder();
        string[] targets = ["/films/a.ts", "/films/large.ts", "/films/none.ts", "/films/empty.ts", "/films/large.ts", "/films/a.ts", "/films/large.ts"];
        for (var round = 0; round < 5; round++)
        {
            foreach (var target in targets)
                text.Append(Get(target));
            text.Append(RawClient.Request("HEAD", TestServer.Signed("/films/large.ts")));
            text.Append(Get("/films/large.ts", "Range: bytes=1000000-2000000"));
            text.Append(Get("/films/a.ts", "If-None-Match: *"));
            text.Append(RawClient.Request("OPTIONS", "/films/a.ts"));
        }
        client.Send(text.ToString());
        for (var round = 0; round < 5; round++)
        {
            foreach (var target in targets)
            {
                var answer = client.Read();
                if (target.Contains("none", StringComparison.Ordinal))
                    Assert.Equal(404, answer.Status);
                else
                    Pattern.AssertSame(target.Contains("large", StringComparison.Ordinal) ? shared.LargeBytes : target.Contains("empty", StringComparison.Ordinal) ? [] : shared.SmallBytes, answer.Body);
            }
            Assert.Equal(SharedServer.Large, client.Read(isHead: true).ContentLength);
            Pattern.AssertSame(shared.LargeBytes.AsSpan(1_000_000, 1_000_001), client.Read().Body);
            Assert.Equal(304, client.Read().Status);
            Assert.Equal(204, client.Read().Status);
        }
        client.HalfClose();
        client.AssertEnded();
    }

    [Fact]
    public void A_request_that_comes_byte_by_byte_is_a_request()
    {
        using var client = _server.Connect();
        foreach (var b in Encoding.ASCII.GetBytes(Get("/films/a.ts")))
            client.Send([b]);
        Pattern.AssertSame(shared.SmallBytes, client.Read().Body);
    }

    [Theory]
    [InlineData("/films/a.ts")]
    [InlineData("/films/large.ts")]
    [InlineData("/films/none.ts")]
    [InlineData("/films/../x")]
    public void Connection_close_is_taken_at_its_word(string target)
    {
        using var client = _server.Connect();
        var answer = client.Ask("GET", TestServer.Signed(target), "Connection: close");
        Assert.Equal("close", answer["Connection"]);
        client.AssertEnded();
    }

    [Fact]
    public void What_stands_behind_Connection_close_is_not_answered()
    {
        using var client = _server.Connect();
        client.Send(Get("/films/large.ts", "Connection: close") + Get("/films/a.ts"));
        Pattern.AssertSame(shared.LargeBytes, client.Read().Body);
        client.ReadToEnd(out _);
    }

    [Theory]
    [InlineData("/films/a.ts")]
    [InlineData("/films/large.ts")]
    [InlineData("/films/empty.ts")]
    public void HTTP_1_0_gets_the_file_and_the_end(string target)
    {
        using var client = _server.Connect();
        client.Send($"GET {TestServer.Signed(target)} HTTP/1.0\r\n\r\n");
        var answer = client.Read();
        Assert.Equal(200, answer.Status);
        Assert.Null(answer["Transfer-Encoding"]);
        Assert.Equal(new FileInfo(_server.PathOf(target)).Length, answer.Body.Length);
        client.AssertEnded();
    }

    [Fact]
    public void HTTP_1_0_may_ask_for_more()
    {
        using var client = _server.Connect();
        for (var i = 0; i < 3; i++)
        {
            client.Send($"GET {TestServer.Signed("/films/large.ts")} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
            var answer = client.Read();
            Assert.Equal("keep-alive", answer["Connection"]);
            Pattern.AssertSame(shared.LargeBytes, answer.Body);
        }
    }

    [Theory]
    [InlineData("/films/a.ts")]
    [InlineData("/films/large.ts")]
    public void Who_half_closes_after_the_request_still_gets_all(string target)
    {
        // A small window, so that the end of the request is seen long before the response has left.
        using var client = _server.Connect(receiveBuffer: 4096);
        client.Send(Get(target));
        client.HalfClose();
        var answer = client.Read();
        Pattern.AssertSame(target.Contains("large", StringComparison.Ordinal) ? shared.LargeBytes : shared.SmallBytes, answer.Body);
        client.AssertEnded();
    }

    [Theory]
    [InlineData("GET /films/a.ts\r\n\r\n")]
    [InlineData("GET /films/a.ts HTTP/1.1\r\n\r\n")] // no Host
    [InlineData("GET /films/a.ts HTTP/1.1\nHost: x\n\n")] // bare LF
    [InlineData("GET  /films/a.ts HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET /films/a b.ts HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET /films/a.ts HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n")]
    [InlineData("GET /films/a.ts HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n")]
    [InlineData("GET /films/a.ts HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("GET /films/a.ts HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n")]
    [InlineData("\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003")] // a TLS hello
    public void What_is_no_request_is_refused_and_the_server_lives(string bytes)
    {
        using var client = _server.Connect();
        client.Send(bytes);
        client.HalfClose();
        var said = Encoding.Latin1.GetString(client.ReadToEnd(out _));
        Assert.True(said.Length == 0 || said.StartsWith("HTTP/1.1 4", StringComparison.Ordinal), said);
        Assert.Equal(200, _server.Fetch("/films/a.ts").Status);
    }

    [Fact]
    public void A_request_line_without_end_is_414()
    {
        using var client = _server.Connect();
        Assert.Equal(414, client.Ask("GET", "/" + new string('a', 9000)).Status);
        using var again = _server.Connect();
        Assert.Equal(404, again.Ask("GET", TestServer.Signed("/" + new string('a', 7000))).Status);
    }

    [Fact]
    public void Too_many_headers_are_431()
    {
        using var client = _server.Connect();
        Assert.Equal(431, client.Ask("GET", "/films/a.ts", [.. Enumerable.Range(0, 40).Select(i => $"X-{i}: {new string('v', 1000)}")]).Status);
    }
}
