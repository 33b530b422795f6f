using System.Globalization;
using System.Text;

namespace XLive.Server.Tests.Framing;

/// <summary>All that a server said on one connection, taken apart again; what is no response is kept as rubbish.</summary>
internal sealed class Responses
{
    public List<(int Status, string Head, string Body)> Answers { get; } = [];
    public string Rubbish { get; private set; } = "";

    /// <param name="isHead">Whether the n-th request was HEAD, whose answer has no body.</param>
    public static Responses Parse(byte[] bytes, Func<int, bool> isHead)
    {
        var read = new Responses();
        var text = Encoding.Latin1.GetString(bytes);
        while (text.Length > 0)
        {
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end < 0 || !text.StartsWith("HTTP/1.1 ", StringComparison.Ordinal))
            {
                read.Rubbish = text;
                break;
            }
            var head = text[..(end + 2)];
            var status = int.Parse(head.AsSpan(9, 3), CultureInfo.InvariantCulture);
            var length = status is 204 or 304 or < 200 || isHead(read.Answers.Count) ? 0 : LengthOf(head);
            if (length > text.Length - end - 4)
            {
                read.Rubbish = text;
                break;
            }
            // An interim answer announces; it is none.
            if (status >= 200)
                read.Answers.Add((status, head, text.Substring(end + 4, length)));
            text = text[(end + 4 + length)..];
        }
        return read;
    }

    public static string? Header(string head, string name)
    {
        var at = head.IndexOf("\r\n" + name + ":", StringComparison.OrdinalIgnoreCase);
        if (at < 0)
            return null;
        var start = at + name.Length + 3;
        return head[start..head.IndexOf("\r\n", start, StringComparison.Ordinal)].Trim();
    }

    private static int LengthOf(string head) => int.Parse(Header(head, "Content-Length") ?? "0", CultureInfo.InvariantCulture);
}
