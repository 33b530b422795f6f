using System.Globalization;
using System.Text;
using XLive.Media.Hls;

namespace XLive.Media.Fmp4;

/// <summary>
/// What a rendition's playlists have in common until its next segment is whole: all but the parts of that one. Immutable; its texts are made when they
/// are wanted.
/// </summary>
internal sealed class RenditionHead
{
    // Parts that are older leave the playlist (bis 6.2.2). There are parsers (hls-parser, strict) that count segments, with the one that is not whole.
    private const int TargetsWithParts = 3, SegmentsWithParts = 2;

    private readonly CmafEntry[] _listed;
    private readonly long _discontinuities;
    private WithParts? _all;
    private string? _whole;
    private PlaylistForms? _wholeForms;

    /// <param name="listed">By the window; from the rendition's first on they are this one's.</param>
    /// <param name="discontinuities">Before them.</param>
    public RenditionHead(PresentationFacts facts, TrackKind kind, CmafEntry[] listed, long first, long discontinuities)
    {
        (Facts, Kind) = (facts, kind);
        var before = 0;
        while (listed[before].Number < first)
        {
            if (listed[before].IsDiscontinuity)
                discontinuities++;
            before++;
        }
        (_listed, _discontinuities) = (before == 0 ? listed : listed[before..], discontinuities);
        LastWhole = listed[^1].Number;
        LastParts = listed[^1].Of(kind)?.Count ?? 0;
        for (var i = _listed.Length - 1; i >= 0 && LastMap < 0; i--)
            LastMap = _listed[i].Of(kind)?.MapNumber ?? -1;
    }

    public PresentationFacts Facts { get; }
    public TrackKind Kind { get; }
    public long LastWhole { get; }
    public int LastParts { get; }

    /// <summary>The number of the EXT-X-MAP that holds at the end.</summary>
    public int LastMap { get; } = -1;

    public string Whole => Volatile.Read(ref _whole) ?? (_whole = Render(0, _listed.Length, hasParts: false));

    public PlaylistForms WholeForms =>
        Volatile.Read(ref _wholeForms) ?? Interlocked.CompareExchange(ref _wholeForms, new PlaylistForms(Encoding.ASCII.GetBytes(Whole)), null) ?? _wholeForms;

    /// <param name="skipped">So many of the oldest are not in it.</param>
    /// <param name="open">Seconds beyond the last that is whole.</param>
    public string Text(int skipped, double open)
    {
        var first = FirstWithParts(open);
        if (skipped > 0)
            return Render(skipped, first, hasParts: true);
        if (Volatile.Read(ref _all) is { } known && known.First == first)
            return known.Text;
        var text = Render(0, first, hasParts: true);
        Volatile.Write(ref _all, new WithParts(first, text));
        return text;
    }

    /// <summary>Segments that end before the skip boundary, which is counted from the playlist's end.</summary>
    /// <param name="open">Seconds beyond the last that is whole.</param>
    public int SkippedBefore(double open)
    {
        if (!Facts.CanSkip)
            return 0;
        var (after, first) = (open, _listed.Length);
        while (first > 0 && after <= Facts.SkipBoundary)
            after += SecondsOf(_listed[--first]);
        return first;
    }

    /// <param name="withParts">From this one on their parts are listed.</param>
    private string Render(int skipped, int withParts, bool hasParts)
    {
        var text = new StringBuilder(4096);
        text.Append("#EXTM3U\n#EXT-X-VERSION:").Append(hasParts && Facts.CanSkip ? '9' : '6').Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"#EXT-X-TARGETDURATION:{Facts.TargetDuration}\n");
        if (hasParts)
        {
            text.Append(CultureInfo.InvariantCulture, $"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={3 * Math.Round(Facts.PartTarget, 6):F6}");
            if (Facts.CanSkip)
                text.Append(CultureInfo.InvariantCulture, $",CAN-SKIP-UNTIL={Facts.SkipBoundary}.0,CAN-SKIP-DATERANGES=YES");
            text.Append(CultureInfo.InvariantCulture, $"\n#EXT-X-PART-INF:PART-TARGET={Facts.PartTarget:F6}\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"#EXT-X-MEDIA-SEQUENCE:{_listed[0].Number}\n#EXT-X-DISCONTINUITY-SEQUENCE:{_discontinuities}\n");
        if (Facts.IsIndependent)
            text.Append("#EXT-X-INDEPENDENT-SEGMENTS\n");
        if (skipped > 0)
            text.Append(CultureInfo.InvariantCulture, $"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}\n");
        var map = -1;
        for (var i = 0; i < skipped; i++)
            map = _listed[i].Of(Kind)?.MapNumber ?? map;
        for (var i = skipped; i < _listed.Length; i++)
        {
            var entry = _listed[i];
            if (entry.Of(Kind) is { } segment)
            {
                Begin(text, segment, entry.IsDiscontinuity, map);
                map = segment.MapNumber;
                if (i >= withParts)
                    Parts(text, segment, segment.Count, entry.Number);
                if (segment.Segment.Buffer is null)
                    text.Append("#EXT-X-GAP\n");
            }
            else
            {
                // The stream had nothing of the kind then; its time goes by (bis 6.2.1).
                text.Append(entry.IsDiscontinuity ? "#EXT-X-DISCONTINUITY\n#EXT-X-GAP\n" : "#EXT-X-GAP\n");
            }
            text.Append(CultureInfo.InvariantCulture, $"#EXTINF:{SecondsOf(entry):F6},\n{CmafName.OfSegment(Kind, entry.Number)}\n");
        }
        return text.ToString();
    }

    /// <summary>What stands before a segment's first part (bis 4.4.4.9).</summary>
    /// <param name="map">That holds before it.</param>
    public void Begin(StringBuilder text, RenditionSegment segment, bool isDiscontinuity, int map)
    {
        if (isDiscontinuity)
            text.Append("#EXT-X-DISCONTINUITY\n");
        if (segment.MapNumber != map)
            text.Append("#EXT-X-MAP:URI=\"").Append(CmafName.OfMap(Kind, segment.MapNumber)).Append("\"\n");
        PlaylistLines.ProgramDateTime(text, segment.Segment.ProgramDateTime);
    }

    public static void Parts(StringBuilder text, RenditionSegment segment, int count, long number)
    {
        foreach (var part in segment.Parts(count))
        {
            text.Append(CultureInfo.InvariantCulture, $"#EXT-X-PART:DURATION={part.Seconds:F6},URI=\"{CmafName.OfPart(segment.Segment.Kind, number, part.Number)}\"");
            text.Append(part.IsIndependent ? ",INDEPENDENT=YES\n" : "\n");
        }
    }

    private int FirstWithParts(double open)
    {
        var (after, first) = (open, _listed.Length);
        while (first > 0 && first > _listed.Length - SegmentsWithParts && after <= TargetsWithParts * Facts.TargetDuration)
            after += SecondsOf(_listed[--first]);
        return first;
    }

    private sealed record WithParts(int First, string Text);

    private double SecondsOf(CmafEntry entry) => entry.Of(Kind)?.Segment.Seconds ?? (double)entry.Duration / Timestamp.PerSecond;
}
