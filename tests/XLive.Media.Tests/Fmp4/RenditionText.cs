using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace XLive.Media.Tests.Fmp4;

/// <summary>A media playlist of low latency, read by the letter of its specification: a tag or an attribute that has no place here is a fault.</summary>
internal sealed partial class RenditionText
{
    public sealed record Part(string Uri, double Duration, bool IsIndependent);

    /// <param name="Uri">Empty: it is not whole.</param>
    public sealed record Segment(string Uri, double Duration, DateTimeOffset? Date, bool IsDiscontinuity, bool IsGap, string Map, IReadOnlyList<Part> Parts);

    private readonly List<Segment> _segments = [];
    private readonly List<string> _segmentLines = [];

    public RenditionText(ReadOnlySpan<byte> bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        Require(text.All(static c => c is '\n' or >= ' ' and < '\u007F'), "H1: no BOM, no control characters");
        var lines = text.Split('\n');
        Require(lines[0] == "#EXTM3U" && lines[^1].Length == 0, "H1: #EXTM3U first");
        var (parts, date, isDiscontinuity, isGap, duration, map) = (new List<Part>(), (DateTimeOffset?)null, false, false, -1.0, "");
        var pending = new StringBuilder();
        foreach (var line in lines.Skip(1).SkipLast(1))
        {
            if (!line.StartsWith('#'))
            {
                Require(duration >= 0, "EXTINF before " + line);
                pending.Append(line).Append('\n');
                _segmentLines.Add(pending.ToString());
                _segments.Add(new Segment(line, duration, date, isDiscontinuity, isGap, map, parts));
                (parts, date, isDiscontinuity, isGap, duration) = ([], null, false, false, -1.0);
                pending.Clear();
                continue;
            }
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var (tag, value) = colon < 0 ? (line, "") : (line[..colon], line[(colon + 1)..]);
            if (tag is "#EXT-X-DISCONTINUITY" or "#EXT-X-MAP" or "#EXT-X-PROGRAM-DATE-TIME" or "#EXT-X-PART" or "#EXT-X-GAP" or "#EXTINF")
            {
                pending.Append(line).Append('\n');
                Require(MediaSequence >= 0 && DiscontinuitySequence >= 0 && Target > 0, "H7, H16: the head before the first segment");
            }
            else if (tag is not ("#EXT-X-PRELOAD-HINT" or "#EXT-X-RENDITION-REPORT" or "#EXT-X-ENDLIST"))
            {
                Require(_segments.Count == 0 && parts.Count == 0, tag + " in the head");
            }
            switch (tag)
            {
                case "#EXT-X-VERSION": Version = int.Parse(value, CultureInfo.InvariantCulture); break;
                case "#EXT-X-TARGETDURATION": Target = int.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture); break;
                case "#EXT-X-SERVER-CONTROL":
                    var control = Attributes(value);
                    Require(control["CAN-BLOCK-RELOAD"] == "YES", "CAN-BLOCK-RELOAD");
                    PartHoldBack = Number(control["PART-HOLD-BACK"]);
                    CanSkipUntil = control.TryGetValue("CAN-SKIP-UNTIL", out var until) ? Number(until) : 0;
                    Require(CanSkipUntil > 0 == control.ContainsKey("CAN-SKIP-DATERANGES"), "L2: date ranges only with segments");
                    Require(control.Count == (CanSkipUntil > 0 ? 4 : 2), "other attributes of SERVER-CONTROL: " + value);
                    break;
                case "#EXT-X-PART-INF": PartTarget = Number(Attributes(value)["PART-TARGET"]); break;
                case "#EXT-X-MEDIA-SEQUENCE": MediaSequence = long.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture); break;
                case "#EXT-X-DISCONTINUITY-SEQUENCE": DiscontinuitySequence = int.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture); break;
                case "#EXT-X-INDEPENDENT-SEGMENTS": IsIndependent = true; break;
                case "#EXT-X-SKIP": Skipped = int.Parse(Attributes(value)["SKIPPED-SEGMENTS"], CultureInfo.InvariantCulture); break;
                case "#EXT-X-DISCONTINUITY":
                    Require(parts.Count == 0, "L5: DISCONTINUITY before the first part");
                    isDiscontinuity = true;
                    break;
                case "#EXT-X-MAP":
                    Require(parts.Count == 0, "L5: MAP before the first part");
                    map = Text(Attributes(value)["URI"]);
                    break;
                case "#EXT-X-PROGRAM-DATE-TIME":
                    Require(parts.Count == 0 && Date().IsMatch(value), "L5, H17: a date with zone and milliseconds before the first part");
                    date = DateTimeOffset.Parse(value, CultureInfo.InvariantCulture);
                    break;
                case "#EXT-X-PART":
                    var part = Attributes(value);
                    Require(part.Count == (part.ContainsKey("INDEPENDENT") ? 3 : 2), "other attributes of PART: " + value);
                    parts.Add(new Part(Text(part["URI"]), Number(part["DURATION"]), part.TryGetValue("INDEPENDENT", out var independent) && independent == "YES"));
                    break;
                case "#EXT-X-GAP": isGap = true; break;
                case "#EXTINF":
                    Require(value.EndsWith(','), "EXTINF's comma");
                    duration = Number(value.TrimEnd(','));
                    break;
                case "#EXT-X-PRELOAD-HINT":
                    var hint = Attributes(value);
                    Require(Hint.Length == 0 && hint["TYPE"] == "PART" && hint.Count == 2, "L13: one hint, of a part: " + value);
                    Hint = Text(hint["URI"]);
                    break;
                case "#EXT-X-RENDITION-REPORT":
                    var report = Attributes(value);
                    Reports.Add((Text(report["URI"]), long.Parse(report["LAST-MSN"], CultureInfo.InvariantCulture), report.TryGetValue("LAST-PART", out var last) ? int.Parse(last, CultureInfo.InvariantCulture) : -1));
                    break;
                case "#EXT-X-ENDLIST": HasEnded = true; break;
                default: Require(false, "a tag that has no place here: " + line); break;
            }
        }
        Tail = new Segment("", parts.Sum(static p => p.Duration), date, isDiscontinuity, false, map, parts);
        Require(duration < 0 && !isGap, "an EXTINF without its URI");
    }

    public List<string> Faults { get; } = [];
    public int Version { get; private set; }
    public int Target { get; private set; }
    public double PartTarget { get; private set; }
    public double PartHoldBack { get; private set; }
    public double CanSkipUntil { get; private set; }
    public long MediaSequence { get; private set; } = -1;
    public int DiscontinuitySequence { get; private set; } = -1;
    public bool IsIndependent { get; private set; }
    public int Skipped { get; private set; }
    public string Hint { get; private set; } = "";
    public bool HasEnded { get; private set; }
    public List<(string Uri, long LastNumber, int LastPart)> Reports { get; } = [];
    public IReadOnlyList<Segment> Segments => _segments;

    /// <summary>The parts of the segment that is not whole.</summary>
    public Segment Tail { get; }

    public long Last => MediaSequence + Skipped + _segments.Count - 1;

    /// <summary>The lines of each segment, as a player that got a delta update keeps them.</summary>
    public IReadOnlyList<string> SegmentLines => _segmentLines;

    private void Require(bool isTrue, string rule)
    {
        if (!isTrue)
            Faults.Add(rule);
    }

    private static double Number(string text) => double.Parse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);

    private static string Text(string quoted) => quoted.StartsWith('"') && quoted.EndsWith('"') && quoted.Length > 2 ? quoted[1..^1] : throw new FormatException("not a quoted string: " + quoted);

    /// <summary>H3: no spaces, upper-case names, each once.</summary>
    private static Dictionary<string, string> Attributes(string list)
    {
        var attributes = new Dictionary<string, string>();
        foreach (Match match in Attribute().Matches(list))
            attributes.Add(match.Groups[1].Value, match.Groups[2].Value);
        return string.Join(',', attributes.Select(static a => a.Key + "=" + a.Value)) == list ? attributes : throw new FormatException("not an attribute list: " + list);
    }

    [GeneratedRegex("([A-Z0-9-]+)=(\"[^\"\r\n]*\"|[^\",\\s]+)")]
    private static partial Regex Attribute();

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
    private static partial Regex Date();
}
