using Microsoft.Extensions.Primitives;

namespace XLive.Server.Playback.Http;

internal static class AcceptEncoding
{
    /// <summary>RFC 9110 section 12.5.3: gzip by name or by *, unless its weight is 0.</summary>
    public static bool TakesGzip(StringValues header)
    {
        var any = false;
        for (var i = 0; i < header.Count; i++)
        {
            foreach (var range in header[i].AsSpan().Split(','))
            {
                var one = header[i].AsSpan()[range].Trim();
                var semicolon = one.IndexOf(';');
                var coding = (semicolon < 0 ? one : one[..semicolon]).TrimEnd();
                var isGzip = coding.Equals("gzip", StringComparison.OrdinalIgnoreCase) || coding.Equals("x-gzip", StringComparison.OrdinalIgnoreCase);
                if (!isGzip && !coding.SequenceEqual("*"))
                    continue;
                var taken = semicolon < 0 || !IsNothing(one[(semicolon + 1)..]);
                if (isGzip)
                    return taken;
                any = taken;
            }
        }
        return any;
    }

    // Read as a number, "NaN" and a zero with NULs behind it would be weights too.
    private static bool IsNothing(ReadOnlySpan<char> parameter)
    {
        parameter = parameter.Trim();
        return parameter.StartsWith("q=0", StringComparison.OrdinalIgnoreCase) && !parameter[2..].ContainsAnyExcept('0', '.');
    }
}
