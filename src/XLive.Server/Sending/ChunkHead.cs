using System.Buffers;
using System.Globalization;

namespace XLive.Server.Sending;

/// <summary>The head of a chunk (RFC 9112 section 7.1), of a body whose end nobody knows.</summary>
internal static class ChunkHead
{
    private const int Longest = 24;

    /// <param name="isFirst">The end of the one before waits for this one's beginning: no packet for two bytes.</param>
    public static void Write(IBufferWriter<byte> output, long length, bool isFirst)
    {
        var place = output.GetSpan(Longest);
        var at = 0;
        if (!isFirst)
            "\r\n"u8.CopyTo(place[..(at = 2)]);
        length.TryFormat(place[at..], out var digits, "x", CultureInfo.InvariantCulture);
        at += digits;
        "\r\n"u8.CopyTo(place[at..]);
        output.Advance(at + 2);
    }
}
