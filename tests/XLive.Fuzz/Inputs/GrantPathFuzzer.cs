using System.Buffers.Text;
using XLive.Fuzz.Engine;
using XLive.Server.Access;

namespace XLive.Fuzz.Inputs;

/// <summary>The same grant as a path's first segment, "~v1.uid.expires.kid.scope.token".</summary>
public sealed class GrantPathFuzzer : GrantFuzzer
{
    public override string Name => "signed-paths";

    public override string Target => "`GrantPrefix`, `SignedUrl`";

    protected override string[] Tokens { get; } =
        ["~v1.", "~V1.", "~v2.", "~s1.", ".", "..", "-", "_", "=", "A", "AA", "AAA", "/", "+", "%41", " ", "1", "0", "dTE", "L3Yv", "B", "\u00fc", "\0"];

    protected override string Generate(Dice dice)
    {
        var link = Site.PathLink(dice);
        return link[1..link.IndexOf('/', 1)];
    }

    protected override GrantReason Parse(ReadOnlySpan<char> text, Span<byte> scratch, out SignedGrant grant) => GrantPrefix.Parse(text, scratch, out grant);

    protected override void Verify(string input, bool accepted)
    {
        var fields = Reading(input, out var reason);
        FuzzFailure.Equal(reason, Reason, "form");
        if (!accepted)
            return;
        _ = Parse(Guarded, Scratch, out var grant);
        Compare(grant, fields);
        CompareJudgement(grant, fields, input);
        // One grant, one spelling.
        var name = fields[3].Length == 0 ? "-" : Base64Url.EncodeToString(fields[3]);
        FuzzFailure.Equal($"~v1.{Base64Url.EncodeToString(fields[0])}.{grant.Expires}.{name}.{Base64Url.EncodeToString(fields[4])}.{Base64Url.EncodeToString(fields[2])}", input, "printed");
    }

    /// <summary>uid, expires, token, kid, scope.</summary>
    internal static byte[][] Reading(string segment, out GrantReason reason)
    {
        reason = segment.StartsWith("~v1.", StringComparison.Ordinal) ? GrantReason.Malformed : GrantReason.NoGrant;
        var parts = segment.Split('.');
        if (reason == GrantReason.NoGrant || parts.Length != 6 || !GrantQueryFuzzer.Expires().IsMatch(parts[2]))
            return [];
        var (uid, kid, scope, token) = (Site.Decoded(parts[1]), parts[3] == "-" ? [] : Site.Decoded(parts[3]), Site.Decoded(parts[4]), Site.Decoded(parts[5]));
        if (uid is null || uid.Length is 0 or > 128 || Site.Clean(uid) is null || kid is null || parts[3].Length == 0 || Site.Clean(kid) is null
            || scope is null || Site.Clean(scope) is not { } text || !ScopeFuzzer.Formed().IsMatch(text) || token is not { Length: 32 })
            return [];
        reason = GrantReason.Granted;
        return [uid, Bytes(parts[2]), token, kid, scope];
    }
}
