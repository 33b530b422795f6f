namespace XLive.Server.Tests.Delivery;

public sealed class MethodTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private readonly TestServer _server = shared.Server;

    [Fact]
    public void HEAD_is_GET_without_the_body()
    {
        foreach (var target in (string[])["/films/a.ts", "/films/large.ts", "/films/empty.ts", "/films/none.ts"])
        {
            var get = _server.Fetch(target);
            using var client = _server.Connect();
            var head = client.Ask("HEAD", TestServer.Signed(target));
            string[] changing = ["Date", "X-Request-Id"];
            Assert.Equal(get.StatusLine, head.StatusLine);
            Assert.Equal(get.Headers.Where(h => !changing.Contains(h.Key)), head.Headers.Where(h => !changing.Contains(h.Key)));
            Assert.Empty(head.Body);
            // A byte of a body would stand before this.
            Assert.Equal(get.Status, client.Ask("GET", TestServer.Signed(target)).Status);
        }
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("PATCH")]
    [InlineData("TRACE")]
    [InlineData("PROPFIND")]
    [InlineData("get")]
    [InlineData("X")]
    public void Other_methods_are_405_with_Allow(string method)
    {
        // With a token and without: what a method may do is no secret.
        foreach (var target in (string[])[TestServer.Signed("/films/a.ts"), "/films/a.ts"])
        {
            using var client = _server.Connect();
            var answer = client.Ask(method, target);
            Assert.Equal(405, answer.Status);
            Assert.Equal("GET, HEAD, OPTIONS", answer["Allow"]);
            Assert.Equal("no-store", answer["Cache-Control"]);
            Assert.Equal("*", answer["Access-Control-Allow-Origin"]);
            Assert.Equal(200, client.Ask("GET", TestServer.Signed("/films/a.ts")).Status);
        }
    }

    [Theory]
    [InlineData("Content-Length: 5", "hello")]
    [InlineData("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n")]
    public void A_body_that_nobody_reads_leaves_the_connection_in_order(string header, string body)
    {
        using var client = _server.Connect();
        client.Send(RawClient.Request("POST", TestServer.Signed("/films/a.ts"), header) + body + RawClient.Request("GET", TestServer.Signed("/films/a.ts")));
        Assert.Equal(405, client.Read().Status);
        Pattern.AssertSame(shared.SmallBytes, client.Read().Body);
    }

    [Fact]
    public void A_body_that_never_comes_holds_up_no_answer()
    {
        using var client = _server.Connect();
        client.Send(RawClient.Request("POST", TestServer.Signed("/films/a.ts"), "Content-Length: 1000000") + "a few bytes");
        Assert.Equal(405, client.Read().Status);
        // The rest would be read as a request: the server has to end this connection.
        client.HalfClose();
        Assert.Empty(client.ReadToEnd(out _));
    }

    [Fact]
    public void A_GET_with_a_body_is_answered_like_one_without()
    {
        using var client = _server.Connect();
        client.Send(RawClient.Request("GET", TestServer.Signed("/films/a.ts"), "Content-Length: 3") + "abc" + RawClient.Request("GET", TestServer.Signed("/films/large.ts")));
        Pattern.AssertSame(shared.SmallBytes, client.Read().Body);
        Pattern.AssertSame(shared.LargeBytes, client.Read().Body);
    }

    [Theory]
    [InlineData("/films/a.ts")]
    [InlineData("/films/none.ts")]
    [InlineData("/films/vod.m3u8?uid=u1&expires=1&token=wrong")]
    public void A_preflight_needs_no_token(string target)
    {
        using var client = _server.Connect();
        var answer = client.Ask("OPTIONS", target, "Origin: https://player.example", "Access-Control-Request-Method: GET",
            "Access-Control-Request-Headers: range,cmcd-session");
        Assert.Equal(204, answer.Status);
        Assert.Equal("*", answer["Access-Control-Allow-Origin"]);
        Assert.Equal("GET, HEAD, OPTIONS", answer["Access-Control-Allow-Methods"]);
        foreach (var header in (string[])["Range", "If-None-Match", "Authorization", "CMCD-Object", "CMCD-Request", "CMCD-Session", "CMCD-Status"])
            Assert.Contains(header, answer["Access-Control-Allow-Headers"]!.Split(", "));
        Assert.Equal("86400", answer["Access-Control-Max-Age"]);
        Assert.Equal("GET, HEAD, OPTIONS", answer["Allow"]);
        Assert.Null(answer["Access-Control-Allow-Credentials"]);
        Assert.Equal(200, client.Ask("GET", TestServer.Signed("/films/a.ts")).Status);
    }

    [Fact]
    public void OPTIONS_of_the_server_itself_is_answered()
    {
        using var client = _server.Connect();
        var answer = client.Ask("OPTIONS", "*");
        Assert.Equal(204, answer.Status);
        Assert.Equal("GET, HEAD, OPTIONS", answer["Allow"]);
    }

    [Theory]
    [InlineData(200, "/films/a.ts", true, "")]
    [InlineData(206, "/films/a.ts", true, "Range: bytes=0-1")]
    [InlineData(206, "/films/a.ts", true, "Range: bytes=0-1,4-5")]
    [InlineData(304, "/films/a.ts", true, "If-None-Match: *")]
    [InlineData(412, "/films/a.ts", true, "If-Match: \"x\"")]
    [InlineData(416, "/films/a.ts", true, "Range: bytes=99999-")]
    [InlineData(404, "/films/none.ts", true, "")]
    [InlineData(404, "/films/", true, "")]
    [InlineData(400, "/films/../a.ts", true, "")]
    [InlineData(401, "/films/a.ts", false, "")]
    [InlineData(200, "/films/vod.m3u8", true, "")]
    public void Pages_of_every_site_may_read_answers_and_errors(int status, string target, bool signed, string header)
    {
        using var client = _server.Connect();
        var answer = client.Ask("GET", signed ? TestServer.Signed(target) : target, header.Length == 0 ? ["Origin: null"] : ["Origin: null", header]);
        Assert.Equal(status, answer.Status);
        Assert.Equal("*", answer["Access-Control-Allow-Origin"]);
        Assert.Null(answer["Access-Control-Allow-Credentials"]);
        foreach (var exposed in (string[])["Content-Length", "Content-Range", "ETag", "Date", "Age"])
            Assert.Contains(exposed, answer["Access-Control-Expose-Headers"]!.Split(", "));
        Assert.Equal("*", answer["Timing-Allow-Origin"]);
        Assert.Equal("cross-origin", answer["Cross-Origin-Resource-Policy"]);
        if (status >= 400)
            Assert.Equal("no-store", answer["Cache-Control"]);
    }
}
