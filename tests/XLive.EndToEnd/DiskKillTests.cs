using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>Films on cache.disk over kill -9 and damaged files; `./bench diskkill` does the same forty times.</summary>
public sealed class DiskKillTests
{
    [Fact]
    public async Task What_comes_from_disk_is_what_the_origin_sent()
    {
        var script = Path.Combine(Repository.Root, "benchmarks", "diskkill", "run");
        var ran = await Tool.Run("python3", [script, "--kills", "3", "--viewers", "4", "--server", Repository.Server], TimeSpan.FromSeconds(60));
        Assert.True(ran.ExitCode == 0, ran.ToString());
    }
}
