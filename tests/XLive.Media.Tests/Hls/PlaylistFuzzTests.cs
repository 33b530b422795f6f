using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using XLive.Media.Hls;
using static XLive.Media.Tests.Hls.PlaylistTemplateTests;

namespace XLive.Media.Tests.Hls;

/// <summary>XLIVE_FUZZ_SEED repeats a run; XLIVE_FUZZ_SECONDS makes it longer.</summary>
public sealed class PlaylistFuzzTests(ITestOutputHelper output)
{
    private const string Path = "/video/2024 \u00e9/m,1/list.m3u8";
    private const string EncodedPath = "/video/2024%20%C3%A9/m%2C1/list.m3u8";
    private const string Session = "/~s1.a.b";

    // What Own of the table tests comes to, written out.
    private static readonly string[] Authorities =
    [
        "http//own.example", "http//own.example:80", "https//own.example", "https//own.example:443", "//own.example", "//own.example:80",
        "//own.example:443", "http//own.example:7889", "https//own.example:7889", "//own.example:7889", "http//own.example:",
        "https//own.example:", "//own.example:", "http//[2001:db8::1]:8080", "https//[2001:db8::1]:8080", "//[2001:db8::1]:8080",
    ];

    private static readonly string[] Starts =
    [
        "", "", "", "", "/", "/", "/video/2024%20%C3%A9/m%2C1/", "/video/", "https://own.example/", "http://OWN.example:7889/video/",
        "//own.example/", "//[2001:db8::1]:8080/", "https://cdn.example/", "//cdn.example/", "data:,", "skd://", "{$abs}/", "{$rel}/",
        "{$own}/", "{$cdn}/", "{$up}/", "{$query}/", "https://{$host}/", "/~v1.a/", "?", "#",
    ];

    private static readonly string[] Segments =
    [
        "a", "b.ts", "seg-1.m4s", "..", "..", "..", ".", "%2e%2E", "%2e", "...", "", "a:b", "x=1,y", "%41", "%C3%A9", "%ff", "%2f", "%zz",
        "video", "m%2C1", "2024%20%C3%A9", "~u", "{$rel}", "{$query}", ";p",
    ];

    private static readonly string[] Tails = ["", "", "", "", "?a=1", "?x=/../y", "#t", "?a={$query}#/../", "?{$rel}"];

    private static readonly string[] Lines =
    [
        "@", "@", "@ ", "\t@", "#EXTINF:4.0,title, URI=\"/a\"", "#EXT-X-KEY:METHOD=AES-128,URI=\"@\",IV=0x1", "#EXT-X-KEY:URI=\"@\",METHOD=NONE",
        "#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"@\"", "#EXT-X-MAP:URI=\"@\",BYTERANGE=\"1@0\"", "#EXT-X-MEDIA:NAME=\",URI=\",URI=\"@\"",
        "#EXT-X-PART:URI=\"@\",DURATION=1", "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"@\"", "#EXT-X-RENDITION-REPORT:LAST-MSN=1,URI=\"@\"",
        "#EXT-X-DATERANGE:X-ASSET-URI=\"@\",X-ASSET-LIST=\"@\",X-URI=\"/no\"", "#EXT-X-CONTENT-STEERING:SERVER-URI=\"@\"", "#EXT-X-PREFETCH:@",
        "#EXT-X-MAP:URI=nq.mp4", "#EXT-X-ENDLIST", "#EXT-X-TARGETDURATION:6", "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"a,b\"", "", "# /comment",
        "#EXT-X-DEFINE:NAME=\"late\",VALUE=\"{$abs}/x\"", "#EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:00:00Z",
    ];

    private const string Definitions =
        "#EXT-X-DEFINE:NAME=\"abs\",VALUE=\"/video/z\"\n#EXT-X-DEFINE:NAME=\"rel\",VALUE=\"r/..\"\n#EXT-X-DEFINE:NAME=\"own\",VALUE=\"https://own.example/o\"\n"
        + "#EXT-X-DEFINE:NAME=\"cdn\",VALUE=\"https://cdn.example/c\"\n#EXT-X-DEFINE:NAME=\"up\",VALUE=\"../../../..\"\n"
        + "#EXT-X-DEFINE:NAME=\"host\",VALUE=\"own.example\"\n#EXT-X-DEFINE:QUERYPARAM=\"query\"\n";

    private static readonly string[] Splinters =
        ["\"", ",", "=", "#", "\r", "\n", "\r\n", "/", "//", "..", "/../", "%", "%2e", "{$", "}", ":", "://", "?", "\0", "\u00ff", "URI=", " ", "#EXT-X-"];

    [Fact]
    public void Whatever_the_file_both_forms_lead_to_where_it_did()
    {
        int seed = Number("XLIVE_FUZZ_SEED") ?? Random.Shared.Next();
        output.WriteLine($"XLIVE_FUZZ_SEED={seed}");
        var random = new Random(seed);
        var watch = Stopwatch.StartNew();
        int rounds = 0, references = 0;

        for (; watch.Elapsed.TotalSeconds < (Number("XLIVE_FUZZ_SECONDS") ?? 5); rounds++)
        {
            bool mutated = random.Next(2) == 0;
            string text = mutated ? Mutate(Playlist(random), random) : Playlist(random);
            try
            {
                references += Verify(text);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}, round {rounds}, base64 {Convert.ToBase64String(Encoding.Latin1.GetBytes(text))}\n{text}", e);
            }
        }
        output.WriteLine($"{rounds} playlists, {references} own references");
        Assert.True(references > rounds / 10);
    }

    private static int Verify(string text)
    {
        var template = Parse(text, Path);
        string shared = Latin(template.Shared.Span), entry = Entry(template, Session);

        // The slices are the whole: a prefix more or less changes the length by what was said, and the text nowhere else.
        int cuts = template.EntryLength(1) - template.EntryLength(0);
        // The mark may stand in the text too, once in a few thousand mutations.
        Assert.Equal(Entry(template, "").Replace("\u00a7", ""), Entry(template, "\u00a7").Replace("\u00a7", ""));

        if (!template.IsPlaylist)
        {
            Assert.Equal((text, text, 0), (shared, entry, cuts));
            return 0;
        }

        // Putting a value in place could then name another variable; no player agrees with the next one about those either.
        if (Regex.IsMatch(text, @"[{$]\{\$"))
            return 0;

        Assert.Equal(shared, Latin(Parse(shared, Path).Shared.Span));
        Assert.Equal(PlaylistOracle.Skeleton(text), PlaylistOracle.Skeleton(shared));
        Assert.Equal(PlaylistOracle.Skeleton(text), PlaylistOracle.Skeleton(entry));

        var before = PlaylistOracle.References(text);
        var below = PlaylistOracle.References(shared);
        var outside = PlaylistOracle.References(entry);
        var keys = new HashSet<string>();
        var children = new List<string>();
        int own = 0;
        for (int i = 0; i < before.Count; i++)
        {
            string? target = PlaylistOracle.Target(before[i].Expanded, EncodedPath, Authorities, out bool climbed);
            if (target is null)
            {
                Assert.Equal((before[i].Raw, before[i].Raw), (below[i].Raw, outside[i].Raw));
                continue;
            }
            own++;
            Assert.Equal(Session + target, outside[i].Expanded);
            Assert.Equal(Session + target, PlaylistOracle.Target(below[i].Expanded, Session + EncodedPath, []));
            CompareWithSystemUri(before[i].Expanded, target);

            if (!climbed && Asked(target) is { } path)
            {
                children.Add(path);
                if (before[i].Tag is "KEY" or "SESSION-KEY" && !before[i].None)
                    keys.Add(path);
            }
        }
        Assert.Equal(own, cuts);
        Assert.Superset(keys, template.KeyPaths.ToHashSet());
        CheckScope(template.CommonScope, children);
        return own;
    }

    /// <summary>
    /// Only where the URI is one: System.Uri mends the others in ways of its own. An escaped dot is a plain character to it while
    /// it resolves and a dot when it is done; browsers take it for a dot from the start, and so do we.
    /// </summary>
    private static void CompareWithSystemUri(string reference, string target)
    {
        if (reference.Contains("%2e", StringComparison.OrdinalIgnoreCase) || !Regex.IsMatch(reference, @"\A(?:[A-Za-z0-9._~!$&'()*+,;=:@/?#\[\]-]|%[0-9A-Fa-f]{2})+\z") || Regex.IsMatch(reference, @"//[^/?#]*:(?:[/?#]|\z)"))
            return;
        var there = new Uri(new Uri("http://own.example" + EncodedPath), reference);
        var here = new Uri("http://own.example" + target);
        Assert.Equal(there.PathAndQuery + there.Fragment, here.PathAndQuery + here.Fragment);
    }

    private static string? Asked(string target)
    {
        string path = Regex.Match(target, @"\A[^?#]*").Value;
        if (path.Contains("//", StringComparison.Ordinal) || path.Contains("{$", StringComparison.Ordinal) || Regex.IsMatch(path, "%(?![0-9A-Fa-f]{2})|%2F|%5C|[\\\\\u0000-\u001f\u007f]|%[01][0-9A-Fa-f]|%7F", RegexOptions.IgnoreCase))
            return null;
        path = Regex.Replace(path, "%(..)", m => ((char)int.Parse(m.Groups[1].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToString());
        try
        {
            return new UTF8Encoding(false, true).GetString(Encoding.Latin1.GetBytes(path));
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static void CheckScope(string scope, List<string> children)
    {
        string directory = Path[..(Path.LastIndexOf('/') + 1)];
        Assert.EndsWith("/", scope);
        Assert.StartsWith(scope, directory);
        Assert.All(children, child => Assert.StartsWith(scope, child));
        if (scope != directory)
        {
            string longer = directory[..(directory.IndexOf('/', scope.Length) + 1)];
            Assert.Contains(children, child => !child.StartsWith(longer, StringComparison.Ordinal));
        }
    }

    private static string Playlist(Random random)
    {
        string end = random.Next(3) == 0 ? "\r\n" : "\n";
        var text = new StringBuilder(random.Next(10) == 0 ? "\u00ef\u00bb\u00bf#EXTM3U" : "#EXTM3U").Append(end);
        if (random.Next(2) == 0)
            text.Append(Definitions.Replace("\n", end));
        for (int i = random.Next(12); i > 0; i--)
        {
            string line = Pick(Lines, random);
            for (int at; (at = line.IndexOf('@')) >= 0 && !line[at..].StartsWith("@0", StringComparison.Ordinal);)
                line = line[..at] + Reference(random) + line[(at + 1)..];
            text.Append(line).Append(i == 1 && random.Next(2) == 0 ? "" : end);
        }
        return text.ToString();
    }

    private static string Reference(Random random)
    {
        var text = new StringBuilder(Pick(Starts, random));
        for (int i = random.Next(6); i > 0; i--)
            text.Append(Pick(Segments, random)).Append(i > 1 || random.Next(5) == 0 ? "/" : "");
        return text.Append(Pick(Tails, random)).ToString();
    }

    private static string Mutate(string text, Random random)
    {
        for (int i = random.Next(1, 5); i > 0; i--)
        {
            int at = random.Next(text.Length + 1), length = Math.Min(random.Next(8), text.Length - at);
            text = random.Next(4) switch
            {
                0 => text[..at] + text[(at + length)..],
                1 => text[..at] + (char)random.Next(256) + text[at..],
                2 => text[..at] + Pick(Splinters, random) + text[at..],
                _ => text[..at] + text.Substring(at, length) + text[at..],
            };
        }
        return text;
    }

    private static string Pick(string[] from, Random random) => from[random.Next(from.Length)];

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.Integer, CultureInfo.InvariantCulture, out int n) ? n : null;
}
