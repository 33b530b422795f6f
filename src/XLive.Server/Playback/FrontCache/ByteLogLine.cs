using System.Buffers.Text;
using System.Net;
using System.Text;
using XLive.Server.Door.Clients;
using XLive.Server.Playback.Http;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.FrontCache;

/// <summary>What became of a line of a proxy's log.</summary>
internal enum LineKind : byte
{
    /// <summary>A viewer's answer.</summary>
    Counted,

    /// <summary>An error, a HEAD, an answer to somebody without a session: nobody's traffic.</summary>
    Nobody,

    /// <summary>Its ticket is not of this service.</summary>
    Foreign,

    /// <summary>Not of the form, or half of one.</summary>
    Malformed,
}

/// <summary>
/// A line of the byte log: milliseconds, status, method, body bytes, the viewer's address, the proxy's request id, ticket and shared target, with a
/// blank between two. Every one is a proxy's or our own word, and none is believed before it has its form.
/// </summary>
internal readonly ref struct ByteLogLine
{
    private const int Fields = 8;

    // No answer of a cache is larger; a sum of as many lines as a batch has stays far from the end of a long.
    public const long MostBytes = 1L << 40;

    /// <summary>Unix seconds.</summary>
    public long Time { get; private init; }
    public long Bytes { get; private init; }

    /// <summary>A request that counts, by the same rule as one that is answered here.</summary>
    public bool IsMedia { get; private init; }
    public IPAddress? Client { get; private init; }

    /// <summary>Empty where there was no session.</summary>
    public ReadOnlySpan<byte> Ticket { get; private init; }
    public FileKind Kind { get; private init; }

    public static bool TryRead(ReadOnlySpan<byte> line, out ByteLogLine read)
    {
        read = default;
        Span<Range> fields = stackalloc Range[Fields + 1];
        Span<char> text = stackalloc char[Longest];
        if (line.Length > Longest || line.ContainsAnyExceptInRange((byte)0x20, (byte)0x7E))
            return false;
        ReadOnlySpan<char> chars = text[..Encoding.ASCII.GetChars(line, text)];
        if (chars.Split(fields, ' ') != Fields)
            return false;
        if (!TryTime(line[fields[0]], out var time) || !TryNumber(line[fields[1]], out var status) || status is < 100 or > 599
            || !TryNumber(line[fields[3]], out var bytes) || bytes > MostBytes || chars[fields[2]].IsEmpty || chars[fields[7]].IsEmpty)
            return false;
        var ticket = line[fields[6]];
        if (ticket.IsEmpty)
            return false;
        // Errors are nobody's traffic, and a HEAD has no body.
        var isMedia = status is 200 or 206 or 304 && chars[fields[2]].SequenceEqual("GET");
        var client = AddressText.TryParse(chars[fields[4]], out var isV4, out var value) ? AddressText.Address(isV4, value) : null;
        var path = chars[fields[7]];
        var query = path.IndexOf('?');
        read = new ByteLogLine
        {
            Time = time,
            Bytes = bytes,
            IsMedia = isMedia,
            Client = client,
            Ticket = ticket.SequenceEqual("-"u8) ? default : ticket,
            Kind = MediaKind.Of(query < 0 ? path : path[..query]).Counted,
        };
        return true;
    }

    /// <summary>No line is longer: its target has 3 KiB.</summary>
    public const int Longest = 4096;

    private static bool TryTime(ReadOnlySpan<byte> text, out long seconds)
    {
        var point = text.IndexOf((byte)'.');
        seconds = 0;
        return point > 0 && TryNumber(text[..point], out seconds) && TryNumber(text[(point + 1)..], out _);
    }

    private static bool TryNumber(ReadOnlySpan<byte> text, out long value)
    {
        value = 0;
        return text.Length is > 0 and <= 18 && text[0] is >= (byte)'0' and <= (byte)'9' && Utf8Parser.TryParse(text, out value, out var read) && read == text.Length;
    }
}
