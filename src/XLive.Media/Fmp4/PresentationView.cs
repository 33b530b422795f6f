using System.Text;
using XLive.Media.Hls;

namespace XLive.Media.Fmp4;

/// <summary>What stays the same from one segment to the next.</summary>
/// <param name="PartTarget">In seconds; 0: there are no parts.</param>
internal sealed record PresentationFacts(CmafPresentationOptions Options, int TargetDuration, double PartTarget, bool IsIndependent)
{
    public bool HasParts => Options.IsLowLatency && PartTarget > 0;
    public bool CanSkip => Options.CanSkip && HasParts;

    /// <summary>In seconds (bis 4.4.3.8).</summary>
    public int SkipBoundary => 6 * TargetDuration;
}

/// <summary>What of a presentation stands between two changes. Immutable, read by any thread.</summary>
public sealed class PresentationView
{
    private readonly CmafEntry[] _entries;
    private readonly PlaylistForms _multivariant;
    private readonly PlaylistForms? _wholeMultivariant;

    internal PresentationView(PresentationFacts facts, CmafEntry[] entries, long firstListed, RenditionPlaylist? video, RenditionPlaylist? audio, bool hasEnded,
        Variant variant, PlaylistForms multivariant, PlaylistForms? wholeMultivariant)
    {
        Facts = facts;
        _entries = entries;
        FirstListed = firstListed;
        (Video, Audio) = (video, audio);
        HasEnded = hasEnded;
        Variant = variant;
        (_multivariant, _wholeMultivariant) = (multivariant, wholeMultivariant);
    }

    internal PresentationFacts Facts { get; }
    public RenditionPlaylist? Video { get; }
    public RenditionPlaylist? Audio { get; }
    public Variant Variant { get; }
    public int TargetDuration => Facts.TargetDuration;

    /// <summary>In seconds; 0: there are no parts.</summary>
    public double PartTarget => Facts.HasParts ? Facts.PartTarget : 0;
    public bool HasEnded { get; }

    /// <summary>The media sequence number. Those below, as far as they are here, were removed and can still be fetched.</summary>
    public long FirstListed { get; }

    /// <summary>Those that are whole.</summary>
    public ReadOnlySpan<CmafEntry> Entries => _entries;

    public RenditionPlaylist? Of(TrackKind kind) => kind == TrackKind.Video ? Video : Audio;

    /// <param name="isWhole">Naming playlists of whole segments.</param>
    public PlaylistForms Multivariant(bool isWhole) => isWhole ? _wholeMultivariant ?? _multivariant : _multivariant;

    /// <summary>The whole segment of this number. Its buffer is held for the caller; it may have gone since the view was made: then there is none.</summary>
    public SegmentBuffer? TryHoldSegment(TrackKind kind, long number, out CmafEntry? entry)
    {
        entry = Find(number);
        return entry?.Of(kind)?.Segment.Buffer is { } buffer && buffer.TryHold() ? buffer : null;
    }

    /// <summary>A part of a segment, whole or not. Its segment's buffer is held for the caller.</summary>
    /// <param name="entry">Null: of the segment that is not whole.</param>
    public SegmentBuffer? TryHoldPart(TrackKind kind, long number, int part, out CmafPart? found, out CmafEntry? entry)
    {
        entry = Find(number);
        found = null;
        if (entry is not null)
        {
            if (entry.Of(kind) is { } segment && part < segment.Count)
                found = segment.Parts(segment.Count)[part];
        }
        else if (Of(kind) is { } playlist && number == playlist.OpenNumber && part < playlist.OpenParts)
        {
            found = playlist.OpenPart(part);
        }
        return found?.Segment.Buffer is { } buffer && buffer.TryHold() ? buffer : null;
    }

    /// <summary>What an EXT-X-MAP names.</summary>
    public Initialization? FindMap(TrackKind kind, long number)
    {
        if (Of(kind)?.OpenMap is { } open && open.MapNumber == number)
            return open.Segment.Initialization;
        foreach (var entry in _entries)
        {
            if (entry.Of(kind) is { } segment && segment.MapNumber == number)
                return segment.Segment.Initialization;
        }
        return null;
    }

    /// <summary>Where a rendition is (bis 4.4.5.4), for another playlist of the event.</summary>
    public void WriteReport(StringBuilder text, TrackKind kind, string baseUri)
    {
        if (!HasEnded)
            Of(kind)?.Report.Write(text, baseUri);
    }

    internal PresentationView With(CmafEntry[] entries) => new(Facts, entries, FirstListed, Video, Audio, HasEnded, Variant, _multivariant, _wholeMultivariant);

    internal PresentationView With(RenditionPlaylist? video, RenditionPlaylist? audio) =>
        new(Facts, _entries, FirstListed, video, audio, HasEnded, Variant, _multivariant, _wholeMultivariant);

    private CmafEntry? Find(long number)
    {
        var index = _entries.Length == 0 ? -1 : number - _entries[0].Number;
        return index < 0 || index >= _entries.Length ? null : _entries[index];
    }
}
