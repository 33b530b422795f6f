using System.Globalization;
using System.Net;
using System.Numerics;
using System.Text.RegularExpressions;
using XLive.Fuzz.Engine;
using XLive.Server.Playback.Vod.Origin;

namespace XLive.Fuzz.Inputs;

/// <summary>The head of an origin's answer: the range that was asked for, the status, and header fields, a line each.</summary>
public sealed partial class AnswerFuzzer : Fuzzer<AnswerFuzzer.Answer>
{
    private const string Tag = "\"v1\"";

    private AnswerHead? _head;

    public sealed record Answer(long First, long Last, bool IsTagged, HttpResponseMessage Response, string[] Lines);

    public override string Name => "answers";

    public override string Target => "`AnswerHead`";

    protected override string[] Tokens { get; } =
    [
        "Content-Length: ", "Content-Range: bytes ", "Transfer-Encoding: chunked", "Content-Encoding: gzip", "ETag: " + Tag, "ETag: W/" + Tag, "Connection: ETag",
        "Content-Type: multipart/byteranges", "\n", "\n\n", "bytes", "-", "/", "*", "+", " ", ",", "0", "9223372036854775807", "9223372036854775808", "206", "200", "304",
        "identity", "\u0660", "\u00b2", "0x1",
    ];

    protected override string Generate(Dice dice)
    {
        var (total, first) = (1 + dice.Below(5000), dice.OneIn(3) ? 0 : dice.Below(4000));
        var last = dice.OneIn(3) ? -1 : first + dice.Below(1000);
        var end = last < 0 ? total - 1 : Math.Min(last, total - 1);
        var isPart = !dice.OneIn(4);
        var length = isPart ? end - first + 1 : total;
        return string.Join('\n', $"{first} {last}{(dice.OneIn(2) ? " tagged" : "")}", isPart ? "206" : dice.Pick("200", "200", "304", "404", "416", "503"),
            dice.OneIn(3) ? "Transfer-Encoding: chunked" : $"Content-Length: {(dice.OneIn(20) ? dice.Number() : length.ToString(CultureInfo.InvariantCulture))}",
            isPart ? $"Content-Range: bytes {first}-{end}/{(dice.OneIn(8) ? "*" : total.ToString(CultureInfo.InvariantCulture))}" : "Server: x",
            dice.Pick("ETag: " + Tag, "ETag: " + Tag, "ETag: \"v2\"", "Vary: Accept-Encoding"));
    }

    protected override Answer Read(string input)
    {
        var lines = input.Split('\n');
        var asked = lines[0].Split(' ');
        _ = long.TryParse(asked[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first);
        var last = asked.Length > 1 && long.TryParse(asked[1], NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given : -1;
        _ = int.TryParse(lines.ElementAtOrDefault(1), NumberStyles.None, CultureInfo.InvariantCulture, out var status);
        var response = new HttpResponseMessage((HttpStatusCode)Math.Clamp(status, 0, 999)) { Content = new ByteArrayContent([]) };
        var kept = new List<string>();
        foreach (var line in lines.Skip(2).Where(static l => !l.Contains('\r')))
        {
            var parts = line.Split(": ", 2);
            if (parts.Length == 2 && (response.Headers.TryAddWithoutValidation(parts[0], parts[1]) || response.Content.Headers.TryAddWithoutValidation(parts[0], parts[1])))
                kept.Add(line);
        }
        return new Answer(first, last, asked.Length > 2, response, [.. kept]);
    }

    protected override bool Parse(Answer input)
    {
        try
        {
            _head = AnswerHead.Read(input.Response, new Asked(input.First, input.Last, input.IsTagged ? Tag : null, IsHead: false, IsConditional: false, AnyCoding: false));
            return true;
        }
        catch (OriginException)
        {
            return false;
        }
    }

    protected override void Verify(Answer input, bool accepted)
    {
        if (!accepted)
            return;
        var head = _head!;
        var lengths = Values(input, "Content-Length");
        var isChunked = Values(input, "Transfer-Encoding").Length > 0;
        FuzzFailure.Unless(lengths.Length <= 1 && (!isChunked || lengths.Length == 0));
        FuzzFailure.Unless(head.Status is >= 200 and not 304 && head.First >= 0 && head.Length >= -1 && head.Headers.Count <= OriginFields.Most);
        if (lengths.Length == 1 && head.Status is not (204 or 206))
            FuzzFailure.Equal(BigInteger.Parse(lengths[0], NumberStyles.None, CultureInfo.InvariantCulture), (BigInteger)head.Length, "length");
        if (input.IsTagged && head.Status is 200 or 206 && input.IsTagged)
            FuzzFailure.Equal(Tag, head.StrongTag, "tag");
        if (head.Status != 206)
            return;
        var part = Part().Match(Values(input, "Content-Range").Single().Trim());
        FuzzFailure.Unless(part.Success);
        var (first, last) = (BigInteger.Parse(part.Groups[1].Value, CultureInfo.InvariantCulture), BigInteger.Parse(part.Groups[2].Value, CultureInfo.InvariantCulture));
        BigInteger? total = part.Groups[3].Value == "*" ? null : BigInteger.Parse(part.Groups[3].Value, CultureInfo.InvariantCulture);
        FuzzFailure.Equal(((BigInteger)head.First, (BigInteger)head.Length, total ?? -1), (first, last - first + 1, (BigInteger)head.Total), "part");
        FuzzFailure.Equal((BigInteger)input.First, first, "first");
        FuzzFailure.Unless(first <= last && (total is null ? last == input.Last : last < total && last == (input.Last < 0 ? total - 1 : BigInteger.Min(input.Last, total.Value - 1))));
        FuzzFailure.Unless(lengths.Length == 0 || BigInteger.Parse(lengths[0], CultureInfo.InvariantCulture) == last - first + 1);
    }

    private static string[] Values(Answer input, string name) =>
        [.. input.Lines.Where(l => l.StartsWith(name + ": ", StringComparison.OrdinalIgnoreCase)).Select(l => l[(name.Length + 2)..])];

    [GeneratedRegex(@"\A[Bb][Yy][Tt][Ee][Ss]\s+([0-9]+)-([0-9]+)/([0-9]+|\*)\z", RegexOptions.CultureInvariant)]
    private static partial Regex Part();
}
