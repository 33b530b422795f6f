using System.Text;
using XLive.Media.Hls;

namespace XLive.Media.Fmp4;

/// <summary>Where another rendition is (bis 4.4.5.4).</summary>
/// <param name="LastPart">-1: it has none.</param>
internal sealed record RenditionReport(TrackKind Kind, long LastNumber, int LastPart)
{
    public void Write(StringBuilder text, string baseUri)
    {
        text.Append("#EXT-X-RENDITION-REPORT:URI=\"").Append(baseUri).Append(CmafName.OfPlaylist(Kind)).Append("\",LAST-MSN=").Append(LastNumber);
        if (LastPart >= 0)
            text.Append(",LAST-PART=").Append(LastPart);
        text.Append('\n');
    }
}

/// <summary>What a playlist reports where it is one of an event's.</summary>
public interface IOtherRenditions
{
    /// <summary>A line for each rendition of the event but this one.</summary>
    void WriteReports(StringBuilder text, TrackKind kind);
}

public enum PlaylistScope : byte
{
    All,

    /// <summary>A delta update: without what the player has.</summary>
    Skipping,

    /// <summary>No parts, nothing to wait for.</summary>
    WholeSegments,
}

/// <summary>
/// One rendition up to one part. Immutable; its texts are made when the first asks for them, once for all who do, for of most streams nobody wants most texts.
/// </summary>
public sealed class RenditionPlaylist
{
    private readonly RenditionSegment? _open;
    private readonly RenditionReport? _other;
    private PlaylistForms? _all, _skipping, _allOfEvent, _skippingOfEvent;

    internal RenditionPlaylist(RenditionHead head, RenditionSegment? open, RenditionReport? other, bool hasEnded)
    {
        Head = head;
        _open = open;
        OpenParts = open?.Count ?? 0;
        _other = other;
        HasEnded = hasEnded;
    }

    internal RenditionHead Head { get; }
    internal RenditionSegment? OpenMap => OpenParts > 0 ? _open : null;

    public TrackKind Kind => Head.Kind;
    public bool HasEnded { get; }

    /// <summary>The media sequence number of the last segment that is whole.</summary>
    public long LastWhole => Head.LastWhole;

    /// <summary>Of the segment whose parts come.</summary>
    public long OpenNumber => LastWhole + 1;

    public int OpenParts { get; }

    /// <summary>So many parts has the last whole segment.</summary>
    public int LastParts => Head.LastParts;

    /// <summary>It lists so much, or more (bis 6.2.5.2).</summary>
    /// <param name="part">-1: the whole segment.</param>
    public bool Reaches(long number, int part)
    {
        if (HasEnded)
            return true;
        if (part < 0 || LastWhole > number)
            return LastWhole >= number;
        if (LastWhole == number)
            return part < LastParts || OpenParts > 0; // beyond the last part is part 0 of the next
        return OpenNumber == number && part < OpenParts;
    }

    /// <summary>Nobody can know of so much (bis 6.2.5.2): it is asked for in vain, or in spite.</summary>
    public bool IsTooFar(long number, int part)
    {
        if (number > LastWhole + 2)
            return true;
        var most = Head.Facts.PartTarget is > 0 and < 1 ? (int)Math.Ceiling(3 / Head.Facts.PartTarget) : 3;
        return part >= 0 && number >= OpenNumber && part > (number == OpenNumber ? OpenParts - 1 : 0) + most;
    }

    /// <summary>It comes next, and its request may wait.</summary>
    public bool IsHinted(long number, int part) => !HasEnded && Head.Facts.HasParts && number == OpenNumber && part == OpenParts;

    internal CmafPart OpenPart(int part) => _open!.Parts(OpenParts)[part];

    /// <summary>How far it is.</summary>
    internal RenditionReport Report => OpenParts > 0 ? new(Kind, OpenNumber, OpenParts - 1) : new(Kind, LastWhole, LastParts - 1);

    /// <param name="others">Where the playlist is one of an event's. How far they are is what they were when it was asked for first: one text for all.</param>
    public PlaylistForms Text(PlaylistScope scope, IOtherRenditions? others)
    {
        if (others is null || HasEnded || scope == PlaylistScope.WholeSegments || !Head.Facts.HasParts)
            return Text(scope);
        if (scope == PlaylistScope.Skipping && Head.SkippedBefore(OpenSeconds) is > 0 and var skipped)
            return Volatile.Read(ref _skippingOfEvent) ?? Keep(ref _skippingOfEvent, Render(Head.Text(skipped, OpenSeconds), others));
        return Volatile.Read(ref _allOfEvent) ?? Keep(ref _allOfEvent, Render(Head.Text(0, OpenSeconds), others));
    }

    public PlaylistForms Text(PlaylistScope scope)
    {
        if (scope == PlaylistScope.WholeSegments || !Head.Facts.HasParts)
            return HasEnded ? Volatile.Read(ref _all) ?? Keep(ref _all, Head.Whole + PlaylistLines.EndList) : Head.WholeForms;
        if (scope == PlaylistScope.Skipping && !HasEnded && Head.SkippedBefore(OpenSeconds) is > 0 and var skipped)
            return Volatile.Read(ref _skipping) ?? Keep(ref _skipping, Render(Head.Text(skipped, OpenSeconds)));
        return Volatile.Read(ref _all) ?? Keep(ref _all, Render(Head.Text(0, OpenSeconds)));
    }

    private double OpenSeconds
    {
        get
        {
            var seconds = 0.0;
            foreach (var part in _open is null ? default : _open.Parts(OpenParts))
                seconds += part.Seconds;
            return seconds;
        }
    }

    // Of two who ask at once, the first's stays, so that all have the same.
    private static PlaylistForms Keep(ref PlaylistForms? place, string text) => Interlocked.CompareExchange(ref place, new PlaylistForms(Encoding.ASCII.GetBytes(text)), null) ?? place;

    private string Render(string head, IOtherRenditions? others = null)
    {
        if (HasEnded)
            return head + PlaylistLines.EndList;
        var text = new StringBuilder(head, head.Length + 1024);
        if (OpenParts > 0)
        {
            Head.Begin(text, _open!, _open!.Segment.IsDiscontinuity, Head.LastMap);
            RenditionHead.Parts(text, _open, OpenParts, OpenNumber);
        }
        text.Append("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"").Append(CmafName.OfPart(Kind, OpenNumber, OpenParts)).Append("\"\n");
        if (others is null)
            _other?.Write(text, "");
        else
            others.WriteReports(text, Kind);
        return text.ToString();
    }
}
