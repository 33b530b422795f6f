using System.Text;
using XLive.Fuzz.Engine;
using XLive.Server.Sessions;

namespace XLive.Fuzz.Inputs;

/// <summary>A session's grant, "~s1.payload.mac": what was made is read as it was made, and nothing else is read.</summary>
public sealed class SessionPathFuzzer : Fuzzer<string>, IDisposable
{
    private static readonly SessionGrants Grants = new("a service key of thirty-two bytes"u8);

    private readonly GuardedBuffer<char> _segment = new();
    private readonly HashSet<string> _made = [];
    private SessionClaim _claim;

    public override string Name => "session-paths";

    public override string Target => "`SessionGrants`";

    protected override string[] Tokens { get; } = ["~s1.", "~v1.", ".", "..", "A", "AA", "=", "-", "_", "/", "+", "%41", " ", "\n", "\t", "\0", "\u00fc"];

    protected override string Generate(Dice dice)
    {
        Span<byte> id = stackalloc byte[SessionId.Size];
        dice.Fill(id);
        var scope = Site.Scope(dice) ?? "/video/";
        if (dice.OneIn(30))
            scope = "/" + new string('d', dice.Below(2500)) + "/";
        AddressKey? bound = dice.OneIn(3) ? new AddressKey(dice.Next(), dice.Next()) : null;
        var made = Grants.Make(new SessionClaim(SessionId.Read(id), Site.Uid(dice), dice.Pick("", "k2", "schl\u00fcssel 3", new string('k', 128)), scope, dice.Below(int.MaxValue), bound));
        _made.Add(made);
        return made;
    }

    protected override string Read(string input)
    {
        _segment.Put(input);
        return input;
    }

    protected override bool Parse(string input) => Grants.TryRead(_segment.GetSpan(), out _claim);

    protected override void Verify(string input, bool accepted)
    {
        // What was not made by this service cannot be printed to the same text but by breaking the MAC.
        if (accepted)
            FuzzFailure.Equal(Grants.Make(_claim), input, "made again");
        else
            FuzzFailure.Unless(!_made.Contains(input), "made, and not read");
        _made.Clear();
    }

    public void Dispose() => ((IDisposable)_segment).Dispose();
}
