using System.Buffers;
using System.Text;

namespace XLive.Media.Hls;

/// <summary>Where a playlist lies: what its references resolve against, and what absolute paths are made relative to.</summary>
internal sealed class PlaylistDirectory
{
    /// <summary>RFC 3986's, less the comma: an attribute without quotes ends there.</summary>
    private static readonly SearchValues<byte> PathBytes =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+;=:@/"u8);

    private static readonly SearchValues<byte> PlainStart =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%"u8);

    private readonly byte[] _file;
    private byte[] _scratch = new byte[256];

    public PlaylistDirectory(string path)
    {
        if (!path.StartsWith('/'))
            path = "/" + path;
        int length = path.LastIndexOf('/') + 1;
        Decoded = Encoding.UTF8.GetBytes(path, 0, length);
        Encoded = Encode(Decoded);
        _file = Encode(Encoding.UTF8.GetBytes(path, length, path.Length - length));
    }

    /// <summary>/video/a b/</summary>
    public byte[] Decoded { get; }

    /// <summary>/video/a%20b/</summary>
    public byte[] Encoded { get; }

    /// <summary>
    /// RFC 3986 5.2, less the authority. Percent-escapes stay as they are, but for %2e in a dot segment: browsers see the dot
    /// there, so not to see it would let a URI climb out unseen.
    /// </summary>
    /// <param name="reference">From the path on.</param>
    /// <returns>Valid until the next call.</returns>
    public ResolvedReference Resolve(ReadOnlySpan<byte> reference, bool absolute)
    {
        int pathLength = reference.IndexOfAny((byte)'?', (byte)'#');
        if (pathLength < 0)
            pathLength = reference.Length;
        var path = reference[..pathLength];
        var tail = reference[pathLength..];

        if (absolute)
            return RemoveDots(path.IsEmpty ? path : path[1..], tail, 1);
        if (path.IsEmpty)
            return new ResolvedReference(Encoded.Length, _file, tail, changed: true, climbed: false);
        return RemoveDots(path, tail, Encoded.Length);
    }

    /// <summary>What is asked for then: path and query, as they are escaped there. A fragment is not sent.</summary>
    public string TargetOf(in ResolvedReference there)
    {
        int fragment = there.Tail.IndexOf((byte)'#');
        var query = fragment < 0 ? there.Tail : there.Tail[..fragment];
        return Encoding.UTF8.GetString(Encoded.AsSpan(0, there.Kept)) + Encoding.UTF8.GetString(there.Path) + Encoding.UTF8.GetString(query);
    }

    /// <summary>The reference that leads from this directory to there, whatever the directory itself lies below.</summary>
    public void WriteRelative(in ResolvedReference there, ArrayBufferWriter<byte> output)
    {
        var here = Encoded.AsSpan(there.Kept);
        int common = here.CommonPrefixLength(there.Path);
        common = there.Path[..common].LastIndexOf((byte)'/') + 1;

        int up = here[common..].Count((byte)'/');
        for (int i = 0; i < up; i++)
            output.Write("../"u8);

        var down = there.Path[common..];
        if (up == 0 && NeedsDot(down))
            output.Write("./"u8);
        output.Write(down);
        output.Write(there.Tail);
    }

    /// <summary>Else it would read as a scheme, an absolute path, a comment, a variable, or as nothing.</summary>
    private static bool NeedsDot(ReadOnlySpan<byte> down)
    {
        if (down.IsEmpty || !PlainStart.Contains(down[0]))
            return true;
        int mark = down.IndexOfAny((byte)':', (byte)'/');
        return mark >= 0 && down[mark] == ':';
    }

    private ResolvedReference RemoveDots(ReadOnlySpan<byte> path, ReadOnlySpan<byte> tail, int kept)
    {
        if (!HasDots(path))
            return new ResolvedReference(kept, path, tail, changed: false, climbed: false);

        if (_scratch.Length < path.Length)
            _scratch = new byte[path.Length * 2];
        int length = 0;
        bool climbed = false;

        // Invariant: what is kept ends in a slash, and so does the scratch unless it is empty.
        while (true)
        {
            int slash = path.IndexOf((byte)'/');
            var segment = slash < 0 ? path : path[..slash];
            int dots = Dots(segment);
            if (dots == 0)
            {
                var whole = slash < 0 ? path : path[..(slash + 1)];
                whole.CopyTo(_scratch.AsSpan(length));
                length += whole.Length;
            }
            else if (dots == 2)
            {
                if (length > 0)
                    length = _scratch.AsSpan(0, length - 1).LastIndexOf((byte)'/') + 1;
                else if (kept > 1)
                    kept = Encoded.AsSpan(0, kept - 1).LastIndexOf((byte)'/') + 1;
                else
                    climbed = true;
            }

            if (slash < 0)
                return new ResolvedReference(kept, _scratch.AsSpan(0, length), tail, changed: true, climbed);
            path = path[(slash + 1)..];
        }
    }

    private static bool HasDots(ReadOnlySpan<byte> path)
    {
        while (true)
        {
            int slash = path.IndexOf((byte)'/');
            if (Dots(slash < 0 ? path : path[..slash]) > 0)
                return true;
            if (slash < 0)
                return false;
            path = path[(slash + 1)..];
        }
    }

    private static int Dots(ReadOnlySpan<byte> segment)
    {
        if (segment.IsEmpty || segment.Length > 6 || segment[0] is not ((byte)'.' or (byte)'%'))
            return 0;

        int dots = 0;
        while (!segment.IsEmpty)
        {
            int length = segment[0] == '.' ? 1 : segment is [(byte)'%', (byte)'2', (byte)'e' or (byte)'E', ..] ? 3 : 0;
            if (length == 0)
                return 0;
            segment = segment[length..];
            dots++;
        }
        return dots <= 2 ? dots : 0;
    }

    private static byte[] Encode(ReadOnlySpan<byte> decoded)
    {
        if (!decoded.ContainsAnyExcept(PathBytes))
            return decoded.ToArray();

        var output = new ArrayBufferWriter<byte>(decoded.Length * 3);
        foreach (byte b in decoded)
        {
            if (PathBytes.Contains(b))
                output.Write([b]);
            else
                output.Write([(byte)'%', (byte)"0123456789ABCDEF"[b >> 4], (byte)"0123456789ABCDEF"[b & 15]]);
        }
        return output.WrittenSpan.ToArray();
    }
}

/// <summary>The absolute path Encoded[..Kept] + Path, and what follows it.</summary>
internal readonly ref struct ResolvedReference(int kept, ReadOnlySpan<byte> path, ReadOnlySpan<byte> tail, bool changed, bool climbed)
{
    /// <summary>Of the playlist's own directory: at least its first slash, always whole segments.</summary>
    public int Kept { get; } = kept;

    public ReadOnlySpan<byte> Path { get; } = path;

    /// <summary>Query and fragment with their marks.</summary>
    public ReadOnlySpan<byte> Tail { get; } = tail;

    /// <summary>The reference's own text does not say this path any more.</summary>
    public bool Changed { get; } = changed;

    /// <summary>It went above the root, which would cost a session prefix.</summary>
    public bool Climbed { get; } = climbed;

    /// <summary>The first segment is one of the reserved ~ ones.</summary>
    public bool HasGrant => Kept == 1 && Path.StartsWith("~"u8);
}
