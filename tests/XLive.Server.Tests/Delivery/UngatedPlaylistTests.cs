using System.Text;

namespace XLive.Server.Tests.Delivery;

/// <summary>Where no grant is asked for, a playlist is held ready too: gzipped, and for shared caches.</summary>
public sealed class UngatedPlaylistTests
{
    [Theory]
    [InlineData("--access.public=/open/**")]
    [InlineData("--access.trusted=127.0.0.1")]
    [InlineData("--access.enable=false")]
    public async Task It_is_gzipped_and_public_and_has_no_session(string setting)
    {
        await using var server = await TestServer.StartAsync(setting);
        var text = new StringBuilder("#EXTM3U\n#EXT-X-TARGETDURATION:4\n");
        for (var i = 0; i < 100; i++)
            text.Append($"#EXTINF:4,\n{i}.ts\n");
        server.Write("/open/film.m3u8", text.Append("#EXT-X-ENDLIST\n").ToString());

        using var client = server.Connect();
        var plain = client.Ask("GET", "/open/film.m3u8");
        Assert.Equal((200, text.ToString()), (plain.Status, plain.Text));
        var zipped = client.Ask("GET", "/open/film.m3u8", "Accept-Encoding: gzip");
        Assert.Equal(("gzip", text.ToString()), (zipped["Content-Encoding"], zipped.Unzipped()));
        Assert.NotEqual(plain["ETag"], zipped["ETag"]);
        Assert.All([plain, zipped], a => Assert.Equal(("public, max-age=60", "Accept-Encoding"), (a["Cache-Control"], a["Vary"])));
    }
}
