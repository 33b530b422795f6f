using XLive.Media.Hls;
using static XLive.Media.Tests.Hls.PlaylistTemplateTests;

namespace XLive.Media.Tests.Hls;

/// <summary>What a player of a playlist would ask for.</summary>
public class PlaylistMediaTests
{
    private const string Path = "/video/2024 é/list.m3u8";

    private static List<string> MediaOf(string text, int most = int.MaxValue)
    {
        var named = new List<string>();
        Parse(text, Path).VisitMedia(Path, target =>
        {
            named.Add(target);
            return named.Count < most;
        });
        return named;
    }

    [Theory]
    [InlineData("a.ts", "/video/2024%20%C3%A9/a.ts")]
    [InlineData("../b/c%20d.ts?v=1&w=2#t=5", "/video/b/c%20d.ts?v=1&w=2")]
    [InlineData("/top.ts", "/top.ts")]
    [InlineData("../../../../over.ts", "/over.ts")]
    [InlineData("https://own.example/own.ts", "/own.ts")]
    [InlineData("#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"10@0\"", "/video/2024%20%C3%A9/init.mp4")]
    [InlineData("#EXT-X-MEDIA:TYPE=AUDIO,URI=\"a/index.m3u8\"", "/video/2024%20%C3%A9/a/index.m3u8")]
    [InlineData("#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i.m3u8\"", "/video/2024%20%C3%A9/i.m3u8")]
    [InlineData("#EXT-X-DEFINE:NAME=\"d\",VALUE=\"dir\"\n{$d}/a.ts", "/video/2024%20%C3%A9/dir/a.ts")]
    [InlineData("#EXT-X-KEY:METHOD=NONE\na.ts", "/video/2024%20%C3%A9/a.ts")]
    public void Own_segments_maps_and_playlists_are_named(string line, string named) => Assert.Equal([named], MediaOf("#EXTM3U\n" + line + "\n"));

    [Theory]
    [InlineData("#EXT-X-KEY:METHOD=AES-128,URI=\"k.key\"")]
    [InlineData("#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"k.key\"")]
    [InlineData("https://other.example/a.ts")]
    [InlineData("data:text/plain,a")]
    [InlineData("/~v1.a.b/video/a.ts")]
    [InlineData("#EXT-X-CONTENT-STEERING:SERVER-URI=\"steer\"")]
    [InlineData("#EXT-X-DATERANGE:ID=\"a\",X-ASSET-LIST=\"list.json\"")]
    [InlineData("# a.ts")]
    public void Keys_other_hosts_and_what_is_made_for_one_viewer_are_not(string line) => Assert.Empty(MediaOf("#EXTM3U\n" + line + "\n"));

    [Fact]
    public void It_ends_when_it_is_told_to_and_what_is_no_playlist_names_nothing()
    {
        Assert.Equal(2, MediaOf("#EXTM3U\n" + string.Concat(Enumerable.Range(0, 1000).Select(static i => $"{i}.ts\n")), most: 2).Count);
        Assert.Empty(MediaOf("a.ts\n"));
    }
}
