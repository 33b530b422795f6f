namespace XLive.Server.Tests.Delivery;

/// <summary>What a name says: content type, Cache-Control, or that it is never served.</summary>
public sealed class KindTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string Immutable = "public, max-age=31536000, immutable";
    private const string Hour = "public, max-age=3600";
    private const string Never = "private, no-store";

    private readonly TestServer _server = shared.Server;

    [Theory]
    [InlineData("ts", "video/mp2t", Immutable)]
    [InlineData("TS", "video/mp2t", Immutable)]
    [InlineData("m4s", "video/mp4", Immutable)]
    [InlineData("cmfv", "video/mp4", Immutable)]
    [InlineData("cmfa", "audio/mp4", Immutable)]
    [InlineData("mp4", "video/mp4", Immutable)]
    [InlineData("m4v", "video/mp4", Immutable)]
    [InlineData("m4a", "audio/mp4", Immutable)]
    [InlineData("aac", "audio/aac", Immutable)]
    [InlineData("mp3", "audio/mpeg", Immutable)]
    [InlineData("ac3", "audio/ac3", Immutable)]
    [InlineData("ec3", "audio/eac3", Immutable)]
    [InlineData("webm", "video/webm", Immutable)]
    [InlineData("flv", "video/x-flv", Immutable)]
    [InlineData("key", "application/octet-stream", Never)]
    [InlineData("vtt", "text/vtt; charset=utf-8", Hour)]
    [InlineData("srt", "application/x-subrip", Hour)]
    [InlineData("jpg", "image/jpeg", Hour)]
    [InlineData("jpeg", "image/jpeg", Hour)]
    [InlineData("png", "image/png", Hour)]
    [InlineData("webp", "image/webp", Hour)]
    [InlineData("json", "application/json", Hour)]
    [InlineData("nobodyknows", "application/octet-stream", Hour)]
    public void Its_extension_tells_what_a_file_is(string extension, string type, string cacheControl)
    {
        var bytes = Pattern.Bytes(100);
        _server.Write("kinds/x." + extension, bytes);
        foreach (var method in (string[])["GET", "HEAD"])
        {
            var answer = _server.Ask(method, "/kinds/x." + extension);
            Assert.Equal(200, answer.Status);
            Assert.Equal(type, answer["Content-Type"]);
            Assert.Equal(cacheControl, answer["Cache-Control"]);
            Assert.Equal("nosniff", answer["X-Content-Type-Options"]);
            Assert.Equal(100, answer.ContentLength);
            Assert.Equal(method == "HEAD" ? [] : bytes, answer.Body);
        }
    }

    [Theory]
    [InlineData("kinds/noextension")]
    [InlineData("kinds.ts/noextension")]
    [InlineData("kinds/x.ts.bak")]
    public void A_name_without_a_known_extension_is_bytes(string name)
    {
        _server.Write(name, "x");
        Assert.Equal("application/octet-stream", _server.Fetch("/" + name)["Content-Type"]);
    }

    [Fact]
    public void A_playlist_is_as_old_as_it_may_be()
    {
        // Of a link: for this viewer alone. A film that is whole: a minute; one that grows: half a target duration.
        Assert.Equal("private, max-age=60", _server.Fetch("/films/vod.m3u8")["Cache-Control"]);
        Assert.Equal("private, max-age=3", _server.Fetch("/films/growing.m3u8")["Cache-Control"]);
        Assert.Equal("private, max-age=60", _server.Fetch("/films/main.m3u8")["Cache-Control"]);
        Assert.Equal("application/vnd.apple.mpegurl", _server.Fetch("/films/vod.m3u8")["Content-Type"]);
        var session = _server.SessionPathOf("/films/main.m3u8");
        using var client = _server.Connect();
        Assert.Equal("private, max-age=60", client.Ask("GET", session + "/films/vod.m3u8")["Cache-Control"]);
        Assert.Equal("private, max-age=3", client.Ask("GET", session + "/films/growing.m3u8")["Cache-Control"]);
    }

    [Theory]
    [InlineData("EXT-X-KEY:METHOD=AES-128,URI=\"", "anything.ts")]
    [InlineData("EXT-X-KEY:METHOD=AES-128,URI=\"", "sub/named.json")]
    [InlineData("EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"", "session.mp4")]
    public void What_a_key_tag_names_is_never_stored(string tag, string key)
    {
        var folder = "keys-" + Path.GetExtension(key)[1..];
        _server.Write($"{folder}/{key}", Pattern.Bytes(48));
        _server.Write(folder + "/index.m3u8", $"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#{tag}{key}\"\n#EXTINF:6,\nseg.ts\n#EXT-X-ENDLIST\n");
        _server.Write(folder + "/seg.ts", Pattern.Bytes(48));
        Assert.NotEqual(Never, _server.Fetch($"/{folder}/{key}")["Cache-Control"]);
        Assert.Equal(200, _server.Fetch($"/{folder}/index.m3u8").Status);
        var answer = _server.Fetch($"/{folder}/{key}");
        Assert.Equal(Never, answer["Cache-Control"]);
        Assert.Equal(Never, _server.Fetch($"/{folder}/{key}", "If-None-Match: *")["Cache-Control"]);
        Assert.Equal(Never, _server.Fetch($"/{folder}/{key}", "Range: bytes=0-15")["Cache-Control"]);
        Assert.Equal(Immutable, _server.Fetch($"/{folder}/seg.ts")["Cache-Control"]);
    }

    [Fact]
    public void Sixteen_bytes_are_a_key_whatever_their_name()
    {
        _server.Write("keys/sixteen.ts", Pattern.Bytes(16));
        Assert.Equal(Never, _server.Fetch("/keys/sixteen.ts")["Cache-Control"]);
    }

    [Theory]
    [InlineData("hidden/.htaccess")]
    [InlineData("hidden/.git/config")]
    [InlineData(".env")]
    [InlineData("hidden/film.keyinfo")]
    [InlineData("hidden/film.KEYINFO")]
    [InlineData("hidden/film.mp4.tmp")]
    [InlineData("hidden/film.part")]
    [InlineData("hidden/.well-known")]
    public void Some_names_are_never_served(string name)
    {
        _server.Write(name, "SECRET");
        foreach (var target in (string[])["/" + name, "/" + name.Replace(".", "%2e", StringComparison.Ordinal)])
        {
            var answer = _server.Fetch(target);
            Assert.Equal(404, answer.Status);
            Assert.DoesNotContain("SECRET", answer.Text);
            Assert.Equal("no-store", answer["Cache-Control"]);
        }
    }
}
