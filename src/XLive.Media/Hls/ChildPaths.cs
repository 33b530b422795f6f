using System.Buffers;
using System.Buffers.Text;
using System.Collections.Frozen;
using System.Text;
using System.Text.Unicode;

namespace XLive.Media.Hls;

/// <summary>
/// The own paths a playlist names, as the server will see them once they are asked for. A URI that the server would refuse
/// (not UTF-8, an escaped slash, an empty segment, above the root) names nothing here: it must not widen a scope.
/// </summary>
internal sealed class ChildPaths(PlaylistDirectory directory)
{
    private readonly HashSet<string> _keys = [];
    private byte[] _scratch = new byte[256];
    private byte[] _lastKey = [];

    /// <summary>Always a leading part of the playlist's own directory, decoded.</summary>
    private int _scopeLength = directory.Decoded.Length;

    /// <summary>Characters held for key paths.</summary>
    public long Added { get; private set; }

    public string Scope => Encoding.UTF8.GetString(directory.Decoded, 0, _scopeLength);

    public IReadOnlySet<string> Keys => _keys.Count == 0 ? FrozenSet<string>.Empty : _keys;

    public void Add(in ResolvedReference child)
    {
        // What lies below our own directory cannot narrow the scope any more.
        if (child.Kept == directory.Encoded.Length || !Decode(child, child.Path, out int kept, out var path) || kept >= _scopeLength)
            return;

        int common = kept + directory.Decoded.AsSpan(kept, _scopeLength - kept).CommonPrefixLength(path);
        _scopeLength = directory.Decoded.AsSpan(0, common).LastIndexOf((byte)'/') + 1;
    }

    public void AddKey(in ResolvedReference child)
    {
        // Asked for below a grant, it is the same file that must not be stored.
        var asked = child.HasGrant ? child.Path[(child.Path.IndexOf((byte)'/') + 1)..] : child.Path;
        if (!Decode(child, asked, out int kept, out var path))
            return;

        byte[] key = [.. directory.Decoded.AsSpan(0, kept), .. path];

        // A playlist that repeats its key before each segment is the common case.
        if (key.AsSpan().SequenceEqual(_lastKey))
            return;
        _lastKey = key;
        if (_keys.Add(Encoding.UTF8.GetString(key)))
            Added += key.Length;
    }

    /// <param name="kept">Of the decoded directory.</param>
    /// <param name="decoded">Valid until the next call.</param>
    private bool Decode(in ResolvedReference child, ReadOnlySpan<byte> path, out int kept, out ReadOnlySpan<byte> decoded)
    {
        kept = 0;
        decoded = default;
        if (child.Climbed || PlaylistVariables.Mentioned(path) || path.StartsWith("/"u8) || path.IndexOf("//"u8) >= 0)
            return false;

        // An escape in the directory is one of Encode's own, three bytes for one.
        kept = child.Kept - 2 * directory.Encoded.AsSpan(0, child.Kept).Count((byte)'%');
        return Decode(path, out decoded);
    }

    private bool Decode(ReadOnlySpan<byte> path, out ReadOnlySpan<byte> decoded)
    {
        decoded = default;
        if (_scratch.Length < path.Length)
            _scratch = new byte[path.Length * 2];

        int length = 0;
        for (int i = 0; i < path.Length; i++)
        {
            byte b = path[i];
            if (b == '%')
            {
                // A digit beyond the second is not part of the escape, so the parser sees just two.
                if (i + 2 >= path.Length
                    || !Utf8Parser.TryParse(path.Slice(i + 1, 2), out b, out int used, 'X') || used != 2
                    || b == '/')
                {
                    return false;
                }
                i += 2;
            }
            if (b is < 0x20 or 0x7F or (byte)'\\')
                return false;
            _scratch[length++] = b;
        }
        decoded = _scratch.AsSpan(0, length);
        return Utf8.IsValid(decoded);
    }
}
