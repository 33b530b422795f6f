using XLive.Media.Amf;

namespace XLive.Media.Rtmp;

/// <summary>What a client said in its connect command.</summary>
/// <param name="App">Without slashes at its ends and without a query; with a slash in it where the client took two segments for the application.</param>
/// <param name="Query">Behind the application, or else behind tcUrl.</param>
/// <param name="Codecs">Of a player, what it may be sent.</param>
public sealed record RtmpConnect(string App, string Query, string TcUrl, string FlashVersion, string PageUrl, int ObjectEncoding, RtmpCodecs Codecs)
{
    // It is kept and shown for as long as somebody publishes. FFmpeg's has 37 characters.
    private const int LongestVersion = 128;

    internal static RtmpConnect Read(AmfObject? said)
    {
        string Text(string name) => said?[name].Text ?? "";
        var (app, query) = RtmpName.Split(Text("app"));
        string tcUrl = Text("tcUrl");
        if (query.Length == 0)
            query = RtmpName.Split(tcUrl).Query;
        string version = Text("flashVer");
        int encoding = said?["objectEncoding"].Number == 3 ? 3 : 0;
        // Cameras leave a slash at its end (SRS #681); another at its beginning comes of rtmp://host//app.
        return new RtmpConnect(app.Trim('/'), query, tcUrl, version.Length > LongestVersion ? version[..LongestVersion] : version, Text("pageUrl"), encoding, RtmpCodecs.Read(said));
    }
}

/// <param name="Query">Behind the name: a key, a token.</param>
/// <param name="Mode">live, record or append: all are live here.</param>
public sealed record RtmpPublish(uint StreamId, string Name, string Query, string Mode);

/// <param name="Start">Seconds; -2 is live or recorded, -1 live (7.2.2.1).</param>
public sealed record RtmpPlay(uint StreamId, string Name, string Query, double Start, double Duration, bool Reset);

internal static class RtmpName
{
    public static (string Name, string Query) Split(string text)
    {
        int mark = text.IndexOf('?', StringComparison.Ordinal);
        return mark < 0 ? (text, "") : (text[..mark], text[(mark + 1)..]);
    }
}
