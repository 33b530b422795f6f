using System.Text;
using BenchmarkDotNet.Attributes;
using XLive.Media.Hls;

namespace XLive.Benchmarks;

/// <summary>The answer to a link whose playlist has 1,200 lines: every child below the viewer's own session path.</summary>
public class PlaylistBenchmarks
{
    private PlaylistTemplate _template = null!;
    private byte[] _into = [];
    private byte[] _plain = [];
    private readonly byte[] _prefix = Encoding.ASCII.GetBytes(
        "/~s1.AAECAwQFBgcICQoLDGh0dHBzAAZ1c2VyLTEvdmlkZW8vMjAyNC0wMS0wMS9tb3ZpZTEv.AAAAAAAAAAAAAAAAAAAAAA");

    [GlobalSetup]
    public void SetUp()
    {
        var text = new StringBuilder("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n#EXT-X-PLAYLIST-TYPE:VOD\n");
        for (var i = 0; i < 598; i++)
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"#EXTINF:6.000,\nsegment-{i:00000}.ts\n");
        _template = PlaylistTemplate.Parse(Encoding.ASCII.GetBytes(text.ToString()), "/video/2024-01-01/movie1/playlist.m3u8", []);
        _into = new byte[_template.EntryLength(_prefix.Length)];
        _plain = new byte[_into.Length];
        _template.WriteEntry(_plain, _prefix);
    }

    [Benchmark(Description = "entry playlist of 1,200 lines written")]
    public void WriteEntry() => _template.WriteEntry(_into, _prefix);

    [Benchmark(Baseline = true, Description = "as many bytes copied")]
    public void Copy() => _plain.CopyTo(_into, 0);
}
