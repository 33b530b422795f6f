using System.Text.RegularExpressions;
using XLive.Fuzz.Engine;
using XLive.Server.Access;

namespace XLive.Fuzz.Inputs;

/// <summary>The grant in a query: its form, its fields, and what the server says to them.</summary>
public sealed partial class GrantQueryFuzzer : GrantFuzzer
{
    private static readonly string[] Fields = ["uid", "expires", "token", "kid", "scope"];

    public override string Name => "signed-urls";

    public override string Target => "`GrantQuery`, `SignedUrl`";

    protected override string[] Tokens { get; } =
    [
        "&", "=", "?", "&&", "uid=", "expires=", "token=", "kid=", "scope=", "&uid=u2", "&scope=/", "&kid=", "&token=", "%75id=", "tok%65n=", "Uid=", "uid", "%", "%0a", "+", "%2B", "%20",
        "_HLS_msn=3", "&CMCD=bl%3D1", "..", "//", "*", "%00", "nV600swVPV9-L8vIIFr7IcTjVjvedAerpceJCnWLdWE", "A", "=", "-", "_", "/", "%C2%85", "k2", "#", ";", "1", "0", "\u00a0",
    ];

    protected override string Generate(Dice dice)
    {
        var link = Site.Link(dice);
        var query = link[(link.IndexOf('?') + (dice.OneIn(2) ? 0 : 1))..];
        if (dice.OneIn(3))
        {
            var parts = query.TrimStart('?').Split('&');
            for (var i = parts.Length - 1; i > 0; i--)
            {
                var j = dice.Below(i + 1);
                (parts[i], parts[j]) = (parts[j], parts[i]);
            }
            query = string.Join('&', parts);
        }
        return dice.OneIn(3) ? query + dice.Pick("&_HLS_msn=17&_HLS_part=2", "&CMCD=bl%3D21300%2Csid%3D%226e2fb550%22", "&", "&x", "&kid", "&scope=") : query;
    }

    protected override GrantReason Parse(ReadOnlySpan<char> text, Span<byte> scratch, out SignedGrant grant) => GrantQuery.Parse(text, scratch, out grant);

    protected override void Verify(string input, bool accepted)
    {
        var fields = Reading(input, out var reason);
        FuzzFailure.Equal(reason, Reason, "form");
        _ = GrantQuery.UidOf(Guarded, Scratch);
        if (!accepted)
            return;
        _ = Parse(Guarded, Scratch, out var grant);
        Compare(grant, fields);
        CompareJudgement(grant, fields, input);

        var printed = string.Join('&', Fields.Select((name, i) => (name, i)).Where(f => f.i < 3 || fields[f.i].Length > 0)
            .Select(f => f.name + "=" + (f.i == 2 ? System.Buffers.Text.Base64Url.EncodeToString(fields[2]) : Regex.Replace(Latin(fields[f.i]), "[^A-Za-z0-9]", m => $"%{(int)m.Value[0]:x2}"))));
        FuzzFailure.Equal(GrantReason.Granted, GrantQuery.Parse(printed, new byte[printed.Length], out var again), "printed and read");
        Compare(again, fields);
    }

    /// <summary>uid, expires, token, kid, scope.</summary>
    internal static byte[][] Reading(string query, out GrantReason reason)
    {
        var pairs = (query.StartsWith('?') ? query[1..] : query).Split('&').Select(static p => p.Split('=', 2)).ToArray();
        var values = Fields.Select(f => pairs.Where(p => Unescaped(p[0]) == f).Select(static p => p.Length > 1 ? p[1] : "").ToArray()).ToArray();
        reason = values[2].Length == 0 ? GrantReason.NoGrant : GrantReason.Malformed;
        if (values.Any(static v => v.Length > 1) || values[..3].Any(static v => v.Length == 0))
            return [];
        var texts = values.Select(static v => v.Length == 0 ? "" : Unescaped(v[0])).ToArray();
        if (texts.Any(static t => t is null))
            return [];
        byte[][] fields = [.. texts.Select(static t => Bytes(t!))];
        if (Site.Clean(fields[0]) is null || fields[0].Length is 0 or > 128 || !Expires().IsMatch(texts[1]!) || Site.Clean(fields[3]) is null
            || (values[4].Length > 0 && (Site.Clean(fields[4]) is not { } scope || !ScopeFuzzer.Formed().IsMatch(scope)))
            || texts[2]!.Length != 43 || Site.Decoded(texts[2]!) is not { } token)
            return [];
        fields[2] = token;
        reason = GrantReason.Granted;
        return fields;
    }

    private static string? Unescaped(string raw) => Whole().IsMatch(raw)
        ? Escape().Replace(raw.Replace('+', ' '), static m => ((char)Convert.ToByte(m.Groups[1].Value, 16)).ToString())
        : null;

    [GeneratedRegex(@"\A(?:[\0-$&-\x7f]|%[0-9A-Fa-f]{2})*\z")]
    private static partial Regex Whole();

    [GeneratedRegex("%(..)")]
    private static partial Regex Escape();

    [GeneratedRegex(@"\A[1-9][0-9]{0,11}\z")]
    public static partial Regex Expires();
}
