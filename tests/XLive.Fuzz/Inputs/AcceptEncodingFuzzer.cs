using System.Text.RegularExpressions;
using Microsoft.Extensions.Primitives;
using XLive.Fuzz.Engine;
using XLive.Server.Playback.Http;

namespace XLive.Fuzz.Inputs;

/// <summary>Accept-Encoding: may gzip be sent? HAProxy's cache once died of this header.</summary>
public sealed partial class AcceptEncodingFuzzer : Fuzzer<StringValues>
{
    public override string Name => "encodings";

    public override string Target => "`AcceptEncoding`";

    protected override string[] Tokens { get; } =
        ["gzip", "GZip", "x-gzip", "*", "br", "identity", ",", ", ", ";", ";q=", "; q=0", ";q=0.0", ";q=0.001", ";q=1.0", ";q=2", ";q=-1", ";q=NaN", ";q=1e9", ";Q=0", " ", "\t", "=", "\u00a0", "gzip;q=0;x", ";q=.", ";q="];

    protected override string Generate(Dice dice) => string.Join(dice.Pick(",", ", ", " , "), Enumerable.Range(0, dice.OneIn(10) ? dice.Below(400) : dice.Below(5)).Select(_ =>
        dice.Pick("gzip", "x-gzip", "br", "deflate", "*", "identity", "zstd") + dice.Pick("", "", "", ";q=0", ";q=0.5", "; q=1", ";q=0.000")));

    protected override StringValues Read(string input) => Wide(input);

    protected override bool Parse(StringValues input) => AcceptEncoding.TakesGzip(input);

    protected override void Verify(StringValues input, bool accepted)
    {
        var wanted = false;
        foreach (var member in input.ToString().Split(',').Select(static m => m.Trim()))
        {
            var coding = member.Split(';')[0].TrimEnd().ToUpperInvariant();
            if (coding is not ("GZIP" or "X-GZIP" or "*"))
                continue;
            wanted = !Nothing().IsMatch(member);
            if (coding != "*")
                break;
            // A star stands for what is not named, wherever it stands.
        }
        FuzzFailure.Equal(wanted, accepted, "takes gzip");
    }

    /// <summary>A weight of nothing, however it is written.</summary>
    [GeneratedRegex(@"\A[^;]*;\s*q=0[0.]*\s*\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Nothing();
}
