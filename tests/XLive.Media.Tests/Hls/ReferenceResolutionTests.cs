using XLive.Media.Hls;

namespace XLive.Media.Tests.Hls;

/// <summary>RFC 3986 5.4, with http://a/b/c/d;p?q as the playlist. {0} there is http://a; what leaves it stays as it is.</summary>
public class ReferenceResolutionTests
{
    [Theory]
    // 5.4.1, normal
    [InlineData("g:h", null)]
    [InlineData("g", "/b/c/g")]
    [InlineData("./g", "/b/c/g")]
    [InlineData("g/", "/b/c/g/")]
    [InlineData("/g", "/g")]
    [InlineData("//g", null)]
    [InlineData("?y", "/b/c/d;p?y")]
    [InlineData("g?y", "/b/c/g?y")]
    [InlineData("#s", "/b/c/d;p#s")]
    [InlineData("g#s", "/b/c/g#s")]
    [InlineData("g?y#s", "/b/c/g?y#s")]
    [InlineData(";x", "/b/c/;x")]
    [InlineData("g;x", "/b/c/g;x")]
    [InlineData("g;x?y#s", "/b/c/g;x?y#s")]
    [InlineData("", null)]
    [InlineData(".", "/b/c/")]
    [InlineData("./", "/b/c/")]
    [InlineData("..", "/b/")]
    [InlineData("../", "/b/")]
    [InlineData("../g", "/b/g")]
    [InlineData("../..", "/")]
    [InlineData("../../", "/")]
    [InlineData("../../g", "/g")]
    // 5.4.2, abnormal
    [InlineData("../../../g", "/g")]
    [InlineData("../../../../g", "/g")]
    [InlineData("/./g", "/g")]
    [InlineData("/../g", "/g")]
    [InlineData("g.", "/b/c/g.")]
    [InlineData(".g", "/b/c/.g")]
    [InlineData("g..", "/b/c/g..")]
    [InlineData("..g", "/b/c/..g")]
    [InlineData("./../g", "/b/g")]
    [InlineData("./g/.", "/b/c/g/")]
    [InlineData("g/./h", "/b/c/g/h")]
    [InlineData("g/../h", "/b/c/h")]
    [InlineData("g;x=1/./y", "/b/c/g;x=1/y")]
    [InlineData("g;x=1/../y", "/b/c/y")]
    [InlineData("g?y/./x", "/b/c/g?y/./x")]
    [InlineData("g?y/../x", "/b/c/g?y/../x")]
    [InlineData("g#s/./x", "/b/c/g#s/./x")]
    [InlineData("g#s/../x", "/b/c/g#s/../x")]
    [InlineData("http:g", null)]
    // 5.2.4's own example, and empty segments
    [InlineData("/a/b/c/./../../g", "/a/g")]
    [InlineData("mid/content=5/../6", "/b/c/mid/6")]
    [InlineData("x//../y", "/b/c/x/y")]
    [InlineData("x/..//y", "/b/c//y")]
    public void As_the_RFC_resolves_it(string reference, string? target)
    {
        string text = "#EXTM3U\n#EXT-X-MAP:URI=\"{0}\"\n";
        var template = PlaylistTemplate.Parse(
            System.Text.Encoding.ASCII.GetBytes(text.Replace("{0}", reference)), "/b/c/d;p", ["a"]);
        string entry = target is null ? reference : "~P" + target;
        Assert.Equal(text.Replace("{0}", entry), PlaylistTemplateTests.Entry(template));
        Assert.Equal(target is null ? [] : [target], PlaylistOracle.Targets(PlaylistTemplateTests.Latin(template.Shared.Span), "/b/c/d;p"));
    }
}
