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

    private const DateTimeStyles Utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;

    private static readonly string[] Formats = ["r", "ddd MMM d HH:mm:ss yyyy", "ddd MMM  d HH:mm:ss yyyy"];

    private static readonly string[] Days = CultureInfo.InvariantCulture.DateTimeFormat.DayNames;

    /// <summary>The three forms of RFC 9110 section 5.6.7.</summary>
    public static bool TryDate(string text, out long seconds)
    {
        seconds = 0;
        text = text.Trim();
        if (!DateTimeOffset.TryParseExact(text, Formats, CultureInfo.InvariantCulture, Utc, out var date) && !TryTwoDigits(text, out date))
            return false;
        seconds = date.ToUnixTimeSeconds();
        return true;
    }

    // "Sunday, 06-Nov-94 08:49:37 GMT". More than fifty years ahead is a century back; .NET's own window is fixed, and ends with 2049.
    private static bool TryTwoDigits(string text, out DateTimeOffset date)
    {
        date = default;
        var comma = text.IndexOf(", ", StringComparison.Ordinal);
        if (comma < 0 || text.Length != comma + 24 || Array.IndexOf(Days, text[..comma]) < 0)
            return false;
        var now = DateTimeOffset.UtcNow;
        var year = text.AsSpan(comma + 9, 2);
        if (year.ContainsAnyExceptInRange('0', '9'))
            return false;
        var full = now.Year / 100 * 100 + 100 + int.Parse(year, CultureInfo.InvariantCulture);
        while (full > now.Year + 50)
            full -= 100;
        string Of(int when) => string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(comma + 2, 7)}{when:d4}{text.AsSpan(comma + 11)}");
        return DateTimeOffset.TryParseExact(Of(full), "dd-MMM-yyyy HH:mm:ss 'GMT'", CultureInfo.InvariantCulture, Utc, out date)
            && (date <= now.AddYears(50) || DateTimeOffset.TryParseExact(Of(full - 100), "dd-MMM-yyyy HH:mm:ss 'GMT'", CultureInfo.InvariantCulture, Utc, out date));
    }
}
