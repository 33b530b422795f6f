namespace XLive.Server.Sessions;

/// <summary>
/// The words that give a client away, found by their first four letters: one table probe a word, whatever the number of words
/// known. In the lists "word" is the whole word, "word*" its beginning; case does not count.
/// </summary>
internal static class ClientWords
{
    private static readonly (ClientKind Kind, bool OnlyFirst, string Words)[] Lists =
    [
        (ClientKind.Bot, false,
            "crawl* spider* slurp facebookexternal* externalagent externalhit facebookcatalog facebookplatform mediapartners "
            + "googleother googlehc inspectiontool feedfetcher archiver headless* phantomjs lighthouse pingdom* statuscake site24x7 "
            + "newrelic* datadog* zabbix* healthcheck* prometheus blackbox scrapy nutch* censys* zgrab masscan nmap expanse embedly "
            + "iframely vkshare validator yandexmetrika claude chatgpt perplexity wappalyzer qwantify httrack"),
        (ClientKind.Bot, true, "apis kube check whatsapp"),

        // OkHttp, Dalvik and CFNetwork are not here: as often they carry an app's own player (Media3 over OkHttp says no more).
        (ClientKind.DownloadTool, false,
            "wget* libcurl pycurl python* aria2 jdownloader* androiddownloadmanager downloadmanager flashget getright "
            + "streamlink m3u8dl ytdlp aiohttp httpx libwww mechanize httpclient winhttp* powershell urlgrabber utorrent*"),
        // Short or common words, which are also the names of telephones: a tool's own name comes first.
        (ClientKind.DownloadTool, true,
            "curl yt youtube idm fdm axel internet free download go axios node undici superagent got postman* insomnia httpie lwp* www "
            + "java* apache jakarta guzzle* php* ruby faraday restsharp rest deno bun reqwest hyper btwebclient transmission xh gvfs "
            + "thunder ffuf fuzz k6 apachebench wrk hey vegeta lua dart reactornetty unirest you uclient libdnf typhoeus hackney fasthttp"),

        (ClientKind.Player, false,
            "applecoremedia coremedia exoplayer* androidxmedia3 media3 vlc libvlc lavf* libmpv mpv mplayer* gstreamer* souphttpsrc "
            + "kodi xbmc roku* crkey potplayer* stagefright nsplayer wmfsdk wmplayer quicktime* itunes foobar2000 winamp* nexplayer "
            + "infuse* mxplayer* tivimate iptvsmarters* smarters ottnavigator televizo player sonos clementine audacious dlnadoc smart "
            + "smarttv tv web0s webos webappmanager netcast hbbtv stbapp alexamediaplayer iina jellyfin* plexmediaplayer emby "
            + "brightsign banshee mediamonkey miro realplayer appletv bravia viera rygel chromecast tvos youview* nettv*"),
        (ClientKind.Player, true, "ott mpc music"),
    ];

    private sealed record Word(uint Key, string Text, bool IsBeginning, bool OnlyFirst, ClientKind Kind);

    private const int Slots = 1024;
    private static readonly Word?[] Table = BuildTable();

    /// <summary>The highest kind any word claims; Unknown for none.</summary>
    public static ClientKind RarestKind(ReadOnlySpan<char> text)
    {
        var rarest = ClientKind.Unknown;
        bool first = true;
        for (int i = 0; i < text.Length;)
        {
            if (!char.IsAsciiLetterOrDigit(text[i]))
            {
                i++;
                continue;
            }
            int start = i;
            uint key = 0;
            for (; i < text.Length && char.IsAsciiLetterOrDigit(text[i]); i++)
            {
                if (i - start < 4)
                    key |= (uint)(text[i] | 0x20) << ((i - start) * 8);
            }
            ReadOnlySpan<char> word = text[start..i];
            if (IsNamedBot(word))
                return ClientKind.Bot;
            ClientKind kind = Find(key, word, first);
            if (kind > rarest)
                rarest = kind;
            first = false;
        }
        return rarest;
    }

    /// <summary>Googlebot, UptimeRobot, Baiduspider, BingPreview; but CUBOT makes telephones.</summary>
    private static bool IsNamedBot(ReadOnlySpan<char> word) => (word[^1] | 0x20) switch
    {
        't' => word.EndsWith("bot", StringComparison.OrdinalIgnoreCase) && !word.Equals("cubot", StringComparison.OrdinalIgnoreCase),
        'r' => word.EndsWith("spider", StringComparison.OrdinalIgnoreCase) || word.EndsWith("crawler", StringComparison.OrdinalIgnoreCase),
        'w' => word.EndsWith("preview", StringComparison.OrdinalIgnoreCase),
        _ => false,
    };

    private static ClientKind Find(uint key, ReadOnlySpan<char> asked, bool first)
    {
        var rarest = ClientKind.Unknown;
        for (int slot = Slot(key); Table[slot] is { } word; slot = (slot + 1) % Slots)
        {
            if (word.Key == key && word.Kind > rarest && (first || !word.OnlyFirst)
                && (word.IsBeginning ? asked.Length >= word.Text.Length : asked.Length == word.Text.Length)
                && asked.StartsWith(word.Text, StringComparison.OrdinalIgnoreCase))
                rarest = word.Kind;
        }
        return rarest;
    }

    private static int Slot(uint key) => (int)((key * 2654435769u) >> 22);

    private static Word?[] BuildTable()
    {
        var slots = new Word?[Slots];
        foreach (var (kind, onlyFirst, words) in Lists)
        {
            foreach (string listed in words.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                string text = listed.TrimEnd('*');
                uint key = 0;
                for (int i = 0; i < Math.Min(4, text.Length); i++)
                    key |= (uint)text[i] << (i * 8);
                int slot = Slot(key);
                while (slots[slot] is not null)
                    slot = (slot + 1) % Slots;
                slots[slot] = new Word(key, text, listed != text, onlyFirst, kind);
            }
        }
        return slots;
    }
}
