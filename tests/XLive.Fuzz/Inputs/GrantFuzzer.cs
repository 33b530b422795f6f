using System.Globalization;
using XLive.Fuzz.Engine;
using XLive.Server.Access;

namespace XLive.Fuzz.Inputs;

/// <summary>A grant's text, wherever it stands: what the server's reading must agree on with a plain reading of the same fields.</summary>
public abstract class GrantFuzzer : Fuzzer<string>, IDisposable
{
    private readonly GuardedBuffer<char> _text = new();
    private readonly GuardedBuffer<byte> _scratch = new();

    protected GrantReason Reason { get; private set; }

    protected ReadOnlySpan<char> Guarded => _text.GetSpan();

    protected Span<byte> Scratch => _scratch.GetSpan();

    protected abstract GrantReason Parse(ReadOnlySpan<char> text, Span<byte> scratch, out SignedGrant grant);

    protected override string Read(string input)
    {
        _text.Put(input);
        _scratch.Take(input.Length);
        return input;
    }

    protected override bool Parse(string input)
    {
        Reason = Parse(Guarded, Scratch, out _);
        return Reason == GrantReason.Granted;
    }

    /// <param name="fields">uid, expires, token, kid, scope.</param>
    protected static void Compare(in SignedGrant grant, byte[][] fields)
    {
        FuzzFailure.Same(fields[0], grant.Uid, "uid");
        FuzzFailure.Equal(Latin(fields[1]), grant.Expires.ToString(CultureInfo.InvariantCulture), "expires");
        FuzzFailure.Same(fields[2], grant.Token, "token");
        FuzzFailure.Same(fields[3], grant.Kid, "kid");
        FuzzFailure.Same(fields[4], grant.Scope, "scope");
    }

    protected static void CompareJudgement(in SignedGrant grant, byte[][] fields, string input)
    {
        var path = Site.Paths[input.Length % Site.Paths.Length];
        var expected = Site.Judgement(fields[0], grant.Expires, fields[3], fields[4], fields[2], path);
        FuzzFailure.Equal(expected, SignedUrl.Verify(grant, path, Site.Keys, Site.Rules, Site.Now, out _), "judged");
    }

    public void Dispose()
    {
        ((IDisposable)_text).Dispose();
        ((IDisposable)_scratch).Dispose();
        GC.SuppressFinalize(this);
    }
}
