using XLive.Server.Access;

namespace XLive.Server.Tests.Access;

public class RefererRuleTests
{
    [Theory]
    [InlineData("example.com", "https://example.com/", true)]
    [InlineData("example.com", "http://example.com", true)]
    [InlineData("example.com", "HTTPS://EXAMPLE.COM/x", true)]
    [InlineData("Example.COM", "https://example.com/x", true)]
    [InlineData("example.com", "https://example.com./x", true)]
    [InlineData("example.com", "https://example.com:8443/x", true)]
    [InlineData("example.com", "https://example.com?q", true)]
    [InlineData("example.com", "https://example.com#f", true)]
    [InlineData("example.com", "https://www.example.com/", false)]
    [InlineData("example.com", "https://example.com.evil.com/", false)]
    [InlineData("example.com", "https://evil-example.com/", false)]
    [InlineData("example.com", "https://evil.com/example.com", false)]
    [InlineData("example.com", "https://evil.com/?https://example.com/", false)]
    [InlineData("example.com", "https://evil.com#example.com", false)]
    [InlineData("example.com", "https://example.com@evil.com/", false)]
    [InlineData("example.com", "https://evil.com@example.com/", false)]
    [InlineData("example.com", "https://example.com:443@evil.com/", false)]
    [InlineData("example.com", @"https://evil.com\@example.com/", false)]
    [InlineData("example.com", @"https://example.com\.evil.com/", false)]
    [InlineData("example.com", @"https:\\example.com/", false)]
    [InlineData("example.com", "https:///example.com/", false)]
    [InlineData("example.com", "https:example.com/", false)]
    [InlineData("example.com", "//example.com/", false)]
    [InlineData("example.com", "example.com", false)]
    [InlineData("example.com", "ftp://example.com/", false)]
    [InlineData("example.com", "javascript://example.com/", false)]
    [InlineData("example.com", " https://example.com/", false)]
    [InlineData("example.com", "https:// example.com/", false)]
    [InlineData("example.com", "https://example%2ecom/", false)]
    [InlineData("example.com", "https://example.com%00.evil.com/", false)]
    [InlineData("example.com", "https://example.com\t/", false)]
    [InlineData("example.com", "https://example.com../", false)]
    [InlineData("example.com", "https://.example.com/", false)]
    [InlineData("example.com", "https://example.com:/", false)]
    [InlineData("example.com", "https://example.com:x/", false)]
    [InlineData("example.com", "https://example.com:99999/", false)]
    [InlineData("example.com", "https://example.com:80:80/", false)]
    [InlineData("example.com", "https://еxample.com/", false)]
    [InlineData("example.com", "https://", false)]
    [InlineData("example.com", "-", false)]
    [InlineData("example.com", "", false)]
    [InlineData("example.com:8443", "https://example.com:8443/", true)]
    [InlineData("example.com:8443", "https://example.com/", false)]
    [InlineData("example.com:443", "https://example.com/", true)]
    [InlineData("example.com:443", "http://example.com/", false)]
    [InlineData("*.example.com", "https://www.example.com/", true)]
    [InlineData("*.example.com", "https://a.b.Example.com/", true)]
    [InlineData("*.example.com", "https://example.com/", false)]
    [InlineData("*.example.com", "https://badexample.com/", false)]
    [InlineData("*.example.com", "https://-a.b-.example.com/", true)]
    [InlineData(".example.com", "https://example.com.-", false)]
    [InlineData(".-", "https://example.com.-", true)]
    [InlineData(".example.com", "https://example.com/", true)]
    [InlineData(".example.com", "https://www.example.com/", true)]
    [InlineData(".example.com", "https://badexample.com/", false)]
    [InlineData("https://example.com", "https://example.com/", true)]
    [InlineData("https://example.com", "http://example.com/", false)]
    [InlineData("http://*.example.com", "http://a.example.com/", true)]
    [InlineData("example.com/videos/**", "https://example.com/videos/a/b?c", true)]
    [InlineData("example.com/videos/**", "https://example.com/", false)]
    [InlineData("example.com/videos/**", "https://example.com/x#/videos/", false)]
    [InlineData("example.com/videos/**", "https://example.com/x?/videos/", false)]
    [InlineData("https://*.example.com:8443/v/*", "https://a.example.com:8443/v/x", true)]
    [InlineData("https://*.example.com:8443/v/*", "https://a.example.com:8443/v/x/y", false)]
    [InlineData("[::1]", "http://[::1]:8080/x", true)]
    [InlineData("[::1]", "http://[::1/x", false)]
    [InlineData("127.0.0.1", "http://127.0.0.1:8080/x", true)]
    [InlineData("none", "", true)]
    [InlineData("none", "https://example.com/", false)]
    public void Referer(string entry, string referer, bool allowed) => Assert.Equal(allowed, new RefererRule([entry]).Allows(referer));

    [Fact]
    public void Empty_list_is_everybody()
    {
        Assert.True(RefererRule.Everybody.Allows(default));
        Assert.True(RefererRule.Everybody.Allows("anything at all"));
    }

    [Fact]
    public void Any_entry_is_enough()
    {
        var rule = new RefererRule(["none", "a.com", "*.b.com"]);
        Assert.True(rule.Allows(null));
        Assert.True(rule.Allows("https://a.com/"));
        Assert.True(rule.Allows("https://x.b.com/"));
        Assert.False(rule.Allows("https://c.com/"));
        string[] asked = ["https://a.com/", "https://x.b.com/y", "https://c.com/z", ""];
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (string referer in asked)
            rule.Allows(referer);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData("")]
    [InlineData("*")]
    [InlineData("*.")]
    [InlineData("*example.com")]
    [InlineData("a.*.com")]
    [InlineData("user@example.com")]
    [InlineData("ftp://example.com")]
    [InlineData("example.com:0")]
    [InlineData("example.com:port")]
    [InlineData("exämple.com")]
    [InlineData("example.com /x")]
    [InlineData("example.com/a***")]
    [InlineData("/videos/**")]
    public void Fault_names_the_entry(string entry) =>
        Assert.Contains($"'{entry}'", Assert.Throws<FormatException>(() => new RefererRule([entry])).Message);
}
