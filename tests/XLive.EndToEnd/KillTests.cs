using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>The ledger over kill -9; `./bench kill9` does the same fifty times, and with more viewers.</summary>
public sealed class KillTests
{
    [Fact]
    public async Task What_the_receiver_has_and_what_waits_is_what_the_viewers_got()
    {
        var script = Path.Combine(Repository.Root, "benchmarks", "kill9", "run");
        var ran = await Tool.Run("python3", [script, "--kills", "2", "--viewers", "4", "--server", Repository.Server], TimeSpan.FromSeconds(60));
        Assert.True(ran.ExitCode == 0, ran.ToString());
        Assert.Contains("difference of finished responses: 0 bytes", ran.ToString());
    }
}
