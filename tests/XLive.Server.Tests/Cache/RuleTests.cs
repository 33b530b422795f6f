using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Settings;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Settings;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Cache;

/// <summary>cache.rules: the site's own word, above the origin's.</summary>
public sealed class RuleTests
{
    [Theory]
    [InlineData("[{match: 'films'}]", "cache.rules[0].match")]
    [InlineData("[{match: '/a'}, {match: '/**', ttl: -1s}]", "cache.rules[1].ttl")]
    [InlineData("[{match: '/**', stale: -1s}]", "cache.rules[0].stale")]
    [InlineData("[{match: '/**', store: disk}]", "cache.rules[0].store")]
    [InlineData("[{ttl: 1s}]", "cache.rules[0]")]
    public void What_is_wrong_is_named(string rules, string key)
    {
        using var folder = new SettingsFolder();
        var refused = Assert.Throws<SettingsException>(() => ServerSettings.Load(folder.Input("--cache.rules=" + rules)));
        Assert.Contains(refused.Faults, f => f.ToString()!.Contains(key, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_rule_that_comes_while_the_server_runs_counts_from_then_on()
    {
        using var folder = new SettingsFolder();
        var file = folder.Write("conf.yaml", "cache:\n  rules: []\n");
        await using var origin = await ScriptedOrigin.StartAsync(static c => ScriptedOrigin.File(c, "x"u8.ToArray(), "\"1\"", "no-store"));
        await using var server = await origin.FrontAsync("--config=" + file);
        server.Fetch("/a.ts");
        server.Fetch("/a.ts");
        Assert.Equal(2, origin.Requests.Count);
        folder.Write("conf.yaml", "cache:\n  rules: [{match: '/**', ttl: 1000s}]\n");
        Assert.Empty(server.Get<ServerSettings>().Reload());
        server.Fetch("/b.ts");
        server.Fetch("/b.ts");
        Assert.Equal(3, origin.Requests.Count);
    }

    [Fact]
    public async Task The_first_that_matches_counts()
    {
        var clock = new HandClock();
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, "x"u8.ToArray(), "\"1\"",
            c.Request.Path.StartsWithSegments("/said") ? "max-age=100" : c.Request.Path.StartsWithSegments("/none") ? "max-age=100" : "no-store"));
        await using var server = await origin.FrontAsync(clock, "--access.max_lifetime=0",
            "--cache.rules=[{match: '/none/**', store: none}, {match: '/**/*.jpg', ttl: 10s}, {match: '/said/**'}, {match: '/**', ttl: 1000s}]");
        // What may not be kept is kept nevertheless where the site says how long, and what may be is not where it says no.
        Assert.Equal((1, 2), await Asked("/a.jpg", TimeSpan.FromSeconds(9), TimeSpan.FromSeconds(2)));
        Assert.Equal((1, 2), await Asked("/said/a.ts", TimeSpan.FromSeconds(99), TimeSpan.FromSeconds(2)));
        Assert.Equal((1, 2), await Asked("/a.ts", TimeSpan.FromSeconds(999), TimeSpan.FromSeconds(2)));
        Assert.Equal((2, 3), await Asked("/none/a.ts", TimeSpan.Zero, TimeSpan.Zero));
        Assert.Equal((2, 3), await Asked("/none/a.bin", TimeSpan.Zero, TimeSpan.Zero));

        async Task<(int, int)> Asked(string path, TimeSpan first, TimeSpan then)
        {
            await Task.Yield();
            server.Fetch(path);
            clock.Pass(first);
            server.Fetch(path);
            var fresh = origin.Requests.Count(r => r.Target == path);
            clock.Pass(then);
            server.Fetch(path);
            return (fresh, origin.Requests.Count(r => r.Target == path));
        }
    }
}
