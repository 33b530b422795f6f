using System.Buffers;
using System.Buffers.Text;

namespace XLive.Media.Hls;

/// <summary>
/// The one pass over a playlist's text that makes its template: lines, tags, attributes; each URI found goes to
/// <see cref="Reference"/>. Time is linear in the text, and so is memory: what rewriting adds is bounded by
/// <see cref="_budget"/>, and a file that would exceed it (thousands of "/a" in a directory a thousand levels deep, variables
/// made of variables) was not written to be played and is passed on as it is.
/// </summary>
internal sealed class PlaylistReader
{
    private static ReadOnlySpan<byte> TagStart => "#EXT-X-"u8;

    private static readonly SearchValues<byte> NumberBytes = SearchValues.Create("0123456789."u8);

    private readonly ReadOnlyMemory<byte> _memory;
    private readonly PlaylistDirectory _directory;
    private readonly OwnHosts _ownHosts;
    private readonly PlaylistVariables _variables;
    private readonly ChildPaths _children;
    private readonly PatchedText _shared;
    private readonly PatchedText _entry;
    private readonly List<EntryCut> _cuts = [];
    private readonly ArrayBufferWriter<byte> _relative = new();

    /// <summary>Told of each own media and playlist URI, as long as it says true; null where nobody asks.</summary>
    private readonly Func<string, bool>? _visit;

    /// <summary>Twice the text, and some room for short playlists with long URIs.</summary>
    private readonly long _budget;

    private long _kept;
    private bool _multivariantTags;
    private bool _mediaTags;
    private bool _endList;
    private bool _visited;
    private int _targetDuration;

    public PlaylistReader(ReadOnlyMemory<byte> text, string path, IReadOnlyList<string> ownHosts, Func<string, bool>? visit = null)
    {
        _memory = text;
        _visit = visit;
        _budget = 2L * text.Length + (1 << 20);
        _directory = new PlaylistDirectory(path);
        _ownHosts = new OwnHosts(ownHosts);
        _variables = new PlaylistVariables(_budget);
        _children = new ChildPaths(_directory);
        _shared = new PatchedText(text);
        _entry = new PatchedText(text);
    }

    private bool Overgrown =>
        _variables.Overgrown
        || _shared.Added > _budget
        || _entry.Added > _budget
        || _children.Added > _budget
        || _memory.Length + _entry.Added + _kept + (long)_cuts.Count * PlaylistTemplate.LongestPrefix > Array.MaxLength;

    public PlaylistTemplate Read()
    {
        var text = _memory.Span;
        int at = text.StartsWith("\uFEFF"u8) ? 3 : 0;
        if (!text[at..].StartsWith("#EXTM3U"u8))
            return new PlaylistTemplate(_memory, _children.Scope);

        while (at < text.Length)
        {
            // A lone CR ends a line too, as it does for ffmpeg and hls.js.
            int length = text[at..].IndexOfAny((byte)'\r', (byte)'\n');
            if (length < 0)
                length = text.Length - at;
            Line(at, at + length);
            if (Overgrown || _visited)
                return new PlaylistTemplate(_memory, new ChildPaths(_directory).Scope);
            at += length + 1;
        }

        return new PlaylistTemplate(_shared.Finish(), _entry.Finish(), _directory.Encoded, [.. _cuts], (int)_kept, _children.Scope)
        {
            IsPlaylist = true,
            IsMultivariant = _multivariantTags && !_mediaTags,
            HasEndList = _endList,
            TargetDuration = _targetDuration,
            KeyPaths = _children.Keys,
        };
    }

    private void Line(int start, int end)
    {
        var line = _memory.Span[start..end];
        if (line.IsEmpty)
            return;
        if (line[0] != '#')
            Reference(start, end);
        else if (line.StartsWith(TagStart))
            Tag(start, end);
        else if (line.StartsWith("#EXTINF:"u8))
            _mediaTags = true;
    }

    private void Tag(int start, int end)
    {
        var line = _memory.Span[start..end];
        int colon = line.IndexOf((byte)':');
        int valueStart = colon < 0 ? end : start + colon + 1;
        var name = line[TagStart.Length..(colon < 0 ? line.Length : colon)].TrimEnd(AttributeReader.Blanks);

        if (name.SequenceEqual("PREFETCH"u8))
        {
            // Community low latency: the value is a bare URI, not an attribute list.
            Reference(valueStart, end);
            return;
        }
        if (name.SequenceEqual("DEFINE"u8))
        {
            // It has no URI of its own (rfc8216bis 4.4.2.3); a VALUE is read where its variable stands.
            Define(valueStart, end);
            return;
        }

        bool isKey = false;
        if (name.SequenceEqual("KEY"u8) || name.SequenceEqual("SESSION-KEY"u8))
            isKey = !MethodIsNone(valueStart, end);
        else if (name.SequenceEqual("ENDLIST"u8))
            _endList = true;
        else if (name.SequenceEqual("TARGETDURATION"u8))
            (_mediaTags, _targetDuration) = (true, Seconds(_memory.Span[valueStart..end]));

        _multivariantTags |= IsMultivariantTag(name);

        var attributes = new AttributeReader(_memory.Span, valueStart, end);
        while (!Overgrown && attributes.Next())
        {
            if (attributes.Name.SequenceEqual("URI"u8)
                || attributes.Name.SequenceEqual("SERVER-URI"u8)
                || attributes.Name.SequenceEqual("X-ASSET-URI"u8)
                || attributes.Name.SequenceEqual("X-ASSET-LIST"u8))
            {
                bool isUri = attributes.Name.SequenceEqual("URI"u8);
                Reference(attributes.ValueStart, attributes.ValueEnd, attributes.Quoted, isKey && isUri, isMedia: isUri && !isKey);
            }
        }
    }

    private static bool IsMultivariantTag(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("STREAM-INF"u8)
        || name.SequenceEqual("I-FRAME-STREAM-INF"u8)
        || name.SequenceEqual("IMAGE-STREAM-INF"u8)
        || name.SequenceEqual("MEDIA"u8)
        || name.SequenceEqual("SESSION-KEY"u8)
        || name.SequenceEqual("SESSION-DATA"u8)
        || name.SequenceEqual("CONTENT-STEERING"u8);

    /// <summary>One URI between other text: into both forms and into what is known of the children.</summary>
    /// <param name="substitute">Variables have no meaning in an attribute without quotes.</param>
    /// <param name="isMedia">A segment, a part of one, its map, a playlist: not a key, nor what is made for one viewer.</param>
    private void Reference(int start, int end, bool substitute = true, bool isKey = false, bool isMedia = true)
    {
        var text = _memory.Span;
        while (start < end && AttributeReader.Blanks.Contains(text[start]))
            start++;
        while (end > start && AttributeReader.Blanks.Contains(text[end - 1]))
            end--;

        // An indented comment comes here as well.
        if (start == end || (text[start] == '#' && (start == 0 || text[start - 1] != '"')))
            return;

        // A variable's value decides what the URI is, so a URI is read expanded. Where it must change, it changes in place and
        // the definition stays: the same value may be imported by playlists of other directories, or be used within a query.
        var expanded = substitute ? _variables.Expand(text[start..end]) : text[start..end];
        var kind = _ownHosts.Classify(expanded, out int pathStart);
        if (kind == ReferenceKind.Foreign)
            return;

        var resolved = _directory.Resolve(expanded[pathStart..], absolute: kind != ReferenceKind.Relative);

        if (isKey)
            _children.AddKey(resolved);

        // It brings a grant of its own, /~v1.../video/...; a second one before it would hide that.
        if (resolved.HasGrant)
            return;

        _children.Add(resolved);
        if (_visit is not null && isMedia && !_visited)
            _visited = !_visit(_directory.TargetOf(resolved));

        if (kind != ReferenceKind.Relative || resolved.Climbed)
        {
            _relative.ResetWrittenCount();
            _directory.WriteRelative(resolved, _relative);
            _shared.Replace(start, end, _relative.WrittenSpan);
        }

        int at = _entry.PositionOf(start);
        if (kind == ReferenceKind.OwnHost || resolved.Changed)
        {
            Cut(at, resolved.Kept);
            _entry.Replace(start, end, resolved.Path, resolved.Tail);
        }
        else
        {
            Cut(at, kind == ReferenceKind.Relative ? resolved.Kept : 0);
        }
    }

    private void Cut(int at, int kept)
    {
        _cuts.Add(new EntryCut(at, kept));
        _kept += kept;
    }

    private bool MethodIsNone(int start, int end)
    {
        var attributes = new AttributeReader(_memory.Span, start, end);
        while (attributes.Next())
        {
            if (attributes.Name.SequenceEqual("METHOD"u8))
                return attributes.Value.SequenceEqual("NONE"u8);
        }
        return false;
    }

    private void Define(int start, int end)
    {
        ReadOnlySpan<byte> name = default, value = default;
        bool hasValue = false;
        var attributes = new AttributeReader(_memory.Span, start, end);
        while (attributes.Next())
        {
            if (!attributes.Quoted)
                continue;
            if (attributes.Name.SequenceEqual("NAME"u8))
            {
                name = attributes.Value;
            }
            else if (attributes.Name.SequenceEqual("VALUE"u8))
            {
                value = attributes.Value;
                hasValue = true;
            }
        }
        if (hasValue)
            _variables.Define(name, value);
    }

    /// <summary>
    /// The number at the front, as hls.js and ffmpeg read it whatever follows. A day is more than the longest film that was ever cut
    /// into one segment.
    /// </summary>
    private static int Seconds(ReadOnlySpan<byte> value)
    {
        value = value.TrimStart(AttributeReader.Blanks);
        int length = value.IndexOfAnyExcept(NumberBytes);
        if (length >= 0)
            value = value[..length];
        return Utf8Parser.TryParse(value, out double seconds, out _) && seconds is > 0 and <= 86_400 ? (int)Math.Ceiling(seconds) : 0;
    }
}
