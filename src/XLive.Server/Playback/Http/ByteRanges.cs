using Microsoft.Extensions.Primitives;

namespace XLive.Server.Playback.Http;

internal readonly record struct ByteRange(long First, long Length)
{
    public long Last => First + Length - 1;
}

internal enum RangeAnswer
{
    /// <summary>No Range, or one that this server does not honour: the whole file, as RFC 9110 section 14.2 allows.</summary>
    Whole,
    Partial,
    Unsatisfiable,
}

/// <summary>The Range header (RFC 9110 section 14). Positions beyond 63 bits are clamped, never wrapped (CVE-2017-7529).</summary>
internal static class ByteRanges
{
    // More are an attack or a mistake; the whole file is the cheaper answer (RFC 9110 section 17.15).
    public const int MaxRanges = 8;

    public static RangeAnswer Parse(StringValues header, long length, Span<ByteRange> ranges, out int count)
    {
        count = 0;
        if (header.Count != 1)
            return RangeAnswer.Whole;
        var rest = header[0].AsSpan().Trim(" \t");
        if (!rest.StartsWith("bytes=", StringComparison.OrdinalIgnoreCase))
            return RangeAnswer.Whole;
        rest = rest[6..];
        var seen = 0;
        while (true)
        {
            var comma = rest.IndexOf(',');
            var one = (comma < 0 ? rest : rest[..comma]).Trim(" \t");
            // An empty list element is nothing (RFC 9110 section 5.6.1.2).
            if (!one.IsEmpty)
            {
                if (++seen > MaxRanges)
                    return RangeAnswer.Whole;
                if (!TryOne(one, length, out var range, out var satisfiable))
                    return RangeAnswer.Whole;
                if (satisfiable)
                    ranges[count++] = range;
            }
            if (comma < 0)
                break;
            rest = rest[(comma + 1)..];
        }
        if (seen == 0)
            return RangeAnswer.Whole;
        if (count == 0)
            return RangeAnswer.Unsatisfiable;
        return Overlap(ranges[..count]) ? RangeAnswer.Whole : RangeAnswer.Partial;
    }

    /// <summary>"bytes=a-b" or "bytes=a-" and nothing else: what can be asked of another server without knowing the length.</summary>
    public static bool TrySimple(string header, out long first, out long last)
    {
        (first, last) = (0, -1);
        var rest = header.AsSpan().Trim(" \t");
        if (!rest.StartsWith("bytes=", StringComparison.OrdinalIgnoreCase))
            return false;
        rest = rest[6..];
        var dash = rest.IndexOf('-');
        if (dash <= 0 || !TryNumber(rest[..dash], out first))
            return false;
        rest = rest[(dash + 1)..];
        if (rest.IsEmpty || (TryNumber(rest, out last) && last >= first))
            return true;
        (first, last) = (0, -1);
        return false;
    }

    private static bool TryOne(ReadOnlySpan<char> one, long length, out ByteRange range, out bool satisfiable)
    {
        range = default;
        satisfiable = false;
        var dash = one.IndexOf('-');
        if (dash < 0)
            return false;
        var first = one[..dash];
        var last = one[(dash + 1)..];
        if (first.IsEmpty)
        {
            if (!TryNumber(last, out var suffix))
                return false;
            satisfiable = suffix > 0 && length > 0;
            var taken = Math.Min(suffix, length);
            range = new ByteRange(length - taken, taken);
            return true;
        }
        if (!TryNumber(first, out var from))
            return false;
        var to = long.MaxValue;
        if (!last.IsEmpty && !TryNumber(last, out to))
            return false;
        if (to < from)
            return false;
        satisfiable = from < length;
        if (satisfiable)
            range = new ByteRange(from, Math.Min(to, length - 1) - from + 1);
        return true;
    }

    private static bool TryNumber(ReadOnlySpan<char> digits, out long value)
    {
        value = 0;
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange('0', '9'))
            return false;
        foreach (var c in digits)
        {
            var digit = c - '0';
            if (value > (long.MaxValue - digit) / 10)
            {
                value = long.MaxValue;
                return true;
            }
            value = value * 10 + digit;
        }
        return true;
    }

    /// <summary>The same bytes asked for twice would answer with more than the file: the whole file is sent instead.</summary>
    private static bool Overlap(ReadOnlySpan<ByteRange> ranges)
    {
        for (var i = 0; i < ranges.Length; i++)
        {
            for (var j = i + 1; j < ranges.Length; j++)
            {
                if (ranges[i].First <= ranges[j].Last && ranges[j].First <= ranges[i].Last)
                    return true;
            }
        }
        return false;
    }
}
