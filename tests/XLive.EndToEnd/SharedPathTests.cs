using System.Diagnostics;
using System.Text.RegularExpressions;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>Downloads that crowd a narrow link share a rate that TCP keeps to; one that is alone on it, however much it loses, has none.</summary>
public sealed partial class SharedPathTests
{
    [GeneratedRegex(@"pacing_rate \d+\S*/(?!184467)\d+", RegexOptions.CultureInvariant)]
    private static partial Regex Paced();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Who is on this machine has cubic: SocketTuningTests.</summary>
    [Fact]
    public async Task Who_is_five_milliseconds_away_has_BBR()
    {
        using var films = new TempFolder();
        await File.WriteAllBytesAsync(films["film.ts"], new byte[16 << 20], Stop);
        await using var way = await LossyLink.Up("-x delay=5 -f rate=8m");
        await using var server = await ServerProcess.Start(films.Path, null, [], new(way.ServerSide));
        var url = $"http://{LossyLink.ServerAddress}:{server.Port}{ServerProcess.Sign("/film.ts", scope: "/film.ts").InQuery}";
        var download = Tool.Run("ip", ["netns", "exec", way.ViewerSide, "curl", "-s", "-m", "8", "-o", "/dev/null", url], TimeSpan.FromSeconds(15));
        var sockets = "";
        while (!download.IsCompleted && !sockets.Contains(" bbr ", StringComparison.Ordinal))
            sockets = (await Tool.Run("ip", ["netns", "exec", way.ServerSide, "ss", "-tinH", "state", "established", $"( sport = :{server.Port} )"], TimeSpan.FromSeconds(5))).MustSucceed().Output;
        Assert.Contains(" bbr ", sockets, StringComparison.Ordinal);
        await download;
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(24, true)]
    public async Task A_crowd_on_a_narrow_link_shares_a_rate(int viewers, bool shares)
    {
        using var films = new TempFolder();
        await File.WriteAllBytesAsync(films["film.ts"], new byte[16 << 20], Stop);
        await using var link = await LossyLink.Up("-x delay=25,queue=6k -f rate=1m,loss=3");
        await using var server = await ServerProcess.Start(films.Path, null, [], new(link.ServerSide));
        var url = $"http://{LossyLink.ServerAddress}:{server.Port}{ServerProcess.Sign("/film.ts", scope: "/film.ts").InQuery}";
        var downloads = Enumerable.Range(0, viewers).Select(_ => Tool.Run("ip", ["netns", "exec", link.ViewerSide, "curl", "-s", "-m", "17", "-o", "/dev/null", url],
            TimeSpan.FromSeconds(19))).ToArray();
        var clock = Stopwatch.StartNew();
        var seen = 0;
        while (clock.Elapsed < TimeSpan.FromSeconds(shares ? 16 : 11) && seen == 0)
        {
            await Task.Delay(500, Stop);
            var sockets = (await Tool.Run("ip", ["netns", "exec", link.ServerSide, "ss", "-tinH", "state", "established", $"( sport = :{server.Port} )"],
                TimeSpan.FromSeconds(5))).MustSucceed().Output;
            // What TCP sends at, and behind the slash the most that it may.
            seen = Paced().Count(sockets);
        }
        Assert.Equal(shares, seen > 0);
        await Task.WhenAll(downloads);
    }
}
