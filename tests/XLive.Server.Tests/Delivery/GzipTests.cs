namespace XLive.Server.Tests.Delivery;

public sealed class PublicFilms : SharedServer
{
    protected override string[] Settings => ["--access.public=/films/**"];
}

public sealed class GzipTests(SharedServer shared, PublicFilms open) : IClassFixture<SharedServer>, IClassFixture<PublicFilms>
{
    private readonly TestServer _server = shared.Server;

    [Theory]
    [InlineData("gzip", true)]
    [InlineData("GZIP", true)]
    [InlineData("x-gzip", true)]
    [InlineData("deflate, gzip, br", true)]
    [InlineData("gzip;q=0.001", true)]
    [InlineData("gzip ; q=1.0", true)]
    [InlineData("*", true)]
    [InlineData("br;q=1, *;q=0.1", true)]
    [InlineData("identity, gzip;q=0.5", true)]
    [InlineData("*;q=0, gzip", true)]
    [InlineData("gzip;q=0", false)]
    [InlineData("gzip;q=0.000", false)]
    [InlineData("gzip;Q=0", false)]
    [InlineData("gzip;q=0, *", false)]
    [InlineData("*;q=0", false)]
    [InlineData("br, deflate", false)]
    [InlineData("identity", false)]
    [InlineData("notgzip", false)]
    [InlineData("", false)]
    public void A_playlist_is_gzipped_for_who_takes_it(string accepts, bool zipped)
    {
        // An entry of a link, the same playlist below a session, one that needs no link at all.
        var entry = Ask(_server, TestServer.Signed("/films/vod.m3u8"), accepts);
        var shared = Ask(_server, _server.SessionPathOf("/films/main.m3u8") + "/films/vod.m3u8", accepts);
        var unsigned = Ask(open.Server, "/films/vod.m3u8", accepts);
        foreach (var answer in (Answer[])[entry, shared, unsigned])
        {
            Assert.Equal(200, answer.Status);
            Assert.Equal("Accept-Encoding", answer["Vary"]);
            Assert.Equal(zipped ? "gzip" : null, answer["Content-Encoding"]);
            Assert.Equal(zipped, answer["ETag"]!.EndsWith("-gz\"", StringComparison.Ordinal));
            Assert.EndsWith("seg59.ts\n#EXT-X-ENDLIST\n", zipped ? answer.Unzipped() : answer.Text);
        }
        Assert.Equal(SharedServer.Vod, zipped ? shared.Unzipped() : shared.Text);
        Assert.Equal(SharedServer.Vod, zipped ? unsigned.Unzipped() : unsigned.Text);
        Assert.Equal("public, max-age=60", unsigned["Cache-Control"]);
        if (zipped)
            Assert.True(shared.Body.Length < SharedServer.Vod.Length / 3);
    }

    private static Answer Ask(TestServer server, string target, string accepts, params string[] headers)
    {
        using var client = server.Connect();
        return client.Ask("GET", target, ["Accept-Encoding: " + accepts, .. headers]);
    }

    [Fact]
    public void Each_encoding_has_its_own_tag_and_its_own_304()
    {
        var target = _server.SessionPathOf("/films/main.m3u8") + "/films/vod.m3u8";
        var plain = Ask(_server, target, "identity")["ETag"]!;
        var zipped = Ask(_server, target, "gzip")["ETag"]!;
        Assert.NotEqual(plain, zipped);
        Assert.Equal(304, Ask(_server, target, "gzip", "If-None-Match: " + zipped).Status);
        Assert.Equal(304, Ask(_server, target, "identity", "If-None-Match: " + plain).Status);
        Assert.Equal(200, Ask(_server, target, "gzip", "If-None-Match: " + plain).Status);
        Assert.Equal(200, Ask(_server, target, "identity", "If-None-Match: " + zipped).Status);
        Assert.Equal("Accept-Encoding", Ask(_server, target, "gzip", "If-None-Match: " + zipped)["Vary"]);
    }

    [Theory]
    [InlineData("If-Match: \"other\"", 412)]
    [InlineData("If-None-Match: *", 304)]
    public void What_is_no_playlist_does_not_claim_to_be_gzipped(string condition, int status)
    {
        foreach (var target in (string[])[TestServer.Signed("/films/vod.m3u8"), _server.SessionPathOf("/films/main.m3u8") + "/films/vod.m3u8"])
        {
            var answer = Ask(_server, target, "gzip", condition);
            Assert.Equal(status, answer.Status);
            Assert.Null(answer["Content-Encoding"]);
        }
    }

    [Fact]
    public void HEAD_of_a_gzipped_playlist_tells_its_length()
    {
        var target = _server.SessionPathOf("/films/main.m3u8") + "/films/vod.m3u8";
        using var client = _server.Connect();
        var head = client.Ask("HEAD", target, "Accept-Encoding: gzip");
        Assert.Equal("gzip", head["Content-Encoding"]);
        Assert.Equal(client.Ask("GET", target, "Accept-Encoding: gzip").Body.Length, head.ContentLength);
    }

    [Fact]
    public void Media_is_never_gzipped()
    {
        // Bytes that would shrink to nothing.
        _server.Write("zeros/x.ts", new byte[50_000]);
        _server.Write("zeros/x.mp4", new byte[500_000]);
        _server.Write("zeros/x.key", new byte[600]);
        foreach (var name in (string[])["x.ts", "x.mp4", "x.key"])
        {
            var answer = _server.Fetch("/zeros/" + name, "Accept-Encoding: gzip");
            Assert.Null(answer["Content-Encoding"]);
            Assert.Null(answer["Vary"]);
            Assert.False(answer.Body.AsSpan().ContainsAnyExcept((byte)0));
            Assert.Equal(new FileInfo(_server.PathOf("zeros/" + name)).Length, answer.Body.Length);
        }
    }
}
