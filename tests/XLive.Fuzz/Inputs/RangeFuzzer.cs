using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using XLive.Fuzz.Engine;
using XLive.Server.Playback.Http;

namespace XLive.Fuzz.Inputs;

/// <summary>
/// A file's length and a request's Range, If-Range, If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since, a line each.
/// The ranges are told a second time in numbers without a width.
/// </summary>
public sealed partial class RangeFuzzer : Fuzzer<RangeFuzzer.Asked>
{
    private const string Tag = "\"1a2b3c-4d5e\"";
    private const string Modified = "Sun, 06 Nov 1994 08:49:37 GMT";
    private const long ModifiedSeconds = 784111777;

    private static readonly string[] Names = ["Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"];

    private readonly ByteRange[] _ranges = new ByteRange[ByteRanges.MaxRanges];
    private RangeAnswer _answer;
    private int _count;
    private bool _stands;
    private Precondition _precondition;

    public sealed record Asked(long Length, StringValues Range, IHeaderDictionary Headers);

    public override string Name => "ranges";

    public override string Target => "`ByteRanges`, `Preconditions`";

    protected override string[] Tokens { get; } =
    [
        "bytes=", "Bytes =", "bytes", "=", "-", ",", ", ", ",,", " ", "\t", "0-0", "-0", "-1", "0-", "500-", "9223372036854775807-", "-9223372036854775808",
        "18446744073709551616-", "0-18446744073709551615", "\n", "\u0001", "\u00b2", "\u0660", "+1", "items=0-1", "*", "W/", "\"", Tag, "\"\"", Modified,
        "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "1-2-3", "0x1-", "1e3-", "-,", "5-4",
    ];

    protected override string Generate(Dice dice)
    {
        var length = dice.OneIn(8) ? dice.Number() : dice.Pick("0", "1", "2048", "1048576", "5000000000", "9223372036854775807");
        var range = "bytes=" + string.Join(dice.Pick(",", ", ", " ,"), Enumerable.Range(0, dice.OneIn(10) ? 1 + dice.Below(1200) : 1 + dice.Below(3)).Select(_ => One(dice)));
        return string.Join('\n', length, range, dice.OneIn(2) ? "" : AnyTag(dice), dice.OneIn(3) ? AnyTag(dice) : "", dice.OneIn(3) ? AnyTag(dice) + ", " + AnyTag(dice) : "",
            dice.OneIn(3) ? Date(dice) : "", dice.OneIn(3) ? Date(dice) : "");
    }

    private static string One(Dice dice)
    {
        var from = dice.Below(4096);
        return dice.Below(5) switch
        {
            0 => $"-{dice.Below(4096)}",
            1 => $"{from}-",
            2 => $"{dice.Number()}-{dice.Number()}",
            _ => $"{from}-{from + dice.Below(512)}",
        };
    }

    private static string AnyTag(Dice dice) => dice.Pick(Tag, Tag, "W/" + Tag, "\"other\"", "*", "", Date(dice));

    private static string Date(Dice dice) =>
        dice.Pick(Modified, "Sun, 06 Nov 1994 08:49:38 GMT", "Sun, 06 Nov 1994 08:49:36 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "yesterday");

    protected override Asked Read(string input)
    {
        var lines = input.Split('\n');
        _ = long.TryParse(lines[0], NumberStyles.None, CultureInfo.InvariantCulture, out var length);
        IHeaderDictionary headers = new HeaderDictionary();
        for (var i = 1; i < lines.Length && i <= Names.Length; i++)
        {
            if (lines[i].Length > 0)
                headers[Names[i - 1]] = Wide(lines[i]);
        }
        return new Asked(length, headers.Range, headers);
    }

    protected override bool Parse(Asked input)
    {
        _answer = ByteRanges.Parse(input.Range, input.Length, _ranges, out _count);
        _stands = Preconditions.RangeStands(input.Headers.IfRange, Tag, ModifiedSeconds);
        _precondition = Preconditions.Evaluate(input.Headers, Tag, ModifiedSeconds);
        return _answer != RangeAnswer.Whole;
    }

    protected override void Verify(Asked input, bool accepted)
    {
        var expected = Reading(input.Range.ToString(), input.Length, out var answer);
        FuzzFailure.Equal(answer, _answer, "answer");
        if (answer == RangeAnswer.Partial)
        {
            var found = _ranges.AsSpan(0, _count).ToArray();
            FuzzFailure.Equal(string.Join(' ', expected), string.Join(' ', found.Select(r => ((BigInteger)r.First, (BigInteger)r.First + r.Length - 1))), "ranges");
            FuzzFailure.Unless(found.All(r => r.First >= 0 && r.Length > 0 && r.Last >= r.First && r.Last < input.Length));
            FuzzFailure.Unless(found.Aggregate(BigInteger.Zero, (sum, r) => sum + r.Length) <= input.Length);
        }
        var ifRange = input.Headers.IfRange.ToString().Trim();
        FuzzFailure.Equal(ifRange.Length == 0 || ifRange == Tag || Seconds(ifRange) == ModifiedSeconds, _stands || (ifRange.Length == 0 && input.Headers.IfRange.Count > 0), "If-Range");
        FuzzFailure.Equal(Condition(input.Headers), _precondition, "precondition");
    }

    private static (BigInteger First, BigInteger Last)[] Reading(string header, long length, out RangeAnswer answer)
    {
        answer = RangeAnswer.Whole;
        header = header.Trim(' ', '\t');
        if (!header.StartsWith("bytes=", StringComparison.OrdinalIgnoreCase))
            return [];
        var specs = header[6..].Split(',').Select(static s => s.Trim(' ', '\t')).Where(static s => s.Length > 0).ToArray();
        if (specs.Length is 0 or > ByteRanges.MaxRanges || !specs.All(static s => Spec().IsMatch(s)))
            return [];
        var ranges = new List<(BigInteger First, BigInteger Last)>();
        foreach (var spec in specs)
        {
            var cut = spec.IndexOf('-');
            var (from, to) = (spec[..cut], spec[(cut + 1)..]);
            if (from.Length > 0 && to.Length > 0 && Whole(to) < Whole(from))
                return [];
            var first = from.Length > 0 ? Whole(from) : BigInteger.Max(0, length - Whole(to));
            var last = from.Length > 0 && to.Length > 0 ? BigInteger.Min(Whole(to), length - 1) : length - 1;
            if (first < length && last >= first)
                ranges.Add((first, last));
        }
        if (ranges.Count == 0)
        {
            answer = RangeAnswer.Unsatisfiable;
            return [];
        }
        var sorted = ranges.Order().ToArray();
        if (!sorted.Skip(1).Zip(sorted).Any(p => p.First.First <= p.Second.Last))
            answer = RangeAnswer.Partial;
        return [.. ranges];
    }

    // A number beyond 63 bits is as good as the largest of them.
    private static BigInteger Whole(string digits) => BigInteger.Min(BigInteger.Parse(digits, CultureInfo.InvariantCulture), long.MaxValue);

    private static long? Seconds(string text) => Preconditions.TryDate(text, out var seconds) ? seconds : null;

    private static Precondition Condition(IHeaderDictionary headers)
    {
        if (headers.IfMatch.Count > 0)
        {
            if (!Lists(headers.IfMatch.ToString(), weak: false))
                return Precondition.Failed;
        }
        else if (Seconds(headers.IfUnmodifiedSince.ToString()) < ModifiedSeconds)
        {
            return Precondition.Failed;
        }
        if (headers.IfNoneMatch.Count > 0)
            return Lists(headers.IfNoneMatch.ToString(), weak: true) ? Precondition.NotModified : Precondition.Proceed;
        return Seconds(headers.IfModifiedSince.ToString()) >= ModifiedSeconds ? Precondition.NotModified : Precondition.Proceed;
    }

    private static bool Lists(string header, bool weak)
    {
        var members = Member().Matches(header);
        return members.Any(m => m.Groups["any"].Success || (m.Groups["tag"].Value == Tag && (weak || !m.Groups["weak"].Success)));
    }

    [GeneratedRegex(@"\A(?:[0-9]+-[0-9]*|-[0-9]+)\z", RegexOptions.CultureInvariant)]
    private static partial Regex Spec();

    [GeneratedRegex("\\G[ \t,]*(?:(?<any>\\*)|(?<weak>W/)?(?<tag>\"[^\"]*\"))", RegexOptions.CultureInvariant)]
    private static partial Regex Member();
}
