namespace XLive.Server.Limits;

/// <summary>The limits that count attempts, by name: for whoever shares them with other nodes, shows them or clears them.</summary>
public sealed class RateLimiters(TimeProvider clock)
{
    private readonly Lock _gate = new();
    private volatile (string Name, RateLimiter Limiter)[] _all = [];

    public IReadOnlyList<(string Name, RateLimiter Limiter)> All => _all;

    public RateLimiter Make(string name, Func<IReadOnlyList<RateLimit>> limits)
    {
        var made = new RateLimiter(clock, limits);
        lock (_gate)
            _all = [.. _all, (name, made)];
        return made;
    }
}
