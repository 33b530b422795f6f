using XLive.Media.Hls;
using static XLive.Media.Tests.Hls.PlaylistTemplateTests;

namespace XLive.Media.Tests.Hls;

public class PlaylistVariableTests
{
    [Theory]
    // relative: stays, the directory goes before it
    [InlineData("hi", "{$v}/s.ts", "{$v}/s.ts", "~P/video/2024-01-01/movie1/{$v}/s.ts")]
    [InlineData("hi", "a-{$v}.ts?x={$v}&{$w}", "a-{$v}.ts?x={$v}&{$w}", "~P/video/2024-01-01/movie1/a-{$v}.ts?x={$v}&{$w}")]
    [InlineData("..", "{$v}/s.ts", "{$v}/s.ts", "~P/video/2024-01-01/s.ts")]
    [InlineData("../../../..", "{$v}/s.ts?{$w}", "../../../s.ts?{$w}", "~P/s.ts?{$w}")]
    // path-absolute: the prefix alone, or in place
    [InlineData("/video/2024-01-01", "{$v}/movie1/s.ts", "s.ts", "~P{$v}/movie1/s.ts")]
    [InlineData("/video", "{$v}/x/{$w}.ts", "../../x/{$w}.ts", "~P{$v}/x/{$w}.ts")]
    // a host
    [InlineData("https://own.example/video", "{$v}/s.ts", "../../s.ts", "~P/video/s.ts")]
    [InlineData("own.example", "https://{$v}/s.ts", "../../../s.ts", "~P/s.ts")]
    [InlineData("own.example", "//{$v}:7889/s.ts", "../../../s.ts", "~P/s.ts")]
    [InlineData("https://cdn.example/video", "{$v}/s.ts", "{$v}/s.ts", "{$v}/s.ts")]
    [InlineData("own.example", "https://{$v}.evil/s.ts", "https://{$v}.evil/s.ts", "https://{$v}.evil/s.ts")]
    [InlineData("data", "{$v}:,x", "{$v}:,x", "{$v}:,x")]
    // unknown, or no variable at all
    [InlineData("/x", "{$w}/s.ts", "{$w}/s.ts", "~P/video/2024-01-01/movie1/{$w}/s.ts")]
    [InlineData("/x", "/{$w}/s.ts", "../../../{$w}/s.ts", "~P/{$w}/s.ts")]
    [InlineData("/x", "{$V}{v}{$v", "{$V}{v}{$v", "~P/video/2024-01-01/movie1/{$V}{v}{$v")]
    [InlineData("x", "{${$v}/s.ts", "{${$v}/s.ts", "~P/video/2024-01-01/movie1/{${$v}/s.ts")]
    [InlineData("{$u}", "{$v}/s.ts", "{$v}/s.ts", "~P/video/2024-01-01/movie1/{$v}/s.ts")]
    public void A_defined_value_decides_what_a_URI_is(string value, string reference, string shared, string entry)
    {
        foreach (string place in new[] { "{0}\n", "#EXT-X-KEY:METHOD=AES-128,URI=\"{0}\"\n" })
        {
            string head = "#EXTM3U\n#EXT-X-DEFINE:NAME=\"v\",VALUE=\"" + value + "\"\n#EXT-X-DEFINE:QUERYPARAM=\"w\"\n" + place;
            Check(head.Replace("{0}", reference), head.Replace("{0}", shared), head.Replace("{0}", entry));
        }
    }

    [Fact]
    public void A_variable_counts_from_its_definition_on()
    {
        const string text = "#EXTM3U\n{$v}s.ts\n#EXT-X-DEFINE:VALUE=\"/\",NAME=\"v\"\n#EXT-X-DEFINE:NAME=\"v\",VALUE=\"https://cdn/\"\n";
        Check(text + "{$v}s.ts", text + "../../../s.ts", text.Replace("{$v}s", "~P/video/2024-01-01/movie1/{$v}s") + "~P{$v}s.ts");
    }

    [Fact]
    public void A_definition_has_no_URI_of_its_own()
    {
        const string head = "#EXTM3U\n#EXT-X-DEFINE:NAME=\"v\",VALUE=\"/video\",URI=\"{$v}/k\",X-ASSET-LIST=\"/video/a\"\n";
        Check(head + "{$v}/s.ts", head + "../../s.ts", head + "~P{$v}/s.ts");
    }

    [Fact]
    public void A_value_may_use_an_earlier_one()
    {
        const string head = "#EXTM3U\n#EXT-X-DEFINE:NAME=\"h\",VALUE=\"own.example\"\n#EXT-X-DEFINE:NAME=\"b\",VALUE=\"https://{$h}/v\"\n";
        Check(head + "{$b}/s.ts", head + "../../../v/s.ts", head + "~P/v/s.ts");
    }

    [Fact]
    public void Imported_and_query_values_read_as_relative()
    {
        const string head = "#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"b\"\n#EXT-X-DEFINE:QUERYPARAM=\"q\"\n#EXT-X-DEFINE:NAME=\"n\"\n";
        Check(head + "{$b}/s.ts\n{$q}\n{$n}", head + "{$b}/s.ts\n{$q}\n{$n}",
            head + "~P/video/2024-01-01/movie1/{$b}/s.ts\n~P/video/2024-01-01/movie1/{$q}\n~P/video/2024-01-01/movie1/{$n}");
    }

    [Fact]
    public void Facts_see_the_expanded_URI_or_none()
    {
        var template = Parse(
            "#EXTM3U\n#EXT-X-DEFINE:NAME=\"v\",VALUE=\"/video/keys\"\n#EXT-X-DEFINE:QUERYPARAM=\"q\"\n"
            + "#EXT-X-KEY:METHOD=AES-128,URI=\"{$v}/1.key?t={$q}\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"/{$q}/2.key\"\n",
            "/video/movie/list.m3u8");
        Assert.Equal(["/video/keys/1.key"], template.KeyPaths);
        Assert.Equal("/video/", template.CommonScope);
    }
}
