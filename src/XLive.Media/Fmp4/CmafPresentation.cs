using System.Text;
using XLive.Media.Hls;

namespace XLive.Media.Fmp4;

/// <summary>
/// The renditions of a live stream that can be fetched, part by part, and the playlists that name them. One writer, who adds what a <see cref="CmafSegments"/>
/// gives out and then publishes; readers take <see cref="Current"/>, which is replaced as a whole. Sequence numbers are those of all renditions, and rise for
/// as long as this object lives.
/// </summary>
public sealed class CmafPresentation(CmafPresentationOptions options) : IDisposable
{
    private readonly SegmentWindow<CmafEntry> _window = new(options.Window, options.MostBytes);
    private readonly Queue<CmafEntry> _finished = new(); // a segment's end and the first part of the next come in one call
    private readonly VariantMeasure _measure = new();
    private readonly RenditionState _video = new(TrackKind.Video), _audio = new(TrackKind.Audio);
    private CmafEntry? _open;
    private bool _isFirst = true;
    private long _begun;
    private long _discontinuities; // of all there ever were
    private PresentationView? _current;

    /// <summary>Null until there is a segment.</summary>
    public PresentationView? Current => Volatile.Read(ref _current);

    /// <summary>What whole segments take of the machine's memory; without those that somebody still reads after they went.</summary>
    public long Bytes => _window.Bytes;

    public int Listed => _window.Listed.Count;
    public int Removed => _window.Removed;

    /// <summary>Of what is listed, less than that many bytes cannot be.</summary>
    public bool IsOverfull => _window.IsOverfull;

    /// <summary>After the end: when nothing need be fetchable any more.</summary>
    public DateTimeOffset GoesAt { get; private set; } = DateTimeOffset.MaxValue;

    public void Add(CmafPart part) => Of(part.Segment).Add(part);

    /// <param name="segment">Held by the caller until now, by the presentation from now on.</param>
    public void Add(CmafSegment segment) => Of(segment);

    /// <summary>Makes seen what was added. False: nothing was.</summary>
    /// <param name="targetDuration">The same each time (bis 4.4.3.1), as the next.</param>
    /// <param name="isIndependent">Decoding can begin with every segment there ever was.</param>
    public bool Publish(int targetDuration, double partTarget, bool isIndependent, DateTimeOffset now)
    {
        if (_open is { IsWhole: true })
            Finish();
        var hasMore = _finished.Count > 0;
        while (_finished.TryDequeue(out var entry))
        {
            entry.Finish();
            _window.Add(entry, targetDuration, now);
            _measure.Add(_window.Listed, targetDuration);
            _video.Entered(entry);
            _audio.Entered(entry);
        }
        if (!hasMore)
            return _current is not null && _open is not null && Extend();
        Show(new PresentationFacts(options, targetDuration, partTarget, isIndependent), hasEnded: false);
        return true;
    }

    /// <summary>No more will come. All that is listed stays for as long as it plays (bis 6.2.1).</summary>
    public void End(DateTimeOffset now)
    {
        if (_current is null or { HasEnded: true })
            return;
        GoesAt = now + TimeSpan.FromSeconds((double)_window.Duration / Timestamp.PerSecond);
        Show(_current.Facts, hasEnded: true);
    }

    /// <summary>Lets go of what need not be fetchable any more. For a stream that gets no segments, from a timer.</summary>
    public void Expire(DateTimeOffset now)
    {
        if (_current is not null && _window.Collect(now))
            Volatile.Write(ref _current, _current.With(_window.ToArray()));
    }

    public void Dispose()
    {
        Volatile.Write(ref _current, null);
        _window.Clear();
        // Of the open segment the writer holds the buffer until it is whole.
        foreach (var entry in _finished)
            entry.Release();
        _finished.Clear();
        _open = null;
    }

    private RenditionSegment Of(CmafSegment segment)
    {
        if (_open?.Of(segment.Kind) is { } begun && ReferenceEquals(begun.Segment, segment))
            return begun;
        if (_open?.Of(segment.Kind) is not null)
            Finish();
        _open ??= Begin(segment);
        return _open.Begin(segment, (segment.Kind == TrackKind.Video ? _video : _audio).MapOf(segment.Initialization));
    }

    private CmafEntry Begin(CmafSegment segment)
    {
        if (options.Clock is { } clock)
        {
            if (_isFirst)
            {
                (_begun, _discontinuities) = clock.NumberAt(segment.ProgramDateTime);
                _window.BeginAt(_begun, _discontinuities);
            }
            clock.Begun(segment.ProgramDateTime, _begun, _discontinuities + (segment.IsDiscontinuity ? 1 : 0));
        }
        _isFirst = false;
        return new CmafEntry(_begun++);
    }

    private void Finish()
    {
        _discontinuities += _open!.IsDiscontinuity ? 1 : 0;
        _finished.Enqueue(_open!);
        _open = null;
    }

    private void Show(PresentationFacts facts, bool hasEnded)
    {
        var listed = new CmafEntry[_window.Listed.Count];
        for (var i = 0; i < listed.Length; i++)
            listed[i] = _window.Listed[i];
        var (video, audio) = (Of(_video), Of(_audio));
        var variant = Variant(facts);
        Volatile.Write(ref _current, new PresentationView(facts, _window.ToArray(), listed[0].Number, video, audio, hasEnded, variant, Multivariant(variant, isWhole: false),
            options.IsLowLatency ? Multivariant(variant, isWhole: true) : null));

        RenditionPlaylist? Of(RenditionState state) =>
            state.First < 0 ? null : new RenditionPlaylist(new RenditionHead(facts, state.Kind, listed, state.First, _window.Discontinuities), Open(state.Kind), Other(state), hasEnded);
    }

    /// <summary>Parts that came since the segment before was whole; a rendition of which none came keeps its text.</summary>
    private bool Extend()
    {
        var (video, audio) = (_current!.Video, _current.Audio);
        var (moreVideo, moreAudio) = (More(video), More(audio));
        if (moreVideo is null && moreAudio is null)
            return false;
        Volatile.Write(ref _current, _current.With(moreVideo ?? video, moreAudio ?? audio));
        return true;

        RenditionPlaylist? More(RenditionPlaylist? before)
        {
            if (before is null || Open(before.Kind) is not { Count: > 0 } open || open.Count == before.OpenParts)
                return null;
            return new RenditionPlaylist(before.Head, open, Other(before.Kind == TrackKind.Video ? _video : _audio), hasEnded: false);
        }
    }

    private RenditionSegment? Open(TrackKind kind) => _open?.Of(kind);

    /// <summary>Where the other rendition is.</summary>
    private RenditionReport? Other(RenditionState state)
    {
        var other = ReferenceEquals(state, _video) ? _audio : _video;
        if (other.First < 0)
            return null;
        if (Open(other.Kind) is { Count: > 0 } open)
            return new RenditionReport(other.Kind, _window.Next, open.Count - 1);
        return new RenditionReport(other.Kind, _window.Next - 1, (_window.Listed[^1].Of(other.Kind)?.Count ?? 0) - 1);
    }

    private Variant Variant(PresentationFacts facts)
    {
        var newest = _window.Listed[^1];
        var text = new StringBuilder(256);
        _measure.WriteStreamInf(text);
        return new Variant(text.ToString(), newest.VideoTrack, newest.AudioTrack, _measure.FrameRate, facts.IsIndependent);
    }

    private PlaylistForms Multivariant(Variant variant, bool isWhole) => MultivariantText.Write([new PlacedVariant(variant, options.BaseUri, "audio", options.BaseUri)], isWhole);

    /// <summary>What a rendition needs over its life.</summary>
    private sealed class RenditionState(TrackKind kind)
    {
        private Initialization? _map;
        private int _maps;

        public TrackKind Kind { get; } = kind;

        /// <summary>The number of its first segment; -1: it has none yet.</summary>
        public long First { get; private set; } = -1;

        public int MapOf(Initialization initialization)
        {
            if (!ReferenceEquals(_map, initialization))
                (_map, _maps) = (initialization, _maps + 1);
            return _maps - 1;
        }

        public void Entered(CmafEntry entry)
        {
            if (First < 0 && entry.Of(Kind) is not null)
                First = entry.Number;
        }
    }
}
