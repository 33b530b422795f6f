using System.Buffers;
using System.Text;

namespace XLive.Server.Door;

/// <summary>
/// The one parsed path of a request: decoded once, in normal form or refused. This value is what is signed, matched, cached and
/// opened; nothing else in the house reads the raw target.
///
/// Refused, never mended: dot segments, empty segments, backslashes, control characters, %2F, bytes that are not UTF-8, an escape
/// that would decode to one of these a second time, the absolute form. A path that two programs can read differently is how
/// files outside the root get served (CVE-2013-4547, CVE-2018-19365).
/// </summary>
public readonly struct RequestTarget
{
    private static readonly SearchValues<char> Plain =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/");

    private readonly string _text;
    private readonly int _start;
    private readonly int _end;
    private readonly string _target;
    private readonly int _query;
    private readonly int _grantEnd;

    private RequestTarget(string text, int start, int end, string target, int query, int grantEnd)
    {
        _text = text;
        _start = start;
        _end = end;
        _target = target;
        _query = query;
        _grantEnd = grantEnd;
    }

    /// <summary>The decoded path, without a grant's prefix.</summary>
    public ReadOnlySpan<char> Path => _text.AsSpan(_start, _end - _start);

    /// <summary>The path as one asks for it, escaped where it must be: one text for one path, however it came.</summary>
    public string Escaped => Path.ContainsAnyExcept(Plain) ? Uri.EscapeDataString(Path.ToString()).Replace("%2F", "/", StringComparison.Ordinal) : Path.ToString();

    /// <summary>The query as it came, without its question mark.</summary>
    public ReadOnlySpan<char> Query => _query < 0 ? default : _target.AsSpan(_query + 1);

    /// <summary>A grant that stands in the path, "~s1.payload.mac" or "~v1....", or nothing.</summary>
    public ReadOnlySpan<char> Grant => _grantEnd == 0 ? default : _text.AsSpan(1, _grantEnd - 1);

    /// <summary>As it came: for the log alone, which hides what is secret in it.</summary>
    public string Raw => _target ?? "";

    /// <summary>The same target, grant and query, as if its path began so many characters later.</summary>
    internal RequestTarget From(int characters) => new(_text, _start + characters, _end, _target, _query, _grantEnd);

    public static bool TryParse(string target, out RequestTarget parsed, out string fault)
    {
        parsed = default;
        fault = "";
        if (target.Length == 0 || target[0] != '/')
            return Refuse(out fault, "the request target must begin with /");
        var question = target.IndexOf('?');
        var pathEnd = question < 0 ? target.Length : question;
        var path = target.AsSpan(0, pathEnd);
        var text = target;
        if (path.ContainsAnyExcept(Plain))
        {
            if (!TryDecode(path, out text, out fault))
                return false;
            pathEnd = text.Length;
            path = text;
        }
        if (!InNormalForm(path, out fault))
            return false;
        var start = 0;
        if (path.Length > 1 && path[1] == '~')
        {
            // The grant is a whole segment; a name that only begins with ~ is reserved and leads nowhere.
            var slash = path[1..].IndexOf('/');
            if (slash < 0)
                return Refuse(out fault, "a grant in the path must be followed by a path");
            start = slash + 1;
        }
        parsed = new RequestTarget(text, start, pathEnd, target, question, start);
        return true;
    }

    private static bool Refuse(out string fault, string why)
    {
        fault = why;
        return false;
    }

    private static bool InNormalForm(ReadOnlySpan<char> path, out string fault)
    {
        fault = "";
        // Every segment between two slashes; the last one may be empty, which names a directory.
        for (var i = 1; i <= path.Length;)
        {
            var length = path[i..].IndexOf('/');
            var last = length < 0;
            if (last)
                length = path.Length - i;
            if (length == 0 && !last)
                return Refuse(out fault, "the path has an empty segment");
            if (length is 1 or 2 && path[i] == '.' && (length == 1 || path[i + 1] == '.'))
                return Refuse(out fault, "the path has a dot segment");
            if (last)
                return true;
            i += length + 1;
        }
        return true;
    }

    private static bool TryDecode(ReadOnlySpan<char> path, out string text, out string fault)
    {
        text = "";
        fault = "";
        var buffer = path.Length <= 1024 ? stackalloc byte[path.Length] : new byte[path.Length];
        var n = 0;
        for (var i = 0; i < path.Length; i++)
        {
            var c = path[i];
            if (c == '%')
            {
                if (i + 2 >= path.Length || !char.IsAsciiHexDigit(path[i + 1]) || !char.IsAsciiHexDigit(path[i + 2]))
                    return Refuse(out fault, "the path has a broken percent escape");
                var value = Hex(path[i + 1]) << 4 | Hex(path[i + 2]);
                if (value is '/' or '\\' or 0x7F or < 0x20)
                    return Refuse(out fault, "the path has an escaped slash, backslash or control character");
                buffer[n++] = (byte)value;
                i += 2;
            }
            else if (c is '\\' or '#' or < (char)0x21 or > (char)0x7E)
            {
                return Refuse(out fault, "the path has a backslash or a character that must be escaped");
            }
            else
            {
                buffer[n++] = (byte)c;
            }
        }
        var decoded = buffer[..n];
        if (EscapesTwice(decoded))
            return Refuse(out fault, "the path is escaped twice");
        try
        {
            text = Strict.GetString(decoded);
        }
        catch (DecoderFallbackException)
        {
            return Refuse(out fault, "the path is not UTF-8");
        }
        foreach (var c in text)
        {
            if (c is >= (char)0x80 and < (char)0xA0)
                return Refuse(out fault, "the path has a control character");
        }
        return true;
    }

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>A percent sign is an honest character of a name, but not before what a second decoder would take for . / \ % or NUL.</summary>
    private static bool EscapesTwice(ReadOnlySpan<byte> decoded)
    {
        for (var i = decoded.IndexOf((byte)'%'); i >= 0 && i + 2 < decoded.Length; i++)
        {
            if (decoded[i] == '%' && char.IsAsciiHexDigit((char)decoded[i + 1]) && char.IsAsciiHexDigit((char)decoded[i + 2])
                && (Hex((char)decoded[i + 1]) << 4 | Hex((char)decoded[i + 2])) is '.' or '/' or '\\' or '%' or 0)
                return true;
        }
        return false;
    }

    private static int Hex(char c) => c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}
