using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using XLive.Fuzz.Engine;
using XLive.Media.Hls;
using XLive.Media.Tests.Hls;

namespace XLive.Fuzz.Inputs;

/// <summary>
/// Playlists, read and rewritten: whatever the file, both forms lead to where it did, in as many URIs, and nothing of our own outside the
/// session's path. Beside regular expressions, RFC 3986 as it is printed, and System.Uri.
/// </summary>
public sealed partial class PlaylistFuzzer : Fuzzer<ReadOnlyMemory<byte>>, IDisposable
{
    private const string Path = "/video/2024 \u00e9/m,1/list.m3u8";
    private const string EncodedPath = "/video/2024%20%C3%A9/m%2C1/list.m3u8";
    private const string Session = "/~s1.a.b";

    private static readonly string[] Own = ["own.example", "own.example:7889", "[2001:db8::1]:8080"];

    // What Own comes to, written out.
    private static readonly string[] Authorities =
    [
        "http//own.example", "http//own.example:80", "https//own.example", "https//own.example:443", "//own.example", "//own.example:80",
        "//own.example:443", "http//own.example:7889", "https//own.example:7889", "//own.example:7889", "http//own.example:",
        "https//own.example:", "//own.example:", "http//[2001:db8::1]:8080", "https//[2001:db8::1]:8080", "//[2001:db8::1]:8080",
    ];

    private readonly GuardedBuffer<byte> _text = new();
    private PlaylistTemplate _template = null!;
    private bool _givenUp;

    public override string Name => "playlists";

    public override string Target => "`PlaylistTemplate`";

    protected override string[] Tokens => PlaylistGrammar.Splinters;

    protected override string Generate(Dice dice) => PlaylistGrammar.Playlist(dice);

    // Eight bytes for each place where a prefix goes, in a list that doubles and is copied at the end: a line may be two bytes.
    protected override int AllocationTimes => 20 + (_givenUp ? 5 * 2 * 3 : 0);

    // The two texts double and are copied as well. One that was given up had grown to three times the input and a MiB.
    protected override long AllocationRoom =>
        base.AllocationRoom + (_givenUp ? 5 * 2 << 20 : _template.IsPlaylist ? 5L * (_template.Shared.Length + _template.EntryLength(0)) : 0);

    protected override ReadOnlyMemory<byte> Read(string input)
    {
        _text.Put(Bytes(input));
        return _text.Memory;
    }

    protected override bool Parse(ReadOnlyMemory<byte> input)
    {
        _template = PlaylistTemplate.Parse(input, Path, Own);
        _givenUp = !_template.IsPlaylist && (input.Span.StartsWith("#EXTM3U"u8) || input.Span.StartsWith("\uFEFF#EXTM3U"u8));
        return _template.IsPlaylist;
    }

    protected override void Verify(ReadOnlyMemory<byte> input, bool accepted)
    {
        var text = Latin(input.Span);
        string shared = Latin(_template.Shared.Span), entry = Entry(Session);
        // The slices are the whole: a prefix more or less changes the length by what was said, and the text nowhere else.
        var cuts = _template.EntryLength(1) - _template.EntryLength(0);
        FuzzFailure.Equal(Entry("").Replace("\u00a7", ""), Entry("\u00a7").Replace("\u00a7", ""), "spliced");
        if (!accepted)
        {
            FuzzFailure.Equal((text, text, 0), (shared, entry, cuts), "passed on");
            return;
        }
        FuzzFailure.Unless(shared.Length <= (3L * text.Length) + (1 << 20), "rewritten within its budget");
        // Putting a value in place could then name another variable; no player agrees with the next one about those either.
        if (Nested().IsMatch(text))
            return;
        var again = PlaylistTemplate.Parse(Bytes(shared), Path, Own);
        FuzzFailure.Equal(shared, Latin(again.Shared.Span), "rewritten again");
        var facts = (_template.IsMultivariant, _template.HasEndList, _template.TargetDuration);
        FuzzFailure.Equal(facts, (again.IsMultivariant, again.HasEndList, again.TargetDuration), "facts, rewritten");
        // The second reading takes its time, and what it would take most of is the same line again and again.
        if (text.Length > 8192)
            return;
        FuzzFailure.Equal(PlaylistOracle.Facts(text), facts, "facts");
        var (before, below, outside) = (PlaylistOracle.References(text), PlaylistOracle.References(shared), PlaylistOracle.References(entry));
        var skeleton = PlaylistOracle.Skeleton(text, before);
        FuzzFailure.Equal(skeleton, PlaylistOracle.Skeleton(shared, below), "all but the URIs, shared");
        FuzzFailure.Equal(skeleton, PlaylistOracle.Skeleton(entry, outside), "all but the URIs, spliced");
        Follow(before, below, outside, cuts);
    }

    private void Follow(List<PlaylistOracle.Found> before, List<PlaylistOracle.Found> below, List<PlaylistOracle.Found> outside, int cuts)
    {
        FuzzFailure.Equal((before.Count, before.Count), (below.Count, outside.Count), "URIs");
        var keys = new HashSet<string>();
        var children = new List<string>();
        var own = 0;
        for (var i = 0; i < before.Count; i++)
        {
            var target = PlaylistOracle.Target(before[i].Expanded, EncodedPath, Authorities, out var climbed);
            if (target is null)
            {
                FuzzFailure.Equal((before[i].Raw, before[i].Raw), (below[i].Raw, outside[i].Raw), "another's URI");
                continue;
            }
            own++;
            FuzzFailure.Equal(Session + target, outside[i].Expanded, "from outside");
            FuzzFailure.Equal(Session + target, PlaylistOracle.Target(below[i].Expanded, Session + EncodedPath, []), "below the session");
            CompareWithSystemUri(before[i].Expanded, target);
            if (climbed || Asked(target) is not { } path)
                continue;
            children.Add(path);
            if (before[i].Tag is "KEY" or "SESSION-KEY" && !before[i].None)
                keys.Add(path);
        }
        FuzzFailure.Equal(own, cuts, "own URIs");
        FuzzFailure.Unless(keys.All(_template.KeyPaths.Contains), "every key is known as one");
        CheckScope(children);
    }

    private string Entry(string prefix)
    {
        var to = new byte[_template.EntryLength(prefix.Length)];
        _template.WriteEntry(to, Bytes(prefix));
        return Latin(to);
    }

    /// <summary>
    /// Only where the URI is one: System.Uri mends the others in ways of its own. An escaped dot is a plain character to it while
    /// it resolves and a dot when it is done; browsers take it for a dot from the start, and so do we.
    /// </summary>
    private static void CompareWithSystemUri(string reference, string target)
    {
        if (reference.Contains("%2e", StringComparison.OrdinalIgnoreCase) || !Clean().IsMatch(reference) || EmptyPort().IsMatch(reference))
            return;
        var there = new Uri(new Uri("http://own.example" + EncodedPath), reference);
        var here = new Uri("http://own.example" + target);
        FuzzFailure.Equal(there.PathAndQuery + there.Fragment, here.PathAndQuery + here.Fragment, "by System.Uri");
    }

    /// <summary>The path as the server will see it once it is asked for; null where the server would refuse it.</summary>
    private static string? Asked(string target)
    {
        var path = target.Split('?', '#')[0];
        if (path.Contains("//", StringComparison.Ordinal) || path.Contains("{$", StringComparison.Ordinal) || Refused().IsMatch(path))
            return null;
        path = Regex.Replace(path, "%(..)", static m => ((char)int.Parse(m.Groups[1].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToString());
        try
        {
            return new UTF8Encoding(false, true).GetString(Bytes(path));
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private void CheckScope(List<string> children)
    {
        var scope = _template.CommonScope;
        var directory = Path[..(Path.LastIndexOf('/') + 1)];
        FuzzFailure.Unless(scope.EndsWith('/') && directory.StartsWith(scope, StringComparison.Ordinal), "the scope holds the playlist: " + scope);
        FuzzFailure.Unless(children.All(child => child.StartsWith(scope, StringComparison.Ordinal)), "the scope holds its children: " + scope);
        if (scope == directory)
            return;
        var longer = directory[..(directory.IndexOf('/', scope.Length) + 1)];
        FuzzFailure.Unless(children.Any(child => !child.StartsWith(longer, StringComparison.Ordinal)), "the scope is no wider than it must be: " + scope);
    }

    public void Dispose() => ((IDisposable)_text).Dispose();

    [GeneratedRegex(@"[{$]\{\$")]
    private static partial Regex Nested();

    [GeneratedRegex(@"\A(?:[A-Za-z0-9._~!$&'()*+,;=:@/?#\[\]-]|%[0-9A-Fa-f]{2})+\z")]
    private static partial Regex Clean();

    [GeneratedRegex(@"//[^/?#]*:(?:[/?#]|\z)")]
    private static partial Regex EmptyPort();

    [GeneratedRegex("%(?![0-9A-Fa-f]{2})|%2F|%5C|[\\\\\u0000-\u001f\u007f]|%[01][0-9A-Fa-f]|%7F", RegexOptions.IgnoreCase)]
    private static partial Regex Refused();
}
