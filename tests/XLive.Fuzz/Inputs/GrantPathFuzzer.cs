using System.Buffers.Text;
using System.Globalization;
using XLive.Fuzz.Engine;
using XLive.Server.Access;

namespace XLive.Fuzz.Inputs;

/// <summary>The same grant as a path's first segment, "~v1.uid.expires.kid.scope.token".</summary>
public sealed class GrantPathFuzzer : Fuzzer<string>, IDisposable
{
    private readonly GuardedBuffer<char> _segment = new();
    private readonly GuardedBuffer<byte> _scratch = new();
    private GrantReason _reason;

    public override string Name => "signed-paths";

    public override string Target => "`GrantPrefix`, `SignedUrl`";

    protected override string[] Tokens { get; } =
        ["~v1.", "~V1.", "~v2.", "~s1.", ".", "..", "-", "_", "=", "A", "AA", "AAA", "/", "+", "%41", " ", "1", "0", "dTE", "L3Yv", "B", "\u00fc", "\0"];

    protected override string Generate(Dice dice)
    {
        var link = Site.PathLink(dice);
        return link[1..link.IndexOf('/', 1)];
    }

    protected override string Read(string input)
    {
        _segment.Put(input);
        _scratch.Take(input.Length);
        return input;
    }

    protected override bool Parse(string input)
    {
        _reason = GrantPrefix.Parse(_segment.GetSpan(), _scratch.GetSpan(), out _);
        return _reason == GrantReason.Granted;
    }

    protected override void Verify(string input, bool accepted)
    {
        var fields = Reading(input, out var reason);
        FuzzFailure.Equal(reason, _reason, "form");
        if (!accepted)
            return;
        _ = GrantPrefix.Parse(_segment.GetSpan(), _scratch.GetSpan(), out var grant);
        var (uid, expires, kid, scope, token) = (fields[0], fields[1], fields[2], fields[3], fields[4]);
        FuzzFailure.Same(uid, grant.Uid, "uid");
        FuzzFailure.Equal(Latin(expires), grant.Expires.ToString(CultureInfo.InvariantCulture), "expires");
        FuzzFailure.Same(kid, grant.Kid, "kid");
        FuzzFailure.Same(scope, grant.Scope, "scope");
        FuzzFailure.Same(token, grant.Token, "token");
        var path = Site.Paths[input.Length % Site.Paths.Length];
        FuzzFailure.Equal(Site.Judgement(uid, grant.Expires, kid, scope, token, path), SignedUrl.Verify(grant, path, Site.Keys, Site.Rules, Site.Now, out _), "judged");
        // One grant, one spelling.
        var name = kid.Length == 0 ? "-" : Base64Url.EncodeToString(kid);
        FuzzFailure.Equal($"~v1.{Base64Url.EncodeToString(uid)}.{grant.Expires}.{name}.{Base64Url.EncodeToString(scope)}.{Base64Url.EncodeToString(token)}", input, "printed");
    }

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
        return [uid, Bytes(parts[2]), kid, scope, token];
    }

    public void Dispose()
    {
        ((IDisposable)_segment).Dispose();
        ((IDisposable)_scratch).Dispose();
    }
}
