using XLive.Media.Hls;
using XLive.Server.Access;
using XLive.Server.Playback.Http;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>How long what is kept where the origin is silent, and what the site's own rules say above the origin.</summary>
internal sealed class CachePolicies
{
    // A film's parts never change under their name; playlists of films seldom do; a live one is good for a second whoever asks.
    private static readonly TimeSpan Media = TimeSpan.FromHours(1);
    private static readonly TimeSpan Other = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Playlist = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Live = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Absent = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AbsentMedia = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <summary>
    /// Half a target duration (RFC 8216bis appendix B), whatever an origin or a rule says: a live playlist that is older makes players stall.
    /// </summary>
    public static TimeSpan LongestLive(PlaylistTemplate template) => TimeSpan.FromSeconds(Math.Max(1, template.TargetDuration / 2));

    private readonly bool _keeps;
    private volatile (PathPattern Pattern, CacheRule Rule)[] _rules;

    public CachePolicies(CacheOptions options, bool keeps = true)
    {
        _keeps = keeps;
        _rules = Compiled(options);
    }

    /// <summary>From now on; what is kept already stays for as long as was said when it came.</summary>
    public void Change(CacheOptions options) => _rules = Compiled(options);

    private static (PathPattern, CacheRule)[] Compiled(CacheOptions options)
    {
        var rules = new (PathPattern, CacheRule)[options.Rules.Count];
        for (var i = 0; i < rules.Length; i++)
            rules[i] = (new PathPattern(options.Rules[i].Match), options.Rules[i]);
        return rules;
    }

    public CachePolicy Of(ReadOnlySpan<char> path, MediaKind kind, int status, bool isLive)
    {
        var unsaid = status >= 400 ? (kind.IsSegment ? AbsentMedia : Absent)
            : isLive ? Live
            : kind.IsPlaylist ? Playlist
            : kind.IsSegment ? Media
            : Other;
        // An error is no better for being old, and a live playlist that is old freezes players.
        var stale = isLive || status >= 400 ? TimeSpan.Zero : Day;
        foreach (var (pattern, rule) in _rules)
        {
            if (pattern.Matches(path))
                return new CachePolicy(status < 400 ? rule.Ttl : null, isLive || status >= 400 ? null : rule.Stale, _keeps ? rule.Store : StoreIn.None, unsaid, stale, !kind.IsPlaylist);
        }
        return new CachePolicy(null, null, _keeps ? null : StoreIn.None, unsaid, stale, !kind.IsPlaylist);
    }
}
