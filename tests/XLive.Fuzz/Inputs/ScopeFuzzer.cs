using System.Text;
using System.Text.RegularExpressions;
using XLive.Fuzz.Engine;
using XLive.Server.Access;

namespace XLive.Fuzz.Inputs;

/// <summary>A scope and, on the next line, a path: the form of the one, and whether it reaches the other. In bytes and in characters.</summary>
public sealed partial class ScopeFuzzer : Fuzzer<(byte[] Scope, byte[] Path)>, IDisposable
{
    private readonly GuardedBuffer<byte> _scope = new();
    private readonly GuardedBuffer<byte> _path = new();
    private bool _covers;

    public override string Name => "scopes";

    public override string Target => "`Scope`";

    protected override string[] Tokens { get; } =
        ["/", "//", "/./", "/../", ".", "..", "*", "**", "/*", "\n", "\0", "\r", "/live/", "/live/cam", ".m3u8", ".flv", "/live/cam/", ".", "\u00c2\u0085", "\u007f", "LIVE", "/wida/x"];

    protected override string Generate(Dice dice)
    {
        var path = Site.Path(dice);
        var scope = dice.Below(5) switch
        {
            0 => path,
            1 => path[..(path.LastIndexOf('/') + 1)],
            2 => path[..(1 + dice.Below(path.Length))] + "*",
            3 => path[..(1 + dice.Below(path.Length))],
            _ => Site.Scope(dice) ?? "/live/cam",
        };
        return Latin(Encoding.UTF8.GetBytes(scope + "\n" + (dice.OneIn(3) ? Site.Path(dice) : path)));
    }

    protected override (byte[] Scope, byte[] Path) Read(string input)
    {
        var cut = input.IndexOf('\n');
        var (scope, path) = cut < 0 ? (Bytes(input), []) : (Bytes(input[..cut]), Bytes(input[(cut + 1)..]));
        _scope.Put(scope);
        _path.Put(path);
        return (scope, path);
    }

    protected override bool Parse((byte[] Scope, byte[] Path) input)
    {
        if (!Scope.IsWellFormed(_scope.GetSpan()))
            return false;
        _covers = Scope.Covers(_scope.GetSpan(), _path.GetSpan(), Site.Apps);
        return true;
    }

    protected override void Verify((byte[] Scope, byte[] Path) input, bool accepted)
    {
        var scope = Site.Clean(input.Scope);
        FuzzFailure.Equal(scope is not null && Formed().IsMatch(scope), accepted, "well formed");
        // A path has been through the door: it is text.
        if (!accepted || Site.Clean(input.Path) is not { } path)
            return;
        FuzzFailure.Equal(Reaches(scope!, path), _covers, "covers");
        FuzzFailure.Equal(_covers, Scope.Covers(scope, path, Site.Apps), "covers, in characters");
        FuzzFailure.Equal(scope is "/" or "/live/" or "/wida/", Scope.IsTooWideToDerive(input.Scope, Site.Apps), "too wide");
    }

    public static bool Reaches(string scope, string path) => scope[^1] switch
    {
        '/' => path.StartsWith(scope, StringComparison.Ordinal),
        '*' => path.StartsWith(scope[..^1], StringComparison.Ordinal),
        _ => path == scope || (Stream().IsMatch(scope) && (path == scope + ".m3u8" || path == scope + ".flv" || path.StartsWith(scope + "/", StringComparison.Ordinal))),
    };

    public void Dispose()
    {
        ((IDisposable)_scope).Dispose();
        ((IDisposable)_path).Dispose();
    }

    [GeneratedRegex(@"\A(?:/(?!\.{1,2}(?:/|\z))[^/]+)*(?:/(?!\.{1,2}\z)[^/]*)\z", RegexOptions.Singleline)]
    public static partial Regex Formed();

    [GeneratedRegex(@"\A/(?:live|wida)/[^/]+\z", RegexOptions.Singleline)]
    private static partial Regex Stream();
}
