namespace XLive.Server.Tests.Gate;

/// <summary>A title of several levels, and files where names and scopes can be mistaken for each other.</summary>
internal static class Films
{
    public const string Master = "/v/film/master.m3u8";
    public const string Rendition = "/v/film/720p/index.m3u8";
    public const string Segment = "/v/film/720p/0.ts";

    public static readonly string MasterText = """
        #EXTM3U
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en",URI="audio/index.m3u8"
        #EXT-X-STREAM-INF:BANDWIDTH=2000000,AUDIO="a"
        720p/index.m3u8
        #EXT-X-STREAM-INF:BANDWIDTH=1000000,AUDIO="a"
        http://media.example:8080/v/film/360p/index.m3u8
        #EXT-X-STREAM-INF:BANDWIDTH=500000
        /v/film/180p/index.m3u8
        #EXT-X-STREAM-INF:BANDWIDTH=300000
        https://other.example/v/film/90p/index.m3u8
        """.ReplaceLineEndings("\n") + "\n";

    public static readonly string RenditionText = """
        #EXTM3U
        #EXT-X-TARGETDURATION:4
        #EXT-X-KEY:METHOD=AES-128,URI="../k/enc.bin"
        #EXT-X-MAP:URI="init.mp4"
        #EXTINF:4,
        0.ts
        #EXTINF:4,
        1.ts?quality=high
        # A comment that nobody reads, as long as it takes to make this playlist one that is worth compressing:
        # ........................................................................................................
        # ........................................................................................................
        #EXT-X-ENDLIST
        """.ReplaceLineEndings("\n") + "\n";

    public static void Write(string root)
    {
        var files = new Dictionary<string, string>
        {
            ["v/film/master.m3u8"] = MasterText,
            ["v/film/720p/index.m3u8"] = RenditionText,
            ["v/film/360p/index.m3u8"] = RenditionText,
            ["v/film/180p/index.m3u8"] = RenditionText,
            ["v/film/audio/index.m3u8"] = RenditionText,
            ["v/film/k/enc.bin"] = "0123456789abcdef",
            ["v/film/sub/0.ts"] = "sub",
            ["v/other/0.ts"] = "other",
            ["v/ein Film/ü & ß.ts"] = "umlaut",
            ["public/p.ts"] = "public",
            ["public/p.m3u8"] = RenditionText,
            ["live/cam.m3u8"] = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\ncam/0/index.m3u8\n",
            ["live/cam/0.ts"] = "cam",
            ["live/cam2.m3u8"] = RenditionText,
            ["top.ts"] = "top",
            ["yard/f2.ts"] = "yard",
            ["api/x.ts"] = "never",
            [".well-known/x.ts"] = "never",
            ["~own/x.ts"] = "never",
        };
        foreach (var rendition in (string[])["720p", "360p", "180p", "audio"])
        {
            files[$"v/film/{rendition}/0.ts"] = new string('0', 2048);
            files[$"v/film/{rendition}/1.ts"] = new string('1', 2048);
            files[$"v/film/{rendition}/init.mp4"] = "init";
        }
        foreach (var (path, text) in files)
        {
            var full = Path.Combine(root, path);
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            File.WriteAllText(full, text);
        }
        using var large = File.Create(Path.Combine(root, "v/film/large.ts"));
        large.SetLength(64 << 20);
    }
}
