namespace XLive.Server.Sessions;

/// <summary>What fetches. A guess from what the client says of itself: good for counting and for manners, never for a secret.</summary>
public enum ClientKind : byte
{
    Unknown,
    Browser,
    /// <summary>A media player or a television, stick or box whose purpose is playing.</summary>
    Player,
    /// <summary>A downloader, or an HTTP library under somebody's script.</summary>
    DownloadTool,
    /// <summary>A crawler, a link preview, a monitor.</summary>
    Bot,
}

/// <summary>Headers besides User-Agent that give a client away.</summary>
[Flags]
public enum ClientSigns : byte
{
    None = 0,
    /// <summary>Sec-Fetch-Dest: every browser of today over https, and nothing else.</summary>
    SecFetchDest = 1,
    SecFetchMode = 2,
    /// <summary>X-Playback-Session-Id: AVPlayer, in an app or inside Safari.</summary>
    PlaybackSession = 4,
    /// <summary>Icy-MetaData: VLC, mpv, ffmpeg and radios.</summary>
    IcyMetadata = 8,
}

/// <summary>
/// Told from the words of the User-Agent, the rarest claim first: a crawler calls itself a browser, a browser never a crawler.
/// One pass of about 0.2 us, so nothing is remembered and nobody fills a memory with names he makes up.
/// </summary>
public static class ClientKinds
{
    /// <summary>As settings and lists write it.</summary>
    public static string Word(ClientKind kind) => kind switch
    {
        ClientKind.Browser => "browser",
        ClientKind.Player => "player",
        ClientKind.DownloadTool => "download_tool",
        ClientKind.Bot => "bot",
        _ => "unknown",
    };

    // A longer one is no honest client's; the words of an honest one stand in front.
    private const int MostCharacters = 512;

    public static ClientKind Of(ReadOnlySpan<char> userAgent, ClientSigns signs)
    {
        ClientKind named = Named(userAgent.Length > MostCharacters ? userAgent[..MostCharacters] : userAgent);
        if (named == ClientKind.Browser)
        {
            // yt-dlp calls itself Chrome and sends Sec-Fetch-Mode without the others, which Chrome sends together.
            if ((signs & (ClientSigns.SecFetchMode | ClientSigns.SecFetchDest)) == ClientSigns.SecFetchMode)
                return ClientKind.DownloadTool;
            return (signs & ClientSigns.IcyMetadata) != 0 ? ClientKind.Player : ClientKind.Browser;
        }
        if (named != ClientKind.Unknown)
            return named;
        if ((signs & (ClientSigns.PlaybackSession | ClientSigns.IcyMetadata)) != 0)
            return ClientKind.Player;
        return (signs & ClientSigns.SecFetchDest) != 0 ? ClientKind.Browser : ClientKind.Unknown;
    }

    private static ClientKind Named(ReadOnlySpan<char> userAgent)
    {
        ClientKind kind = ClientWords.RarestKind(userAgent);
        if (kind != ClientKind.Unknown)
            return kind;
        // Only what crawls leaves its address for the owner of the site.
        if (userAgent.Contains("+http", StringComparison.Ordinal))
            return ClientKind.Bot;
        return userAgent.StartsWith("Mozilla/") || userAgent.StartsWith("Opera/") ? ClientKind.Browser : ClientKind.Unknown;
    }
}
