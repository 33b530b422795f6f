using XLive.Server.Telemetry;

namespace XLive.Server.Tests.Telemetry;

/// <summary>How long answers took: one count, of which percentiles and the histogram are made.</summary>
public sealed class RequestStatsTests
{
    private readonly RequestStats _stats = new(TimeProvider.System);

    [Fact]
    public void Classes_end_at_their_bounds()
    {
        var bounds = RequestStats.Bounds;
        Assert.Equal((0.000256, 16.777216), (bounds[0], bounds[^1]));
        for (var i = 0; i < bounds.Count; i++)
        {
            var edge = (long)Math.Round(bounds[i] * 1e6);
            _stats.Count(200, edge - 1, "", RequestKind.Media);
            _stats.Count(200, edge, "", RequestKind.Api);
        }
        _stats.Count(200, 0, "", RequestKind.Other);
        _stats.Count(200, -5, "", RequestKind.Other);
        _stats.Count(200, long.MaxValue / 2, "", RequestKind.Other);
        Assert.Equal([.. Enumerable.Repeat(1L, bounds.Count), 0], _stats.Latency(RequestKind.Media).Classes);
        Assert.Equal([0, .. Enumerable.Repeat(1L, bounds.Count)], _stats.Latency(RequestKind.Api).Classes);
        var (odd, _) = _stats.Latency(RequestKind.Other);
        Assert.Equal((2, 1, 3), (odd[0], odd[^1], odd.Sum()));
        Assert.Equal(0, _stats.Latency(RequestKind.Playlist).Classes.Sum());
    }

    [Fact]
    public void Sums_are_exact_whoever_counts()
    {
        const int Each = 100_000, Threads = 4;
        Parallel.For(0, Threads, new ParallelOptions { MaxDegreeOfParallelism = Threads }, t =>
        {
            for (var i = 0; i < Each; i++)
                _stats.Count(t == 0 ? 404 : 200, 1000, "", (RequestKind)(i % 2));
        });
        Assert.Equal((Threads * Each, (Threads - 1) * Each, Each), (_stats.Total, _stats.Of(2), _stats.Of(4)));
        foreach (var kind in (RequestKind[])[RequestKind.Media, RequestKind.Playlist])
        {
            var (classes, seconds) = _stats.Latency(kind);
            Assert.Equal(Threads * Each / 2, classes.Sum());
            Assert.Equal(Threads * Each / 2 / 1000.0, seconds, 6);
        }
    }

    [Fact]
    public void Percentiles_are_of_the_same_counts_without_those_who_watch_for_hours()
    {
        for (var i = 1; i <= 100; i++)
            _stats.Count(200, i * 1000, "", RequestKind.Media);
        for (var i = 0; i < 900; i++)
            _stats.Count(200, 3_600_000_000, "", RequestKind.Stream);
        Assert.InRange(_stats.Percentile(0.50), 45, 60);
        Assert.InRange(_stats.Percentile(0.99), 90, 125);
        Assert.Equal(900, _stats.Latency(RequestKind.Stream).Classes[^1]);
    }

    [Fact]
    public void Errors_have_the_word_of_their_reason_or_of_their_status()
    {
        _stats.Count(503, 1, "overloaded", RequestKind.Media);
        _stats.Count(503, 1, "", RequestKind.Media);
        _stats.Count(502, 1, "", RequestKind.Media);
        _stats.Count(502, 1, "", RequestKind.Media);
        _stats.Count(507, 1, "", RequestKind.Api);
        _stats.Count(499, 1, "", RequestKind.Media);
        _stats.Count(403, 1, "no_grant", RequestKind.Media);
        Assert.Equal(["bad_gateway 2", "other 1", "overloaded 1", "unavailable 1"], _stats.Errors.Select(static e => $"{e.Key} {e.Value}").Order(StringComparer.Ordinal));
        Assert.Equal(["no_grant", "overloaded"], _stats.Refused.Keys.Order(StringComparer.Ordinal));
    }
}
