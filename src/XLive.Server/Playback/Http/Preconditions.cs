using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace XLive.Server.Playback.Http;

internal enum Precondition { Proceed, NotModified, Failed }

/// <summary>Conditional requests in the order of RFC 9110 section 13.2.2, on strong validators.</summary>
internal static class Preconditions
{
    /// <summary>The modification time of what has none: no date is a condition on it.</summary>
    public const long NoDate = long.MaxValue;

    public static Precondition Evaluate(IHeaderDictionary request, string etag, long modifiedSeconds)
    {
        var ifMatch = request.IfMatch;
        if (ifMatch.Count > 0)
        {
            if (!Matches(ifMatch, etag, weak: false))
                return Precondition.Failed;
        }
        else if (modifiedSeconds != NoDate && request.IfUnmodifiedSince is { Count: > 0 } unmodified && TryDate(unmodified.ToString(), out var until) && modifiedSeconds > until)
        {
            return Precondition.Failed;
        }
        var ifNoneMatch = request.IfNoneMatch;
        if (ifNoneMatch.Count > 0)
            return Matches(ifNoneMatch, etag, weak: true) ? Precondition.NotModified : Precondition.Proceed;
        if (request.IfModifiedSince is { Count: > 0 } since && TryDate(since.ToString(), out var seen) && modifiedSeconds <= seen)
            return Precondition.NotModified;
        return Precondition.Proceed;
    }

    /// <summary>May the Range be honoured? If-Range compares strongly: a weak tag, or a date that is not exactly ours, means the whole file.</summary>
    public static bool RangeStands(StringValues ifRange, string etag, long modifiedSeconds)
    {
        if (ifRange.Count == 0)
            return true;
        var value = ifRange.ToString().Trim();
        if (value.StartsWith('"'))
            return value == etag;
        if (modifiedSeconds == NoDate)
            return false;
        return TryDate(value, out var date) && date == modifiedSeconds;
    }

    private static bool Matches(StringValues header, string etag, bool weak)
    {
        var ours = etag.AsSpan();
        // An origin's tag may be weak: never a strong match.
        if (ours.StartsWith("W/", StringComparison.Ordinal))
        {
            ours = ours[2..];
            if (!weak && !header.ToString().Contains('*', StringComparison.Ordinal))
                return false;
        }
        for (var i = 0; i < header.Count; i++)
        {
            var rest = header[i].AsSpan();
            while (true)
            {
                rest = rest.TrimStart(" \t,");
                if (rest.IsEmpty)
                    break;
                if (rest[0] == '*')
                    return true;
                var isWeak = rest.StartsWith("W/", StringComparison.Ordinal);
                if (isWeak)
                    rest = rest[2..];
                if (rest.IsEmpty || rest[0] != '"')
                    break;
                var end = rest[1..].IndexOf('"');
                if (end < 0)
                    break;
                // A weak tag never matches strongly (RFC 9110 section 8.8.3.2).
                if (rest[..(end + 2)].SequenceEqual(ours) && (weak || !isWeak))
                    return true;
                rest = rest[(end + 2)..];
            }
        }
        return false;
    }

    private static readonly string[] Formats = ["r", "dddd, dd-MMM-yy HH:mm:ss 'GMT'", "ddd MMM d HH:mm:ss yyyy", "ddd MMM  d HH:mm:ss yyyy"];

    /// <summary>The three forms of RFC 9110 section 5.6.7.</summary>
    public static bool TryDate(string text, out long seconds)
    {
        seconds = 0;
        if (!DateTimeOffset.TryParseExact(text.Trim(), Formats, CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var date))
            return false;
        seconds = date.ToUnixTimeSeconds();
        return true;
    }
}
