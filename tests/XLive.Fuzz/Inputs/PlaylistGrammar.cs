using System.Text;
using XLive.Fuzz.Engine;

namespace XLive.Fuzz.Inputs;

/// <summary>Playlists of every tag that names a URI, and of URIs of every kind.</summary>
internal static class PlaylistGrammar
{
    private static readonly string[] Starts =
    [
        "", "", "", "", "/", "/", "/video/2024%20%C3%A9/m%2C1/", "/video/", "https://own.example/", "http://OWN.example:7889/video/",
        "//own.example/", "//[2001:db8::1]:8080/", "https://cdn.example/", "//cdn.example/", "data:,", "skd://", "{$abs}/", "{$rel}/",
        "{$own}/", "{$cdn}/", "{$up}/", "{$uri}/", "{$query}/", "https://{$host}/", "/~v1.a/", "?", "#",
    ];

    private static readonly string[] Segments =
    [
        "a", "b.ts", "seg-1.m4s", "..", "..", "..", ".", "%2e%2E", "%2e", "...", "", "a:b", "x=1,y", "%41", "%C3%A9", "%ff", "%2f", "%zz",
        "video", "m%2C1", "2024%20%C3%A9", "~u", "{$rel}", "{$query}", ";p",
    ];

    private static readonly string[] Tails = ["", "", "", "", "?a=1", "?x=/../y", "#t", "?a={$query}#/../", "?{$rel}"];

    private static readonly string[] Lines =
    [
        "@", "@", "@ ", "\t@", "#EXTINF:4.0,title, URI=\"/a\"", "#EXT-X-KEY:METHOD=AES-128,URI=\"@\",IV=0x1", "#EXT-X-KEY:URI=\"@\",METHOD=NONE",
        "#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"@\"", "#EXT-X-MAP:URI=\"@\",BYTERANGE=\"1@0\"", "#EXT-X-MEDIA:NAME=\",URI=\",URI=\"@\"",
        "#EXT-X-PART:URI=\"@\",DURATION=1", "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"@\"", "#EXT-X-RENDITION-REPORT:LAST-MSN=1,URI=\"@\"",
        "#EXT-X-DATERANGE:X-ASSET-URI=\"@\",X-ASSET-LIST=\"@\",X-URI=\"/no\"", "#EXT-X-CONTENT-STEERING:SERVER-URI=\"@\"", "#EXT-X-PREFETCH:@",
        "#EXT-X-MAP:URI=nq.mp4", "#EXT-X-ENDLIST", "#EXT-X-TARGETDURATION:6", "#EXT-X-TARGETDURATION: 5.005 ,URI=\"@\"", "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"a,b\"", "", "# /comment",
        "#EXT-X-DEFINE:NAME=\"late\",VALUE=\"{$abs}/x\"", "#EXT-X-DEFINE:NAME=\"uri\",VALUE=\"@\",URI=\"{$uri}/a\"", "#EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:00:00Z",
        "#EXT-X-DEFINE:NAME=\"twice\",VALUE=\"{$twice}{$late}{$late}\"",
    ];

    private const string Definitions =
        "#EXT-X-DEFINE:NAME=\"abs\",VALUE=\"/video/z\"\n#EXT-X-DEFINE:NAME=\"rel\",VALUE=\"r/..\"\n#EXT-X-DEFINE:NAME=\"own\",VALUE=\"https://own.example/o\"\n"
        + "#EXT-X-DEFINE:NAME=\"cdn\",VALUE=\"https://cdn.example/c\"\n#EXT-X-DEFINE:NAME=\"up\",VALUE=\"../../../..\"\n"
        + "#EXT-X-DEFINE:NAME=\"host\",VALUE=\"own.example\"\n#EXT-X-DEFINE:QUERYPARAM=\"query\"\n";

    public static readonly string[] Splinters =
    [
        "\"", ",", "=", "#", "\r", "\n", "\r\n", "/", "//", "..", "/../", "%", "%2e", "{$", "}", ":", "://", "?", "\0", "\u00ff", "URI=", " ", "#EXT-X-", "#EXTM3U\n",
        "#EXT-X-KEY:METHOD=AES-128,URI=\"../k\"\n", "{$rel}", "{$abs}", "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"{$a}{$a}\"\n", "/a\n", "\u00ef\u00bb\u00bf", "#EXT-X-TARGETDURATION:1e999\n",
    ];

    public static string Playlist(Dice dice)
    {
        var end = dice.OneIn(3) ? "\r\n" : "\n";
        var text = new StringBuilder(dice.OneIn(10) ? "\u00ef\u00bb\u00bf#EXTM3U" : dice.OneIn(60) ? "#EXTM3" : "#EXTM3U").Append(end);
        if (dice.OneIn(2))
            text.Append(Definitions.Replace("\n", end, StringComparison.Ordinal));
        for (var i = dice.Below(12); i > 0; i--)
        {
            var line = dice.Pick<string>(Lines);
            for (int at; (at = line.IndexOf('@')) >= 0 && !line[at..].StartsWith("@0", StringComparison.Ordinal);)
                line = line[..at] + Reference(dice) + line[(at + 1)..];
            text.Append(line).Append(i == 1 && dice.OneIn(2) ? "" : end);
        }
        return text.ToString();
    }

    private static string Reference(Dice dice)
    {
        var text = new StringBuilder(dice.Pick<string>(Starts));
        for (var i = dice.Below(6); i > 0; i--)
            text.Append(dice.Pick<string>(Segments)).Append(i > 1 || dice.OneIn(5) ? "/" : "");
        return text.Append(dice.Pick<string>(Tails)).ToString();
    }
}
