using System.Text;
using XLive.Server.Access;

namespace XLive.Server.Tests.Access;

public class ScopeTests
{
    private static readonly LiveApps apps = new(["live", "wida"]);

    [Theory]
    [InlineData("/", "/a", true)]
    [InlineData("/", "/a/b", true)]
    [InlineData("/v/", "/v/a/b.ts", true)]
    [InlineData("/v/", "/v/", true)]
    [InlineData("/v/", "/v", false)]
    [InlineData("/v/", "/V/a", false)]
    [InlineData("/v/", "/va", false)]
    [InlineData("/v/m1*", "/v/m1", true)]
    [InlineData("/v/m1*", "/v/m10/a.ts", true)]
    [InlineData("/v/m1*", "/v/m2", false)]
    [InlineData("/v/*", "/v/", true)]
    [InlineData("/v/*", "/v", false)]
    [InlineData("/v*", "/v/a", true)]
    [InlineData("/v/a*b", "/v/a*b", true)]
    [InlineData("/v/a*b", "/v/axb", false)]
    [InlineData("/v/a.mp4", "/v/a.mp4", true)]
    [InlineData("/v/a.mp4", "/v/a.mp4/b", false)]
    [InlineData("/v/a.mp4", "/v/a.mp4.m3u8", false)]
    [InlineData("/v/a", "/v/a.m3u8", false)]
    [InlineData("/live/cam", "/live/cam", true)]
    [InlineData("/live/cam", "/live/cam.m3u8", true)]
    [InlineData("/live/cam", "/live/cam.flv", true)]
    [InlineData("/live/cam", "/live/cam/", true)]
    [InlineData("/live/cam", "/live/cam/1080/seg-1.m4s", true)]
    [InlineData("/live/cam", "/live/cam2.m3u8", false)]
    [InlineData("/live/cam", "/live/cam.m3u8x", false)]
    [InlineData("/live/cam", "/live/cam.mp4", false)]
    [InlineData("/live/cam", "/live/Cam.m3u8", false)]
    [InlineData("/live/cam", "/wida/cam.m3u8", false)]
    [InlineData("/live/cam/", "/live/cam.m3u8", false)]
    [InlineData("/live/cam/720", "/live/cam/720/x", false)]
    [InlineData("/live", "/live/cam.m3u8", false)]
    [InlineData("/live", "/live.m3u8", false)]
    [InlineData("/wida/Übertragung", "/wida/Übertragung.m3u8", true)]
    public void Covers(string scope, string path, bool covered) => Assert.Equal(covered, Scope.Covers(scope, path, apps));

    [Fact]
    public void Text_that_is_not_unicode_covers_nothing() => Assert.False(Scope.Covers("/v/\ud800", "/v/\ud800", apps));

    [Theory]
    [InlineData("/", true)]
    [InlineData("/*", true)]
    [InlineData("/a", true)]
    [InlineData("/a/", true)]
    [InlineData("/a/b*", true)]
    [InlineData("/...", true)]
    [InlineData("/.hidden", true)]
    [InlineData("/a b/ü", true)]
    [InlineData("", false)]
    [InlineData("a", false)]
    [InlineData("//", false)]
    [InlineData("/a//b", false)]
    [InlineData("/a//", false)]
    [InlineData("/.", false)]
    [InlineData("/..", false)]
    [InlineData("/./a", false)]
    [InlineData("/a/../b", false)]
    [InlineData("/a/..", false)]
    [InlineData("/a\n", false)]
    [InlineData("/a\u0080", false)]
    public void Well_formed(string scope, bool good) => Assert.Equal(good, Scope.IsWellFormed(Encoding.UTF8.GetBytes(scope)));

    [Theory]
    [InlineData("/a.mp4", "/")]
    [InlineData("/v/2024/m/p.m3u8", "/v/2024/m/")]
    [InlineData("/v/", "/v/")]
    [InlineData("/", "/")]
    public void Derived(string path, string scope) => Assert.Equal(scope, Scope.Derived(path).ToString());

    [Theory]
    [InlineData("/", true)]
    [InlineData("/live/", true)]
    [InlineData("/wida/", true)]
    [InlineData("/LIVE/", false)]
    [InlineData("/live/cam/", false)]
    [InlineData("/video/", false)]
    public void Too_wide_to_derive(string derived, bool tooWide) =>
        Assert.Equal(tooWide, Scope.IsTooWideToDerive(Encoding.UTF8.GetBytes(derived), apps));

    [Theory]
    [InlineData("/watch/live/cam", "/live/cam")]
    [InlineData("/watch/live/", "/watch/live/")]
    [InlineData("/watch/live/cam/x", "/watch/live/cam/x")]
    [InlineData("/watch/films/cam", "/watch/films/cam")]
    [InlineData("/watchlive/cam", "/watchlive/cam")]
    [InlineData("/watch", "/watch")]
    public void Narrowest_of_a_page_is_its_stream(string path, string scope) =>
        Assert.Equal(path.EndsWith('/') ? null : scope, Scope.Narrowest(path, apps));

    [Theory]
    [InlineData("/live/cam.m3u8", "/live/cam")]
    [InlineData("/live/cam.flv", "/live/cam")]
    [InlineData("/live/cam", "/live/cam")]
    [InlineData("/live/cam/720/1.m4s", "/live/cam")]
    [InlineData("/live/.m3u8", "/live/.m3u8")]
    [InlineData("/live/", null)]
    [InlineData("/video/m/p.m3u8", null)]
    [InlineData("/video/m/film.mp4", "/video/m/film.mp4")]
    [InlineData("/p.m3u8", "/p*")]
    [InlineData("/film.mp4", "/film.mp4")]
    [InlineData("/", "/")]
    [InlineData("/video/", null)]
    public void Narrowest(string path, string? scope)
    {
        Assert.Equal(scope, Scope.Narrowest(path, apps));
        if (scope is not null)
            Assert.True(Scope.Covers(scope, path, apps));
    }
}
