using XLive.Server.Door;

namespace XLive.Server.Tests.Door;

/// <summary>The one parsed path: what it reads as, or that it is refused. Nothing is mended.</summary>
public sealed class RequestTargetTests
{
    [Theory]
    [InlineData("/", "/")]
    [InlineData("/a", "/a")]
    [InlineData("/a/", "/a/")]
    [InlineData("/a/b.ts", "/a/b.ts")]
    [InlineData("/a%20b", "/a b")]
    [InlineData("/%41%62", "/Ab")]
    [InlineData("/a%2Db%2d", "/a-b-")]
    [InlineData("/%7Ea", "/~a/")] // decoded before grants are looked for: refused below, see the list
    [InlineData("/100%25", "/100%")]
    [InlineData("/100%25.ts", "/100%.ts")]
    [InlineData("/%25zz", "/%zz")]
    [InlineData("/%2541", "/%41")] // a second decoder would read a letter, which changes nothing
    [InlineData("/a%23b", "/a#b")]
    [InlineData("/a%3Fb", "/a?b")]
    [InlineData("/a+b", "/a+b")]
    [InlineData("/a;b=1/c,d", "/a;b=1/c,d")]
    [InlineData("/a:b@c!$&'()*", "/a:b@c!$&'()*")]
    [InlineData("/...", "/...")]
    [InlineData("/..a/.b/c..", "/..a/.b/c..")]
    [InlineData("/a..b", "/a..b")]
    [InlineData("/..;", "/..;")]
    [InlineData("/caf%C3%A9", "/caf\u00e9")]
    [InlineData("/cafe%CC%81", "/cafe\u0301")]
    [InlineData("/%E6%97%A5", "/\u65e5")]
    [InlineData("/%F0%9F%98%80", "/\U0001F600")]
    [InlineData("/%EF%BC%8E%EF%BC%8E/a", "/\uff0e\uff0e/a")] // full-width dots are letters to a file system
    [InlineData("/%E2%88%95", "/\u2215")]
    [InlineData("/%C2%A0", "/\u00a0")]
    [InlineData("/a\"b", "/a\"b")]
    [InlineData("/a{b}|c^`", "/a{b}|c^`")]
    [InlineData("/a?b/../c", "/a")]
    [InlineData("/a?", "/a")]
    [InlineData("/a??b", "/a")]
    [InlineData("/a?x=%00", "/a")]
    public void A_path_reads_as_it_is_meant(string target, string path)
    {
        if (target == "/%7Ea")
        {
            Assert.False(RequestTarget.TryParse(target, out _, out _));
            return;
        }
        Assert.True(RequestTarget.TryParse(target, out var parsed, out var fault), fault);
        Assert.Equal(path, parsed.Path.ToString());
        Assert.True(parsed.Grant.IsEmpty);
        Assert.Equal(target.Contains('?') ? target[(target.IndexOf('?') + 1)..] : "", parsed.Query.ToString());
        Assert.Equal(target, parsed.Raw);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("*")]
    [InlineData("?")]
    [InlineData("http://host/a")]
    [InlineData("https://host/a")]
    [InlineData("host:80")]
    [InlineData("../a")]
    [InlineData("/.")]
    [InlineData("/..")]
    [InlineData("/./a")]
    [InlineData("/../a")]
    [InlineData("/a/.")]
    [InlineData("/a/..")]
    [InlineData("/a/./b")]
    [InlineData("/a/../b")]
    [InlineData("/%2e")]
    [InlineData("/%2E%2e/a")]
    [InlineData("/.%2e/a")]
    [InlineData("/%2e./a")]
    [InlineData("/a/%2e%2e?x")]
    [InlineData("/..?x")]
    [InlineData("/%252e%252e/a")]
    [InlineData("/%252E")]
    [InlineData("/%25%32%65")]
    [InlineData("/%%32%65")]
    [InlineData("/%%35%63")]
    [InlineData("/a%252fb")]
    [InlineData("/a%255cb")]
    [InlineData("/a%25252e")]
    [InlineData("/a%2500")]
    [InlineData("//")]
    [InlineData("//a")]
    [InlineData("//host/a")]
    [InlineData("/a//b")]
    [InlineData("/a//")]
    [InlineData("/a%2fb")]
    [InlineData("/a%2Fb")]
    [InlineData("/%2f")]
    [InlineData("/..%2fa")]
    [InlineData("/a\\b")]
    [InlineData("/..\\a")]
    [InlineData("/a%5cb")]
    [InlineData("/%5C")]
    [InlineData("/a%00")]
    [InlineData("/a%00.ts")]
    [InlineData("/a\0")]
    [InlineData("/a%0a")]
    [InlineData("/a%0d%0ab")]
    [InlineData("/a%1f")]
    [InlineData("/a%7f")]
    [InlineData("/a\u007f")]
    [InlineData("/a%C2%85")] // NEL, a control character of two bytes
    [InlineData("/a%C2%9F")]
    [InlineData("/a%")]
    [InlineData("/a%4")]
    [InlineData("/a%zz")]
    [InlineData("/a%4g")]
    [InlineData("/%u002e%u002e/a")]
    [InlineData("/a%+1")]
    [InlineData("/%c0%ae%c0%ae/a")] // overlong .
    [InlineData("/%c0%af")] // overlong /
    [InlineData("/%e0%80%ae")]
    [InlineData("/%f0%80%80%ae")]
    [InlineData("/%c0%80")]
    [InlineData("/%c1%9c")] // overlong backslash
    [InlineData("/%fc%80%80%80%80%ae")]
    [InlineData("/%ff")]
    [InlineData("/%fe%ff")]
    [InlineData("/%80")]
    [InlineData("/a%C3")] // cut short
    [InlineData("/a%C3b")]
    [InlineData("/%ED%A0%80")] // a surrogate
    [InlineData("/%F4%90%80%80")] // beyond Unicode
    [InlineData("/caf\u00e9")]
    [InlineData("/\uff0e\uff0e/a")]
    [InlineData("/a b")]
    [InlineData("/a\tb")]
    [InlineData("/a#b")]
    [InlineData("/#")]
    [InlineData("/~")]
    [InlineData("/~a")]
    [InlineData("/~v1.x")]
    [InlineData("/~v1.x/../a")]
    [InlineData("/~v1.x//a")]
    [InlineData("/~../../a")]
    public void What_two_programs_could_read_differently_is_refused(string target)
    {
        Assert.False(RequestTarget.TryParse(target, out var parsed, out var fault), "read as " + parsed.Path.ToString());
        Assert.NotEmpty(fault);
        // The reason repeats nothing that was sent, since a grant may stand in it.
        Assert.All(target.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(s => s.Length > 3), s => Assert.DoesNotContain(s, fault));
    }

    [Theory]
    [InlineData("/~s1.a.b/films/a.ts", "~s1.a.b", "/films/a.ts")]
    [InlineData("/~v1.a/x%20y", "~v1.a", "/x y")]
    [InlineData("/%7Ev1.a/x", "~v1.a", "/x")]
    [InlineData("/~x/", "~x", "/")]
    [InlineData("/~x/~y/z", "~x", "/~y/z")] // one grant; what follows is a name
    [InlineData("/~x/a?q", "~x", "/a")]
    public void A_grant_in_the_path_is_taken_off(string target, string grant, string path)
    {
        Assert.True(RequestTarget.TryParse(target, out var parsed, out var fault), fault);
        Assert.Equal((grant, path), (parsed.Grant.ToString(), parsed.Path.ToString()));
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(1024)]
    [InlineData(1025)]
    [InlineData(8000)]
    [InlineData(100_000)]
    public void Long_paths_are_read_like_short_ones(int length)
    {
        var plain = "/" + new string('a', length);
        Assert.True(RequestTarget.TryParse(plain, out var parsed, out _));
        Assert.Equal(plain, parsed.Path.ToString());
        Assert.True(RequestTarget.TryParse(plain + "%20", out parsed, out _));
        Assert.Equal(plain + " ", parsed.Path.ToString());
        Assert.False(RequestTarget.TryParse(plain + "/%2e%2e/x", out _, out _));
        var deep = string.Concat(Enumerable.Repeat("/d", length / 2));
        Assert.True(RequestTarget.TryParse(deep, out parsed, out _));
        Assert.False(RequestTarget.TryParse(deep + "/../x", out _, out _));
    }

    [Fact]
    public void Whatever_is_accepted_is_in_normal_form()
    {
        string[] pieces = ["/", ".", "..", "%2e", "%2f", "%5c", "\\", "%", "25", "%25", "2e", "a", "%c0", "%ae", "%C3%A9", "%00", ";", "?", "#", "~", " ", "\u00e9"];
        var random = new Random(7);
        var accepted = 0;
        for (var i = 0; i < 200_000; i++)
        {
            var target = "/" + string.Concat(Enumerable.Range(0, random.Next(1, 9)).Select(_ => pieces[random.Next(pieces.Length)]));
            if (!RequestTarget.TryParse(target, out var parsed, out _))
                continue;
            accepted++;
            var path = parsed.Path.ToString();
            var segments = path.Split('/');
            Assert.Equal("", segments[0]);
            for (var s = 1; s < segments.Length; s++)
                Assert.True(segments[s] is not ("." or "..") && (segments[s].Length > 0 || s == segments.Length - 1), $"{target} became {path}");
            Assert.False(path.Contains('\\') || path.Any(char.IsControl), $"{target} became {path}");
            // Escaped again it is the same path: no two readings.
            var escaped = string.Join('/', segments.Select(Uri.EscapeDataString));
            var prefix = parsed.Grant.IsEmpty ? "" : "/" + Uri.EscapeDataString(parsed.Grant.ToString());
            Assert.True(RequestTarget.TryParse(prefix + escaped, out var again, out var fault), $"{target} became {path}: {fault}");
            Assert.Equal(path, again.Path.ToString());
        }
        Assert.True(accepted > 10_000, $"{accepted} accepted");
    }
}
