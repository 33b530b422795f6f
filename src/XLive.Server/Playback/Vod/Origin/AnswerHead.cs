using System.Net.Http.Headers;
using XLive.Server.Settings;

namespace XLive.Server.Playback.Vod.Origin;

/// <summary>
/// The head of an answer, checked against what was asked. HttpClient takes two lengths and goes by the first, and takes a length that is no
/// number for none at all; a cache that believed it would store what another server reads otherwise.
/// </summary>
internal sealed class AnswerHead
{
    public required int Status { get; init; }

    public required List<KeyValuePair<string, string>> Headers { get; init; }

    /// <summary>Where in the representation the body begins.</summary>
    public long First { get; private set; }

    /// <summary>Of the body; -1 not known.</summary>
    public long Length { get; private set; }

    /// <summary>Of the representation; -1 not known.</summary>
    public long Total { get; private set; }

    public string? StrongTag { get; private set; }

    /// <summary>False where only the end of the connection ends the body: a cut is not to be told from an end then.</summary>
    public bool IsDelimited { get; private set; }

    public string? Header(string name)
    {
        foreach (var (key, value) in Headers)
        {
            if (key.Equals(name, StringComparison.OrdinalIgnoreCase))
                return value;
        }
        return null;
    }

    /// <exception cref="OriginException">It is no answer to this.</exception>
    public static AnswerHead Read(HttpResponseMessage response, in Asked asked)
    {
        var (length, isChunked) = Framing(response, asked.IsHead);
        var head = new AnswerHead
        {
            Status = (int)response.StatusCode,
            Headers = OriginFields.EndToEnd(response) ?? throw Bad($"more than {OriginFields.Most} header lines"),
        };
        if (head.Status < 200)
            throw Bad($"status {head.Status}");
        if (head.Header("ETag") is { Length: >= 2 } tag && tag[0] == '"' && tag[^1] == '"')
            head.StrongTag = tag;
        switch (head.Status)
        {
            case 206:
                head.TakePart(asked, length);
                break;
            case 304 when !asked.IsConditional:
                throw Bad("304 without a condition");
            case 204 or 304:
                (head.Length, head.Total, head.IsDelimited) = (0, -1, true);
                break;
            default:
                (head.Length, head.Total) = (length, length);
                head.IsDelimited = isChunked || length >= 0 || response.Version.Major >= 2;
                break;
        }
        if (asked.IsHead)
            (head.Length, head.IsDelimited) = (0, true);
        if (asked.Tag is { } wanted)
            head.CheckVersion(wanted);
        return head;
    }

    private static (long Length, bool IsChunked) Framing(HttpResponseMessage response, bool isHead)
    {
        long length = -1;
        if (response.Content.Headers.NonValidated.TryGetValues("Content-Length", out var lengths))
        {
            var text = lengths.Count == 1 ? lengths.First() : throw Lie("several Content-Length");
            if (!WholeNumber.TryRead(text, out length))
                throw Lie("a Content-Length that is no number");
        }
        if (!response.Headers.NonValidated.TryGetValues("Transfer-Encoding", out var codings))
            return (length, false);
        if (length >= 0 && !isHead)
            throw Lie("Content-Length beside Transfer-Encoding");
        // RFC 9112, 7: we accept no other (TE is not sent), and chunked alone tells where the end is.
        return codings.Count == 1 && codings.First().Trim().Equals("chunked", StringComparison.OrdinalIgnoreCase)
            ? (-1, true)
            : throw Lie("a Transfer-Encoding that is not chunked");
    }

    private void TakePart(in Asked asked, long length)
    {
        if (!asked.HasRange)
            throw Bad("206 though no range was asked for");
        if (Header("Content-Type")?.TrimStart().StartsWith("multipart/byteranges", StringComparison.OrdinalIgnoreCase) == true)
            throw Bad("several ranges though one was asked for");
        if (Headers.Count(static h => h.Key.Equals("Content-Range", StringComparison.OrdinalIgnoreCase)) != 1
            || !TryContentRange(Header("Content-Range")!, out var first, out var last, out var total))
            throw Bad("206 without a Content-Range that says which part it is");
        if (first != asked.First)
            throw Bad($"206 from {first}, asked from {asked.First}");
        // Less than asked is right where the file ends, and nowhere else: a hole would follow it.
        if (total < 0 ? last != asked.Last : last != (asked.Last < 0 || asked.Last >= total ? total - 1 : asked.Last))
            throw Bad($"206 to {last} of {total}, asked to {asked.Last}");
        if (length >= 0 && length != last - first + 1 && !asked.IsHead)
            throw Bad($"206 of {last - first + 1} bytes with a Content-Length of {length}");
        (First, Length, Total, IsDelimited) = (first, last - first + 1, total, true);
    }

    /// <summary>Of "bytes 0-9/100"; total is -1 where it is "*".</summary>
    internal static bool TryContentRange(ReadOnlySpan<char> text, out long first, out long last, out long total)
    {
        (first, last, total) = (-1, -1, -1);
        text = text.Trim();
        if (!text.StartsWith("bytes ", StringComparison.OrdinalIgnoreCase))
            return false;
        text = text[6..].TrimStart();
        var dash = text.IndexOf('-');
        var slash = text.IndexOf('/');
        return dash > 0 && slash > dash
            && WholeNumber.TryRead(text[..dash], out first)
            && WholeNumber.TryRead(text[(dash + 1)..slash], out last)
            && first <= last && last < long.MaxValue
            && (text[(slash + 1)..] is "*" || WholeNumber.TryRead(text[(slash + 1)..], out total) && last < total);
    }

    private void CheckVersion(string wanted)
    {
        if (Status is not (200 or 206) || StrongTag == wanted)
            return;
        // RFC 9110, 15.3.7.1: a 206 has the ETag that a 200 would have had. Without it nobody knows what this is a part of.
        throw Status == 206 && Header("ETag") is null ? Bad("206 without an ETag") : new OriginException(OriginFault.Changed, "another version is there now");
    }

    private static OriginException Bad(string what) => new(OriginFault.BadAnswer, what);

    private static OriginException Lie(string what) => new(OriginFault.BadAnswer, what) { IsLie = true };
}

/// <summary>What of a request its answer is held against.</summary>
/// <param name="Last">-1: to the end.</param>
/// <param name="Tag">Of the version that alone will do.</param>
/// <param name="AnyCoding">Accept-Encoding was another's choice.</param>
internal readonly record struct Asked(long First, long Last, string? Tag, bool IsHead, bool IsConditional, bool AnyCoding)
{
    public bool HasRange => First > 0 || Last >= 0;
}
