using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace XLive.Media.Tests.Hls;

/// <summary>
/// Sees a live playlist as a player does that never misses a change, and holds it to RFC 8216 and its successor: nothing but appending, removing from the
/// head and ending is allowed, and what was removed must still be there for a while.
/// </summary>
internal sealed partial class LivePlaylistChecker
{
    private readonly Dictionary<long, Entry> _known = [];
    private long _first = -1;
    private long _last = -1;
    private int _discontinuitySequence;
    private bool _hasEnded;
    private bool _wasIndependent = true;

    public sealed record Entry(string Uri, double Duration, DateTimeOffset Date, bool IsDiscontinuity)
    {
        public double LongestPlaylist { get; set; }
        public DateTimeOffset? RemovedAt { get; set; }
    }

    public int Target { get; private set; }
    public IReadOnlyDictionary<long, Entry> Known => _known;
    public List<string> Faults { get; } = [];
    public int Listed => (int)(_last - _first + 1);
    public double Length { get; private set; }

    public void See(ReadOnlySpan<byte> bytes, DateTimeOffset now)
    {
        var text = Encoding.UTF8.GetString(bytes);
        Require(!bytes.StartsWith("\uFEFF"u8) && text.All(c => c is '\n' or >= ' ' and < '\u007F'), "H1: no BOM, no control characters");
        var lines = text.Split('\n');
        Require(lines[0] == "#EXTM3U" && lines[^1].Length == 0, "H1: #EXTM3U first");
        Require(!_hasEnded, "H9: nothing changes after the end");

        var (target, sequence, discontinuities, version, isIndependent) = (-1, -1L, -1, -1, false);
        var (isDiscontinuity, date, duration) = (false, (DateTimeOffset?)null, -1.0);
        List<Entry> entries = [];
        foreach (var line in lines.Skip(1).SkipLast(1))
        {
            if (!line.StartsWith('#'))
            {
                Require(duration >= 0 && date is not null, "EXTINF and H17: PROGRAM-DATE-TIME of every segment");
                entries.Add(new Entry(line, duration, date ?? default, isDiscontinuity));
                (isDiscontinuity, date, duration) = (false, null, -1);
                continue;
            }
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var (tag, value) = colon < 0 ? (line, "") : (line[..colon], line[(colon + 1)..]);
            if (entries.Count == 0 && tag is "#EXTINF")
                Require(sequence >= 0 && discontinuities >= 0 && target > 0, "H7, H16: sequences before the first segment");
            switch (tag)
            {
                case "#EXT-X-VERSION": version = int.Parse(value, CultureInfo.InvariantCulture); break;
                case "#EXT-X-TARGETDURATION": target = int.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture); break;
                case "#EXT-X-MEDIA-SEQUENCE": sequence = long.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture); break;
                case "#EXT-X-DISCONTINUITY-SEQUENCE": discontinuities = int.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture); break;
                case "#EXT-X-INDEPENDENT-SEGMENTS": isIndependent = true; break;
                case "#EXT-X-DISCONTINUITY": isDiscontinuity = true; break;
                case "#EXT-X-PROGRAM-DATE-TIME":
                    Require(Date().IsMatch(value), "H17: ISO 8601 with zone and milliseconds");
                    date = DateTimeOffset.Parse(value, CultureInfo.InvariantCulture);
                    break;
                case "#EXTINF":
                    Require(value.EndsWith(','), "EXTINF's comma");
                    duration = double.Parse(value.TrimEnd(','), CultureInfo.InvariantCulture);
                    break;
                case "#EXT-X-ENDLIST": _hasEnded = true; break;
                default: Require(false, "a tag that has no place here: " + line); break;
            }
        }
        Require(version == 3, "version 3 for durations that are not whole");
        Require(Target == 0 || Target == target, "H4: the target duration never changes");
        Require(_wasIndependent || !isIndependent, "the claim of independence does not come back");
        _wasIndependent = isIndependent;
        Target = target;
        Check(entries, sequence, discontinuities, now);
    }

    private void Check(List<Entry> entries, long sequence, int discontinuities, DateTimeOffset now)
    {
        Require(entries.Count > 0, "a segment");
        Require(sequence >= _first && (_first < 0 || sequence <= _last + 1), "H7: the media sequence never falls, and skips nothing");
        for (var number = Math.Max(_first, 0); number < sequence; number++)
        {
            var gone = _known[number];
            gone.RemovedAt ??= now;
            _discontinuitySequence += gone.IsDiscontinuity && number >= _first ? 1 : 0;
        }
        Require(discontinuities == _discontinuitySequence, $"H16: discontinuity sequence {discontinuities}, {_discontinuitySequence} were removed");
        Length = entries.Sum(e => e.Duration);
        Require(sequence <= Math.Max(_first, 0) || Length >= (3 * Target) - 1e-4, $"H11: {Length} s are less than three target durations");
        Require(sequence + entries.Count - 1 >= _last, "H9: nothing is taken from the tail");

        for (var i = 0; i < entries.Count; i++)
        {
            var (number, entry) = (sequence + i, entries[i]);
            Require(Math.Round(entry.Duration, MidpointRounding.AwayFromZero) <= Target && entry.Duration > 0, $"H4: EXTINF {entry.Duration} with target duration {Target}");
            if (_known.TryGetValue(number, out var known))
                Require((known.Uri, known.Duration, known.Date, known.IsDiscontinuity) == (entry.Uri, entry.Duration, entry.Date, entry.IsDiscontinuity), "H8, H9: a segment is what it was");
            else
                Require(!_known.Values.Any(k => k.Uri == entry.Uri), "H8: a name is of one segment");
            if (_known.TryGetValue(number - 1, out var before))
            {
                var off = (entry.Date - before.Date).TotalSeconds - before.Duration;
                Require(entry.IsDiscontinuity ? off > -1 : Math.Abs(off) < 0.002, $"H17: dates go on ({off} s)");
            }
            _known.TryAdd(number, entry);
            _known[number].LongestPlaylist = Math.Max(_known[number].LongestPlaylist, Length);
        }
        (_first, _last) = (sequence, sequence + entries.Count - 1);
    }

    /// <summary>H12.</summary>
    public void Fetch(Func<long, bool> isThere, DateTimeOffset now)
    {
        foreach (var (number, entry) in _known)
        {
            if (entry.RemovedAt is null || now < entry.RemovedAt.Value.AddSeconds(entry.Duration + entry.LongestPlaylist))
                Require(isThere(number), $"H12: segment {number} can be fetched");
        }
    }

    private void Require(bool isTrue, string rule)
    {
        if (!isTrue && Faults.Count < 50)
            Faults.Add(rule);
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
    private static partial Regex Date();
}
