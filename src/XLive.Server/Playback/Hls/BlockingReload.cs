using XLive.Media.Hls;

namespace XLive.Server.Playback.Hls;

/// <summary>The delivery directives of a playlist request (bis 6.2.5). Other parameters are somebody else's; others that begin with _HLS_ are ignored.</summary>
/// <param name="Number">-1: what there is.</param>
/// <param name="Part">-1: the whole segment.</param>
internal readonly record struct BlockingReload(long Number, int Part, bool Skips)
{
    /// <summary>False: they contradict what is written of them.</summary>
    public static bool TryRead(ReadOnlySpan<char> query, out BlockingReload reload)
    {
        var (number, part, skips) = (-1L, -1L, false);
        reload = default;
        foreach (var range in query.Split('&'))
        {
            var pair = query[range];
            var sign = pair.IndexOf('=');
            if (sign < 0 || !pair.StartsWith("_HLS_", StringComparison.Ordinal))
                continue;
            var name = pair[5..sign];
            var value = pair[(sign + 1)..];
            if (name.SequenceEqual("msn"))
            {
                if (number >= 0 || !SequenceNumber.TryRead(value, out number))
                    return false;
            }
            else if (name.SequenceEqual("part"))
            {
                if (part >= 0 || !SequenceNumber.TryRead(value, out part) || part > int.MaxValue)
                    return false;
            }
            else if (name.SequenceEqual("skip"))
            {
                skips = value.SequenceEqual("YES") || value.SequenceEqual("v2");
            }
        }
        reload = new(number, (int)part, skips);
        return part < 0 || number >= 0;
    }
}
