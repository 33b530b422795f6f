using System.Text;
using XLive.Media.Hls;

namespace XLive.Media.Tests.Hls;

public class PlaylistTemplateTests
{
    private const string Path = "/video/2024-01-01/movie1/playlist.m3u8";
    private static readonly string[] Own = ["own.example", "Own.Example:7889", "[2001:db8::1]:8080"];

    // One URI: as it stands in the file, shared, entry with the prefix ~P.
    public static TheoryData<string, string, string> References => new()
    {
        // relative
        { "seg1.ts", "seg1.ts", "~P/video/2024-01-01/movie1/seg1.ts" },
        { "v/seg%201.ts?x=/a/../b#t=1", "v/seg%201.ts?x=/a/../b#t=1", "~P/video/2024-01-01/movie1/v/seg%201.ts?x=/a/../b#t=1" },
        { "./seg1.ts", "./seg1.ts", "~P/video/2024-01-01/movie1/seg1.ts" },
        { "../movie2/./a/../seg.ts?q", "../movie2/./a/../seg.ts?q", "~P/video/2024-01-01/movie2/seg.ts?q" },
        { "?a=1", "?a=1", "~P/video/2024-01-01/movie1/playlist.m3u8?a=1" },
        { "12:30.ts", "12:30.ts", "~P/video/2024-01-01/movie1/12:30.ts" },
        { ".hidden..ts", ".hidden..ts", "~P/video/2024-01-01/movie1/.hidden..ts" },
        { ".../%2e%2e%2e/s", ".../%2e%2e%2e/s", "~P/video/2024-01-01/movie1/.../%2e%2e%2e/s" },
        { "\u00e9t\u00e9.ts", "\u00e9t\u00e9.ts", "~P/video/2024-01-01/movie1/\u00e9t\u00e9.ts" },
        { "a//b.ts", "a//b.ts", "~P/video/2024-01-01/movie1/a//b.ts" },

        // relative, above the root
        { "../../../seg.ts", "../../../seg.ts", "~P/seg.ts" },
        { "../../../../seg.ts", "../../../seg.ts", "~P/seg.ts" },
        { "../../../../../video/x/seg.ts?q", "../../x/seg.ts?q", "~P/video/x/seg.ts?q" },
        { "a/../../../../../video/2024-01-01/movie1/s.ts", "s.ts", "~P/video/2024-01-01/movie1/s.ts" },
        { "%2e%2E/.%2e/%2E./%2e%2e/s.ts", "../../../s.ts", "~P/s.ts" },
        { "../../../..", "../../../", "~P/" },

        // path-absolute
        { "/video/2024-01-01/movie1/seg.ts", "seg.ts", "~P/video/2024-01-01/movie1/seg.ts" },
        { "/video/2024-01-01/movie1/v/seg.ts?q#f", "v/seg.ts?q#f", "~P/video/2024-01-01/movie1/v/seg.ts?q#f" },
        { "/video/2024-01-01/movie2/seg.ts", "../movie2/seg.ts", "~P/video/2024-01-01/movie2/seg.ts" },
        { "/video/2024-01-01/movie1", "../movie1", "~P/video/2024-01-01/movie1" },
        { "/video/2024-01-01/movie1/", "./", "~P/video/2024-01-01/movie1/" },
        { "/video/2024-01-01/movie1/?q", "./?q", "~P/video/2024-01-01/movie1/?q" },
        { "/video/2024-01-01/movie1//seg.ts", ".//seg.ts", "~P/video/2024-01-01/movie1//seg.ts" },
        { "/video/2024-01-01/movie1/a:b.ts", "./a:b.ts", "~P/video/2024-01-01/movie1/a:b.ts" },
        { "/video/2024-01-01/movie1/{$v}.ts", "./{$v}.ts", "~P/video/2024-01-01/movie1/{$v}.ts" },
        { "/Video/seg.ts", "../../../Video/seg.ts", "~P/Video/seg.ts" },
        { "/seg.ts", "../../../seg.ts", "~P/seg.ts" },
        { "/", "../../../", "~P/" },
        { "/../a/./seg.ts", "../../../a/seg.ts", "~P/a/seg.ts" },

        // an own host
        { "https://own.example/video/2024-01-01/movie1/seg.ts", "seg.ts", "~P/video/2024-01-01/movie1/seg.ts" },
        { "HTTP://OWN.example/a.ts?q", "../../../a.ts?q", "~P/a.ts?q" },
        { "http://own.example:80/a.ts", "../../../a.ts", "~P/a.ts" },
        { "https://own.example:443/a.ts", "../../../a.ts", "~P/a.ts" },
        { "http://own.example:7889/a.ts", "../../../a.ts", "~P/a.ts" },
        { "//own.example:7889/a.ts", "../../../a.ts", "~P/a.ts" },
        { "//own.example/a.ts", "../../../a.ts", "~P/a.ts" },
        { "//own.example:443/a.ts", "../../../a.ts", "~P/a.ts" },
        { "http://[2001:DB8::1]:8080/a.ts", "../../../a.ts", "~P/a.ts" },
        { "https://own.example", "../../../", "~P/" },
        { "https://own.example?q", "../../../?q", "~P/?q" },
        { "https://own.example/../video/./x.ts", "../../x.ts", "~P/video/x.ts" },

        // not ours
        { "https://cdn.example/a.ts", "https://cdn.example/a.ts", "https://cdn.example/a.ts" },
        { "//cdn.example/a.ts", "//cdn.example/a.ts", "//cdn.example/a.ts" },
        { "https://own.example:8443/a.ts", "https://own.example:8443/a.ts", "https://own.example:8443/a.ts" },
        { "http://own.example:443/a.ts", "http://own.example:443/a.ts", "http://own.example:443/a.ts" },
        { "https://own.example.evil/a.ts", "https://own.example.evil/a.ts", "https://own.example.evil/a.ts" },
        { "https://own.example@evil/a.ts", "https://own.example@evil/a.ts", "https://own.example@evil/a.ts" },
        { "https://[2001:db8::1]/a.ts", "https://[2001:db8::1]/a.ts", "https://[2001:db8::1]/a.ts" },
        { "https:seg.ts", "https:seg.ts", "https:seg.ts" },
        { "data:text/plain;base64,AAAA", "data:text/plain;base64,AAAA", "data:text/plain;base64,AAAA" },
        { "skd://key-1", "skd://key-1", "skd://key-1" },
        { "urn:uuid:1", "urn:uuid:1", "urn:uuid:1" },
        { "ftp://own.example/a.ts", "ftp://own.example/a.ts", "ftp://own.example/a.ts" },
        { "///a.ts", "///a.ts", "///a.ts" },
        { "/~v1.dTE.1.-.L3Y.x/video/a.ts", "/~v1.dTE.1.-.L3Y.x/video/a.ts", "/~v1.dTE.1.-.L3Y.x/video/a.ts" },
        { "https://own.example/~v1.x/a.ts", "https://own.example/~v1.x/a.ts", "https://own.example/~v1.x/a.ts" },
    };

    // Where a URI may stand: {0}. With commas, quotes and look-alikes around it that must not be taken for one.
    public static TheoryData<string> Places => new()
    {
        "{0}",
        "#EXT-X-KEY:METHOD=AES-128,URI=\"{0}\",IV=0x1",
        "#EXT-X-KEY:URI=\"{0}\",METHOD=NONE",
        "#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"{0}\",KEYFORMAT=\"a,URI=b\"",
        "#EXT-X-MAP:URI=\"{0}\",BYTERANGE=\"1@0\"",
        "#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"a,URI=\",GROUP-ID=\"URI='x'\",URI=\"{0}\"",
        "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1,mp4a\",URI=\"{0}\"",
        "#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,URI=\"{0}\"",
        "#EXT-X-PART:DURATION=0.5,INDEPENDENT=YES,URI=\"{0}\"",
        "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{0}\"",
        "#EXT-X-RENDITION-REPORT:URI=\"{0}\",LAST-MSN=1",
        "#EXT-X-SESSION-DATA:DATA-ID=\"com.x\",URI=\"{0}\"",
        "#EXT-X-CONTENT-STEERING:SERVER-URI=\"{0}\",PATHWAY-ID=\"a\"",
        "#EXT-X-DATERANGE:ID=\"1\",X-ASSET-URI=\"{0}\",X-COM=\"X-ASSET-URI=,\"",
        "#EXT-X-DATERANGE:ID=\"1\",X-ASSET-LIST=\"{0}\"",
        "#EXT-X-VENDOR:X-URI=\"/no\",KEYURI=\"/no\",uri=\"/no\",URI=\"{0}\",X-URI=\"/no\"",
        "#EXT-X-VENDOR:FLAG,,=,URI=\"{0}\"junk,A=\"1\"",
        "#EXT-X-VENDOR: URI =\"{0}\" , A=\"1\"",
        "#EXT-X-PREFETCH:{0}",
    };

    [Theory, MemberData(nameof(References))]
    public void A_reference_in_every_place_it_can_stand(string reference, string shared, string entry)
    {
        foreach (var row in Places)
        {
            string place = "#EXTM3U\n" + row.Data + "\n#EXT-X-ENDLIST\n";
            // A bare line cannot hold a fragment alone, and none of these is one.
            Check(Fill(place, reference), Fill(place, shared), Fill(place, entry));
        }
    }

    [Theory, MemberData(nameof(Places))]
    public void Two_URIs_of_one_kind_on_following_lines(string place)
    {
        string twice = "#EXTM3U\r\n" + place + "\r\n" + place + "\r\n";
        Check(Fill(twice, "/a.ts"), Fill(twice, "../../../a.ts"), Fill(twice, "~P/a.ts"));
    }

    [Theory]
    [InlineData("#EXTM3U\n# URI=\"/a\"\n#comment /a\n#EXTINF:1,URI=\"/a\"\n \t \n #/indented\n#EXT\n#EXT-X-\n#EXT-X-:URI\n")]
    [InlineData("#EXTM3U\n#EXT-X-KEY:METHOD=NONE\n#EXT-X-KEY:METHOD=AES-128,URI=\"\"\n#EXT-X-MAP:URI=\n#EXT-X-MAP:URI=\" \"\n")]
    [InlineData("#EXTM3U\n#EXT-X-MAP:URI=\"/never/closed,A=1\n#EXT-X-MAP:A=\"URI=\"\n")]
    [InlineData("#EXTM3U\n#EXT-X-MAP:A=\"1,URI=\"/x\"")]
    public void No_URI_no_change(string text) => Check(text, text, text);

    [Fact]
    public void An_attribute_without_quotes_is_what_players_take_it_for()
    {
        Check("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI= /k.key ,IV=0x1\n#EXT-X-MAP:URI=i.mp4",
            "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI= ../../../k.key ,IV=0x1\n#EXT-X-MAP:URI=i.mp4",
            "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI= ~P/k.key ,IV=0x1\n#EXT-X-MAP:URI=~P/video/2024-01-01/movie1/i.mp4");
    }

    [Theory]
    [InlineData("#EXTM3U\r\n#EXTINF:4,\r\n@\r\n\r\n#EXTINF:4,\r\n@")]
    [InlineData("#EXTM3U\n#EXTINF:4,\n@ \t \n\n\n@\n")]
    [InlineData("\u00ef\u00bb\u00bf#EXTM3U\n  @")]
    [InlineData("#EXTM3U\r@\r\r\n\n@\r")]
    [InlineData("#EXTM3U8 x-tvg-url=\"/a\"\n#EXTINF:1,\u00ff\u00fe\u0000\u0080\n@\n#\u00c3\u0028\n")]
    public void What_is_not_a_URI_keeps_its_bytes(string text) =>
        Check(text.Replace("@", "/a.ts"), text.Replace("@", "../../../a.ts"), text.Replace("@", "~P/a.ts"));

    [Fact]
    public void Long_lines_and_bytes_that_are_no_text_survive_within_a_URI()
    {
        string name = new string('x', 1 << 20) + "\u00ff\u0080\u0000\u0001,'<>";
        Check("#EXTM3U\n/v/" + name + "\n" + name, "#EXTM3U\n../../../v/" + name + "\n" + name,
            "#EXTM3U\n~P/v/" + name + "\n~P/video/2024-01-01/movie1/" + name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("#EXTM3")]
    [InlineData("\n#EXTM3U\n/a.ts")]
    [InlineData("<MPD><BaseURL>/a</BaseURL></MPD>")]
    public void A_file_that_is_no_playlist_is_left_alone(string text)
    {
        var template = Check(text, text, text);
        Assert.False(template.IsPlaylist);
        Assert.Equal("/video/2024-01-01/movie1/", template.CommonScope);
    }

    [Fact]
    public void Unchanged_is_the_very_memory()
    {
        byte[] text = "#EXTM3U\nseg.ts\n../x.ts\nhttps://cdn/x\n"u8.ToArray();
        var template = PlaylistTemplate.Parse(text, Path, Own);
        Assert.True(template.IsPlaylist);
        Assert.True(template.Shared.Equals(text.AsMemory()));
    }

    [Theory]
    [InlineData("/a b/\u00e9{$x}%2f?#/list.m3u8", "/a%20b/%C3%A9%7B$x%7D%252f%3F%23/")]
    [InlineData("/list.m3u8", "/")]
    [InlineData("list.m3u8", "/")]
    [InlineData("", "/")]
    public void The_directory_is_written_as_a_URL_says_it(string path, string directory)
    {
        Assert.Equal("#EXTM3U\n~P" + directory + "s.ts", Entry(Parse("#EXTM3U\ns.ts", path)));
        string back = "#EXTM3U\n" + directory + "s.ts";
        Assert.Equal("#EXTM3U\ns.ts", Latin(Parse(back, path).Shared.Span));
    }

    [Fact]
    public void Writing_an_entry_allocates_nothing()
    {
        var text = new StringBuilder("#EXTM3U\n#EXT-X-TARGETDURATION:6\n");
        for (int i = 0; i < 1200; i++)
            text.Append("#EXTINF:6.0,\nsegment").Append(i).Append(".ts\n");
        var template = Parse(text.ToString(), Path);
        byte[] prefix = Encoding.ASCII.GetBytes("/~s1." + new string('p', 90) + "." + new string('m', 43));
        byte[] output = new byte[template.EntryLength(prefix.Length)];
        template.WriteEntry(output, prefix);

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            template.WriteEntry(output, prefix);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_longer_prefix_than_a_request_line_holds_is_refused()
    {
        var template = Parse("#EXTM3U\na", Path);
        Assert.Throws<ArgumentOutOfRangeException>(() => template.EntryLength(PlaylistTemplate.LongestPrefix + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => template.EntryLength(-1));
    }

    internal static PlaylistTemplate Parse(string latin, string path) =>
        PlaylistTemplate.Parse(Encoding.Latin1.GetBytes(latin), path, Own);

    internal static string Latin(ReadOnlySpan<byte> text) => Encoding.Latin1.GetString(text);

    internal static string Entry(PlaylistTemplate template, string prefix = "~P")
    {
        byte[] bytes = Encoding.Latin1.GetBytes(prefix);
        byte[] output = new byte[template.EntryLength(bytes.Length)];
        template.WriteEntry(output, bytes);
        return Latin(output);
    }

    internal static PlaylistTemplate Check(string text, string shared, string entry)
    {
        var template = Parse(text, Path);
        Assert.Equal(shared, Latin(template.Shared.Span));
        Assert.Equal(entry, Entry(template));
        Assert.Equal(shared, Latin(Parse(shared, Path).Shared.Span));
        return template;
    }

    private static string Fill(string place, string reference) => place.Replace("{0}", reference);
}
