using XLive.Media.Fmp4;

namespace XLive.Media.Tests.Fmp4;

/// <summary>
/// Sees a rendition's playlist as a player does that never misses a change, and holds it to RFC 8216's successor: H rules of every playlist, L rules of
/// those with parts. Names and times once seen never change, and what is removed must still be there for a while.
/// </summary>
internal sealed class RenditionChecker(TrackKind kind)
{
    private readonly Dictionary<long, RenditionText.Segment> _known = [];
    private readonly Dictionary<long, double> _longest = [];
    private readonly Dictionary<long, DateTimeOffset> _removed = [];
    private readonly Dictionary<(long, int), RenditionText.Part> _parts = [];
    private RenditionText? _before;
    private string _hintBefore = "";
    private int _discontinuities;
    private DateTimeOffset? _since;
    private double _sum;

    /// <summary>Pictures and sound come evenly: no part is too long or too short, and no hole stands behind a part that was given out.</summary>
    public bool IsRegular { get; init; } = true;

    public List<string> Faults { get; } = [];
    public RenditionText? Latest => _before;
    public IReadOnlyDictionary<(long Number, int Part), RenditionText.Part> Parts => _parts;
    public int Seen { get; private set; }

    public void See(RenditionText text, DateTimeOffset now)
    {
        Seen++;
        Faults.AddRange(text.Faults);
        Require(_before is not { HasEnded: true }, "H9: nothing changes after the end");
        Require(text.Version == (text.CanSkipUntil > 0 ? 9 : 6), "the version that is needed");
        Require(text.PartTarget > 0 && text.PartHoldBack >= 3 * text.PartTarget - 1e-9, "L1, L2: PART-TARGET, and a hold-back of three");
        Require(text.CanSkipUntil == 0 || text.CanSkipUntil >= 6 * text.Target, "L2: CAN-SKIP-UNTIL");
        Require(text.Segments.Count > 0 && text.Segments[0].Map.Length > 0, "a MAP before the first segment");
        if (_before is { } before)
        {
            Require((before.Target, before.PartTarget, before.CanSkipUntil, before.PartHoldBack) == (text.Target, text.PartTarget, text.CanSkipUntil, text.PartHoldBack), "H4: targets and controls never change");
            Require(before.IsIndependent || !text.IsIndependent, "the claim of independence does not come back");
            Require(text.MediaSequence >= before.MediaSequence && text.MediaSequence <= before.Last + 1 && text.Last >= before.Last, "H7, H9: appended and removed in order");
            for (var number = before.MediaSequence; number < text.MediaSequence; number++)
            {
                _removed[number] = now;
                _discontinuities += _known[number].IsDiscontinuity ? 1 : 0;
            }
        }
        else
        {
            _discontinuities = text.DiscontinuitySequence;
        }
        Require(text.DiscontinuitySequence == _discontinuities, $"H16: discontinuity sequence {text.DiscontinuitySequence}, not {_discontinuities}");
        CheckSegments(text);
        CheckParts(text);
        CheckHint(text);
        _before = text;
    }

    /// <summary>L12: what a player makes of a delta update is the whole playlist.</summary>
    public void SeeDelta(RenditionText delta, RenditionText whole)
    {
        Faults.AddRange(delta.Faults);
        if (delta.Skipped == 0)
            return;
        Require((delta.MediaSequence, delta.DiscontinuitySequence, delta.Target, delta.Hint, delta.Last) == (whole.MediaSequence, whole.DiscontinuitySequence, whole.Target, whole.Hint, whole.Last), "L12: the head is the same");
        Require(whole.SegmentLines.Skip(delta.Skipped).SequenceEqual(delta.SegmentLines), "L12: what is not skipped is the same");
        Require(delta.Tail.Parts.SequenceEqual(whole.Tail.Parts), "L12: parts of the last");
        var rest = whole.Segments.Skip(delta.Skipped - 1).Sum(static s => s.Duration) + whole.Tail.Duration;
        Require(rest - whole.Segments[delta.Skipped - 1].Duration >= delta.CanSkipUntil - 1e-6, "L12: nothing nearer than the boundary is skipped");
        Require(rest - whole.Segments[delta.Skipped - 1].Duration - whole.Segments[delta.Skipped].Duration <= delta.CanSkipUntil, "all that may be is skipped");
    }

    /// <summary>H12.</summary>
    /// <param name="isThere">A segment (-1) or a part of one.</param>
    public void Fetch(Func<long, int, bool> isThere, DateTimeOffset now)
    {
        foreach (var (number, segment) in _known)
        {
            if (segment.IsGap || (_removed.TryGetValue(number, out var at) && now >= at.AddSeconds(segment.Duration + _longest[number])))
                continue;
            Require(isThere(number, -1), $"H12: segment {number} can be fetched");
            for (var part = 0; _parts.ContainsKey((number, part)); part++)
                Require(isThere(number, part), $"H12: part {number}.{part} can be fetched");
        }
    }

    private void CheckSegments(RenditionText text)
    {
        var length = text.Segments.Sum(static s => s.Duration);
        Require(text.MediaSequence == 0 || _before is null || text.MediaSequence == _before.MediaSequence || length >= (3 * text.Target) - 1e-4, $"H11: {length} s are less than three target durations");
        for (var i = 0; i < text.Segments.Count; i++)
        {
            var (number, segment) = (text.MediaSequence + i, text.Segments[i]);
            Require(segment.Uri == CmafName.OfSegment(kind, number), "the name says the number");
            Require(Math.Round(segment.Duration, MidpointRounding.AwayFromZero) <= text.Target && segment.Duration > 0, $"H4: EXTINF {segment.Duration} with target duration {text.Target}");
            Require(segment.Date is not null || segment.IsGap, "H17: a date of every segment");
            if (_known.TryGetValue(number, out var known))
                Require((known.Duration, known.Date, known.IsDiscontinuity, known.IsGap) == (segment.Duration, segment.Date, segment.IsDiscontinuity, segment.IsGap) && (known.Map == segment.Map || i == 0), "H8, H9: a segment is what it was");
            if (_known.TryGetValue(number - 1, out var before) && segment.Date is { } date && before.Date is { } dateBefore)
            {
                var off = (date - dateBefore).TotalSeconds - before.Duration;
                // Sound that is not there for a second before a segment begins, or comes in the midst of it.
                var hole = IsRegular ? 0.04 : 1.05 + text.Target;
                Require(segment.IsDiscontinuity ? off > -Math.Max(hole, 1.05) : Math.Abs(off) < hole, $"H17: dates go on ({off} s)");
            }
            if (_known.TryAdd(number, segment))
                CheckDrift(segment);
            _longest[number] = Math.Max(_longest.GetValueOrDefault(number), length);
        }
    }

    private void CheckDrift(RenditionText.Segment segment)
    {
        if (segment.IsDiscontinuity || _since is null)
            (_since, _sum) = (segment.Date, 0);
        if (IsRegular && segment.Date is { } date && _since is { } since)
            Require(Math.Abs((date - since).TotalSeconds - _sum) < 0.04, $"H17: lengths add up ({(date - since).TotalSeconds - _sum} s over {_sum} s)");
        _sum += segment.Duration;
    }

    private void CheckParts(RenditionText text)
    {
        var end = text.Segments.Sum(static s => s.Duration) + text.Tail.Duration;
        for (var i = 0; i <= text.Segments.Count; i++)
        {
            var (number, segment) = (text.MediaSequence + i, i < text.Segments.Count ? text.Segments[i] : text.Tail);
            end -= segment.Duration;
            Require(segment.Parts.Count == 0 || end <= (3 * text.Target) + 1e-6, "L7: parts older than three target durations have left");
            for (var p = 0; p < segment.Parts.Count; p++)
            {
                var part = segment.Parts[p];
                Require(part.Uri == CmafName.OfPart(kind, number, p), "the name says the number");
                Require(!IsRegular || part.Duration <= text.PartTarget, $"L3: a part of {part.Duration} s, a target of {text.PartTarget}");
                Require(!IsRegular || part.Duration >= (0.85 * text.PartTarget) - 1e-6 || part.IsIndependent || (p == segment.Parts.Count - 1 && segment.Uri.Length > 0), $"L3: a part of only {part.Duration} s, a target of {text.PartTarget}");
                if (_parts.TryGetValue((number, p), out var known))
                    Require(known == part, "L6: a part is what it was");
                _parts.TryAdd((number, p), part);
            }
            if (segment.Uri.Length > 0 && segment.Parts.Count > 0 && !segment.IsGap)
            {
                // A source that stood still when its last part was out.
                var more = segment.Duration - segment.Parts.Sum(static p => p.Duration);
                Require(more > -1e-4 && (more < 1e-4 || !IsRegular), "L6: the parts are the segment");
            }
        }
    }

    private void CheckHint(RenditionText text)
    {
        var next = text.Last + 1;
        Require(text.Hint == (text.HasEnded ? "" : CmafName.OfPart(kind, next, text.Tail.Parts.Count)), "L13: the next part is hinted at, and nothing after the end");
        // A hint is kept, or its segment ended before.
        Require(_hintBefore.Length == 0 || text.Hint == _hintBefore || text.HasEnded || _parts.Values.Any(p => p.Uri == _hintBefore) || (_before is { } before && text.Last > before.Last), "L13: what was hinted at came");
        _hintBefore = text.Hint;
    }

    private void Require(bool isTrue, string rule)
    {
        if (!isTrue && Faults.Count < 50)
            Faults.Add($"{kind}: {rule}");
    }
}
