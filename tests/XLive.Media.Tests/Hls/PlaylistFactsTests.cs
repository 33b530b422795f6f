using System.Text;
using XLive.Media.Hls;
using static XLive.Media.Tests.Hls.PlaylistTemplateTests;

namespace XLive.Media.Tests.Hls;

[Collection(nameof(ProcessMemory))]
public class PlaylistFactsTests
{
    private const string Path = "/video/2024 \u00e9/movie1/list.m3u8";

    [Theory]
    [InlineData("#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\ns.ts\n#EXT-X-ENDLIST", false, true, 6)]
    [InlineData("\u00ef\u00bb\u00bf#EXTM3U\r\n#EXT-X-TARGETDURATION: 10 \r\n#EXT-X-ENDLIST \r\n", false, true, 10)]
    [InlineData("#EXTM3U\n#EXT-X-TARGETDURATION:5.5\n#EXT-X-ENDLISTS\n", false, false, 6)]
    [InlineData("#EXTM3U\n#EXT-X-TARGETDURATION:6 # whole seconds, as the encoder was told", false, false, 6)]
    [InlineData("#EXTM3U\n#EXT-X-TARGETDURATION:6,URI=\"/video/2024%20%C3%A9/movie1/s.ts\"", false, false, 6)]
    [InlineData("#EXTM3U\n#EXT-X-TARGETDURATION:6e3", false, false, 6)]
    [InlineData("#EXTM3U\n#EXT-X-TARGETDURATION:-1\n# #EXT-X-ENDLIST", false, false, 0)]
    [InlineData("#EXTM3U\n#EXT-X-TARGETDURATION:NaN", false, false, 0)]
    [InlineData("#EXTM3U\n#EXT-X-TARGETDURATION:99999999999999999999999999999999999999", false, false, 0)]
    [InlineData("#EXTM3U\n#EXT-X-TARGETDURATION", false, false, 0)]
    [InlineData("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8", true, false, 0)]
    [InlineData("#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"a.m3u8\"", true, false, 0)]
    [InlineData("#EXTM3U\n#EXT-X-STREAM-INFO:BANDWIDTH=1\nv.m3u8", false, false, 0)]
    [InlineData("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n#EXTINF:1,\nv.ts", false, false, 0)]
    [InlineData("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n#EXTINFO\nv.m3u8", true, false, 0)]
    public void What_kind_of_playlist_it_is(string text, bool multivariant, bool endList, int targetDuration)
    {
        var template = Parse(text, Path);
        Assert.True(template.IsPlaylist);
        Assert.Equal((multivariant, endList, targetDuration), (template.IsMultivariant, template.HasEndList, template.TargetDuration));
    }

    [Theory]
    [InlineData("METHOD=AES-128,URI=\"enc.key\"", "/video/2024 \u00e9/movie1/enc.key")]
    [InlineData("METHOD=AES-128,URI=\"../k/%C3%a9%20.key?x#y\"", "/video/2024 \u00e9/k/\u00e9 .key")]
    [InlineData("METHOD=AES-128,URI=\"https://own.example/video/a/../k.key\"", "/video/k.key")]
    [InlineData("METHOD=SAMPLE-AES,URI=\"/~v1.a.b/video/k.key\"", "/video/k.key")]
    [InlineData("URI=\"k\"", "/video/2024 \u00e9/movie1/k")]
    [InlineData("URI=\"k\",METHOD=NONE", null)]
    [InlineData("METHOD=NONE,URI=\"k\"", null)]
    [InlineData("METHOD=SAMPLE-AES,URI=\"skd://x\"", null)]
    [InlineData("METHOD=AES-128,URI=\"data:,x\"", null)]
    [InlineData("METHOD=AES-128,URI=\"https://keys.example/k\"", null)]
    [InlineData("METHOD=AES-128,X-ASSET-URI=\"k\"", null)]
    [InlineData("METHOD=AES-128,URI=\"%ff.key\"", null)]
    [InlineData("METHOD=AES-128,URI=\"%c0%af.key\"", null)]
    [InlineData("METHOD=AES-128,URI=\"%2\"", null)]
    [InlineData("METHOD=AES-128,URI=\"%zz\"", null)]
    [InlineData("METHOD=AES-128,URI=\"a%2fb\"", null)]
    [InlineData("METHOD=AES-128,URI=\"a%5cb\"", null)]
    [InlineData("METHOD=AES-128,URI=\"a%00b\"", null)]
    [InlineData("METHOD=AES-128,URI=\"a//b\"", null)]
    [InlineData("METHOD=AES-128,URI=\"../../../../k\"", null)]
    public void Keys(string attributes, string? path)
    {
        foreach (string tag in new[] { "KEY", "SESSION-KEY" })
        {
            var template = Parse("#EXTM3U\n#EXT-X-" + tag + ":" + attributes + "\n#EXT-X-MAP:" + attributes, Path);
            Assert.Equal(path is null ? [] : [path], template.KeyPaths);
        }
    }

    [Theory]
    [InlineData("s.ts", "/video/2024 \u00e9/movie1/")]
    [InlineData("v/../s.ts", "/video/2024 \u00e9/movie1/")]
    [InlineData("../audio/s.ts", "/video/2024 \u00e9/")]
    [InlineData("../movie1/s.ts", "/video/2024 \u00e9/movie1/")]
    [InlineData("../movie1", "/video/2024 \u00e9/")]
    [InlineData("../movie10/s.ts", "/video/2024 \u00e9/")]
    [InlineData("/video/2024%20%C3%a9/movie%31/s.ts", "/video/2024 \u00e9/movie1/")]
    [InlineData("/video/s.ts\n../s.ts", "/video/")]
    [InlineData("/init.mp4", "/")]
    [InlineData("https://own.example/video/x", "/video/")]
    [InlineData("https://cdn.example/x", "/video/2024 \u00e9/movie1/")]
    [InlineData("/~v1.x/y", "/video/2024 \u00e9/movie1/")]
    [InlineData("/%ff/x\n/a%2f/x\n/a//x\n/%/x\n/a\\b\n/a\u0001/b\n../../../../x\n/../x", "/video/2024 \u00e9/movie1/")]
    public void The_scope_holds_the_directory_and_every_child(string lines, string scope) =>
        Assert.Equal(scope, Parse("#EXTM3U\n" + lines + "\ns.ts\n", Path).CommonScope);

    [Theory]
    [InlineData("/a\n")]
    [InlineData("#EXT-X-KEY:URI=\"k%\"\n")]
    [InlineData("?\n")]
    [InlineData("#EXT-X-X:", "URI=\"/a\",")]
    [InlineData("#EXT-X-DEFINE:NAME=\"a\",VALUE=\"0123456789012345678901234567890123456789012345678901234567890\"\n", "{$a}{$a}{$a}{$a}{$a}{$a}{$a}/\n")]
    [InlineData("#EXT-X-DEFINE:NAME=\"%\",VALUE=\"{$a}{$a}\"\n")]
    [InlineData("", "{${$")]
    [InlineData("", "../")]
    [InlineData("", "/%2e%2e")]
    [InlineData("#EXT-X-A:", ",=\"")]
    public void Memory_stays_in_proportion(string first, string? then = null)
    {
        const int lines = 100_000;
        var text = new StringBuilder("#EXTM3U\n", 10_000_000).Append(first);
        for (int i = 0; i < lines; i++)
            text.Append((then ?? first).Replace("%", then is null ? i.ToString(System.Globalization.CultureInfo.InvariantCulture) : "%"));
        byte[] bytes = Encoding.Latin1.GetBytes(text.ToString());
        string path = string.Concat(Enumerable.Repeat("/d", 4000)) + "/list.m3u8";

        long before = GC.GetTotalMemory(forceFullCollection: true);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var template = PlaylistTemplate.Parse(bytes, path, []);
        watch.Stop();
        long kept = GC.GetTotalMemory(forceFullCollection: true) - before;

        Assert.True(kept < 5L * bytes.Length + (2 << 20), $"{kept} bytes kept for {bytes.Length}");
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"{watch.Elapsed}");
        Assert.True(template.IsPlaylist || template.Shared.Equals(bytes.AsMemory()));
        GC.KeepAlive(template);
    }

    [Fact]
    public void More_URIs_than_an_answer_could_hold_are_passed_on_untouched()
    {
        byte[] text = Encoding.ASCII.GetBytes("#EXTM3U\n" + string.Concat(Enumerable.Repeat("a\n", 300_000)));
        var template = PlaylistTemplate.Parse(text, "/x/y.m3u8", []);
        Assert.False(template.IsPlaylist);
        Assert.Equal(text.Length, template.EntryLength(PlaylistTemplate.LongestPrefix));
    }
}
