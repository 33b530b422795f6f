using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using XLive.Server.Access;

namespace XLive.Server.Tests.Access;

public class PathPatternTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("/a", "/a", true)]
    [InlineData("/a", "/a/", false)]
    [InlineData("/a", "/A", false)]
    [InlineData("/a", "/ab", false)]
    [InlineData("/a?b[c]{d}.x", "/a?b[c]{d}.x", true)]
    [InlineData("/a.x", "/abx", false)]
    [InlineData("/*", "/", true)]
    [InlineData("/*", "/a", true)]
    [InlineData("/*", "/a/b", false)]
    [InlineData("/a/*", "/a", false)]
    [InlineData("/a/*.jpg", "/a/b.jpg", true)]
    [InlineData("/a/*.jpg", "/a/b/c.jpg", false)]
    [InlineData("/a/*.jpg", "/a/.jpg", true)]
    [InlineData("/a/*.jpg", "/a/b.jpeg", false)]
    [InlineData("/ab*ba", "/aba", false)]
    [InlineData("/ab*ba", "/abba", true)]
    [InlineData("/**", "/", true)]
    [InlineData("/**", "/a/b/c", true)]
    [InlineData("**", "/a/b/c", true)]
    [InlineData("**.jpg", "/a/b.jpg", true)]
    [InlineData("**/b.jpg", "/b.jpg", true)]
    [InlineData("**/b.jpg", "/a/b.jpg", true)]
    [InlineData("**/b.jpg", "/ab.jpg", false)]
    [InlineData("/a/**", "/a/", true)]
    [InlineData("/a/**", "/a", false)]
    [InlineData("/a/**", "/ab", false)]
    [InlineData("/a/**/b", "/a/b", true)]
    [InlineData("/a/**/b", "/a/x/b", true)]
    [InlineData("/a/**/b", "/a/x/y/b", true)]
    [InlineData("/a/**/b", "/a/xb", false)]
    [InlineData("/a/**/b", "/ab", false)]
    [InlineData("/a/**/**/b", "/a/b", true)]
    [InlineData("/a/**/*.ts", "/a/1.ts", true)]
    [InlineData("/a/**/*.ts", "/a/b/c/1.ts", true)]
    [InlineData("/a/**/*.ts", "/a.ts", false)]
    [InlineData("/*/thumb/*", "/cam/thumb/1.jpg", true)]
    [InlineData("/*/thumb/*", "/live/cam/thumb/1.jpg", false)]
    [InlineData("/a*b*c/*d", "/axbbxc/d", true)]
    [InlineData("/a*b*c/*d", "/axb/c/d", false)]
    [InlineData("/*ü*/x", "/Grüße/x", true)]
    [InlineData("/*ü*/x", "/Grusse/x", false)]
    [InlineData("/日本/**", "/日本/x", true)]
    public void Matches(string pattern, string path, bool matches) => Assert.Equal(matches, new PathPattern(pattern).Matches(path));

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("*.jpg")]
    [InlineData("*/a")]
    [InlineData("/a***b")]
    [InlineData("/a\nb")]
    public void Fault_names_the_pattern(string pattern) =>
        Assert.StartsWith($"'{pattern}' ", Assert.Throws<FormatException>(() => new PathPattern(pattern)).Message);

    [Fact]
    public void Middle_has_a_limit_and_says_so()
    {
        Assert.True(new PathPattern($"/{new string('p', 500)}*{new string('a', 60)}*{new string('s', 500)}")
            .Matches($"/{new string('p', 500)}x{new string('a', 60)}y{new string('s', 500)}"));
        Assert.Contains("62", Assert.Throws<FormatException>(() => new PathPattern($"/*{new string('a', 61)}*")).Message);
    }

    [Fact]
    public void Random_patterns_match_as_a_regular_expression_does()
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string[] pieces = ["/", "/", "a", "b", "ab", "*", "**", "/**/", "ü"];
        int matched = 0;
        for (int round = 0; round < 3000; round++)
        {
            var builder = new StringBuilder("/");
            for (int i = random.Next(8); i > 0; i--)
                builder.Append(pieces[random.Next(pieces.Length)]);
            string pattern = builder.ToString();
            if (PathPattern.Fault(pattern) is not null)
                continue;
            var compiled = new PathPattern(pattern);
            var oracle = new Regex(
                "^" + Regex.Replace(Regex.Escape(pattern).Replace("\\*", "*"), @"(?<=/)\*\*/|\*\*|\*", m => m.Value switch
                {
                    "**/" => "(?:.*/)?",
                    "**" => ".*",
                    _ => "[^/]*",
                }) + "$",
                RegexOptions.CultureInvariant);
            for (int i = 0; i < 40; i++)
            {
                var path = new StringBuilder("/");
                for (int n = random.Next(9); n > 0; n--)
                    path.Append("//ab"[random.Next(4)]).Append(random.Next(12) == 0 ? "ü" : "");
                string asked = path.ToString();
                bool expected = oracle.IsMatch(asked);
                matched += expected ? 1 : 0;
                Assert.True(expected == compiled.Matches(asked), $"{pattern} on {asked}: {expected} by the oracle");
            }
        }
        Assert.True(matched > 1000);
    }

    [Theory]
    [InlineData("/*a*a*a*a*a*a*a*a*a*a*b*")]
    [InlineData("/**a**a**a**a**a**a**a**b**")]
    [InlineData("**/*a*a*a*a*a*/**/*a*a*a*a*x")]
    [InlineData("/**aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab*")]
    [InlineData("/**ü*ü*ü*ü**x*")]
    public void Hostile_paths_cost_their_length(string pattern)
    {
        var compiled = new PathPattern(pattern);
        foreach (char c in "aüab")
        {
            string path = "/" + new string(c, 100_000) + "/" + new string('a', 100_000);
            long start = Stopwatch.GetTimestamp();
            compiled.Matches(path);
            TimeSpan taken = Stopwatch.GetElapsedTime(start);
            Assert.True(taken < TimeSpan.FromMilliseconds(500), $"{taken}");
        }
    }

    [Fact]
    public void Lists_match_when_any_does_and_allocate_nothing()
    {
        var list = new PathPatterns(["/posters/**", "**.vtt", "/v/*/thumb/**/*.jpg"]);
        string[] paths = ["/posters/a/b.jpg", "/v/x.vtt", "/v/m/thumb/1.jpg", "/v/m/1.ts", "/"];
        Assert.Equal([true, true, true, false, false], paths.Select(p => list.Matches(p)));
        Assert.False(PathPatterns.None.Matches("/"));
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (string path in paths)
            list.Matches(path);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
