namespace XLive.Media.Hls;

/// <summary>
/// One playlist file, read once, in the two forms it is sent in.
/// <para><see cref="Shared"/> answers below a session prefix (/~s1.payload.mac/video/...): every own URI is relative, so it
/// inherits the prefix, and the bytes are the same for everyone.</para>
/// <para>The entry form answers the first URL, which has no prefix: every own URI is spelt out as prefix + absolute path. The
/// prefix differs per viewer, so it is spliced in while the text is copied; nothing is parsed or allocated then.</para>
/// Own are relative URIs, path-absolute ones and those that name an own host. Everything else keeps its bytes: other hosts,
/// other schemes, comments, line ends, byte order mark. Immutable, for any number of threads.
/// </summary>
public sealed class PlaylistTemplate
{
    /// <summary>No request line that Kestrel takes by default is longer, so no longer prefix can be asked for again.</summary>
    public const int LongestPrefix = 8192;

    private readonly ReadOnlyMemory<byte> _entryText;
    private readonly byte[] _directory;
    private readonly EntryCut[] _cuts;
    private readonly int _keptTotal;

    /// <summary>A text that is passed on as it is.</summary>
    internal PlaylistTemplate(ReadOnlyMemory<byte> text, string commonScope)
    {
        (Shared, _entryText, CommonScope) = (text, text, commonScope);
        (_directory, _cuts) = ([], []);
    }

    internal PlaylistTemplate(
        ReadOnlyMemory<byte> shared, ReadOnlyMemory<byte> entryText, byte[] directory, EntryCut[] cuts, int keptTotal, string commonScope)
    {
        (Shared, _entryText, CommonScope) = (shared, entryText, commonScope);
        (_directory, _cuts, _keptTotal) = (directory, cuts, keptTotal);
    }

    /// <summary>
    /// Reads any bytes at all; never throws on their account. What is not a playlist, and what would grow out of proportion
    /// (see <see cref="PlaylistReader"/>), is passed on untouched in both forms with <see cref="IsPlaylist"/> false.
    /// </summary>
    /// <param name="text">Kept, not copied: the caller leaves it alone from here on.</param>
    /// <param name="path">The playlist's own absolute path, percent-decoded and normalised.</param>
    /// <param name="ownHosts">host or host:port, in any case; without a port the scheme's default is meant.</param>
    public static PlaylistTemplate Parse(ReadOnlyMemory<byte> text, string path, IReadOnlyList<string> ownHosts) =>
        new PlaylistReader(text, path, ownHosts).Read();

    /// <summary>
    /// Names what a player of it would ask for, in order and as often as it stands there: playlists, segments, their maps; no keys.
    /// </summary>
    /// <param name="path">As it was parsed with.</param>
    /// <param name="visit">Is given a path, with a query where there is one; false ends it.</param>
    public void VisitMedia(string path, Func<string, bool> visit)
    {
        // In the shared form all that is our own is relative, whichever hosts were ours.
        if (IsPlaylist)
            new PlaylistReader(Shared, path, [], visit).Read();
    }

    public bool IsPlaylist { get; internal init; }

    public bool IsMultivariant { get; internal init; }

    public bool HasEndList { get; internal init; }

    /// <summary>Whole seconds, rounded up; 0 where the file has none, or one that no player would believe.</summary>
    public int TargetDuration { get; internal init; }

    /// <summary>What EXT-X-KEY and EXT-X-SESSION-KEY name on our own host: decoded, normalised, absolute.</summary>
    public IReadOnlySet<string> KeyPaths { get; internal init; } = System.Collections.Frozen.FrozenSet<string>.Empty;

    /// <summary>
    /// The longest directory, decoded and with its trailing slash, that holds the playlist's own directory and every own child.
    /// It may be wider than the viewer's token: whoever grants it clips it to that.
    /// </summary>
    public string CommonScope { get; }

    /// <summary>The very memory that was parsed, if no URI had to change.</summary>
    public ReadOnlyMemory<byte> Shared { get; }

    public int EntryLength(int prefixLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(prefixLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(prefixLength, LongestPrefix);
        return _entryText.Length + _keptTotal + _cuts.Length * prefixLength;
    }

    /// <summary>Fills the first <see cref="EntryLength"/> bytes of the destination.</summary>
    /// <param name="prefix">Without a trailing slash: /~s1.payload.mac</param>
    public void WriteEntry(Span<byte> destination, ReadOnlySpan<byte> prefix)
    {
        var text = _entryText.Span;
        int from = 0, to = 0;

        // Where prefix and directory were last written out in full: the next ones are one copy from there, not two.
        int headAt = 0, headKept = -1;

        foreach (ref readonly var cut in _cuts.AsSpan())
        {
            text[from..cut.At].CopyTo(destination[to..]);
            to += cut.At - from;
            from = cut.At;

            if (cut.Kept <= headKept)
            {
                destination.Slice(headAt, prefix.Length + cut.Kept).CopyTo(destination[to..]);
            }
            else
            {
                (headAt, headKept) = (to, cut.Kept);
                prefix.CopyTo(destination[to..]);
                _directory.AsSpan(0, cut.Kept).CopyTo(destination[(to + prefix.Length)..]);
            }
            to += prefix.Length + cut.Kept;
        }
        text[from..].CopyTo(destination[to..]);
    }
}

/// <summary>A place in the entry text: here go the prefix and the first <paramref name="Kept"/> bytes of the directory.</summary>
internal readonly record struct EntryCut(int At, int Kept);
