using System.Net;
using System.Runtime.InteropServices;
using XLive.Server.Settings;

namespace XLive.Server.Limits;

/// <summary>limits.connections: of media alone, so that who watches over the server comes in when all places are taken.</summary>
public sealed class ConnectionLimits
{
    // When a place will be free nobody knows; a player that asks every five seconds finds it soon enough and costs nothing.
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(5);

    private readonly ServerSettings _settings;
    private readonly Lock _gate = new();
    private readonly Dictionary<(ConnectionLimit Limit, LimitKey Key), int> _open = [];
    private (List<ConnectionLimit> Of, List<RateLimit> Rates) _rates = ([], []);
    private long _refused;

    public ConnectionLimits(ServerSettings settings, RateLimiters limiters)
    {
        _settings = settings;
        Limiter = limiters.Make("connections", () => Rates);
    }

    /// <summary>New ones in a window.</summary>
    public RateLimiter Limiter { get; }

    public long Refused => Volatile.Read(ref _refused);

    public bool IsOn => Entries.Count > 0;

    /// <summary>Each is held by a connection, so there are no more than those have entries.</summary>
    public int Keys
    {
        get
        {
            lock (_gate)
                return _open.Count;
        }
    }

    internal List<ConnectionLimit> Entries => _settings.Of<LimitOptions>().Connections;

    private List<RateLimit> Rates
    {
        get
        {
            var entries = Entries;
            var (of, rates) = _rates;
            if (!ReferenceEquals(of, entries))
                _rates = (entries, rates = [.. entries.Where(static e => !e.IsOfOpen).Select(static e => e.AsRate)]);
            return rates;
        }
    }

    /// <param name="isShared">A proxy's: what it brings is of many addresses.</param>
    public TooMany? Take(ConnectionPlaces places, IPAddress? address, bool isShared) =>
        (isShared ? null : places.Take(LimitBy.Ip, LimitKey.Of(address))) ?? places.Take(LimitBy.All, LimitKey.Everybody);

    public TooMany? Take(ConnectionPlaces places, string uid, ReadOnlySpan<char> path)
    {
        if (uid.Length > 0 && places.Take(LimitBy.Uid, LimitKey.Of(uid)) is { } tooMany)
            return tooMany;
        return Counts(LimitBy.Stream) ? places.Take(LimitBy.Stream, LimitKey.Of(StreamPath.Of(path).ToString())) : null;
    }

    private bool Counts(LimitBy by)
    {
        foreach (var entry in Entries)
        {
            if (entry.By == by)
                return true;
        }
        return false;
    }

    internal TooMany? TryOpen(ConnectionLimit limit, in LimitKey key)
    {
        lock (_gate)
        {
            ref var open = ref CollectionsMarshal.GetValueRefOrAddDefault(_open, (limit, key), out _);
            if (open < limit.Count)
            {
                open++;
                return null;
            }
        }
        Interlocked.Increment(ref _refused);
        return new(limit.AsRate, AskAgain, TooManyOf.OpenConnections);
    }

    internal TooMany? TryBegin(ConnectionLimit limit, in LimitKey key)
    {
        if (Limiter.TakeOf(limit.AsRate, key) is not { } tooMany)
            return null;
        Interlocked.Increment(ref _refused);
        return tooMany with { Of = TooManyOf.Connections };
    }

    internal void Close(ConnectionLimit limit, in LimitKey key)
    {
        if (!limit.IsOfOpen)
            return;
        lock (_gate)
        {
            if (_open.TryGetValue((limit, key), out var open) && open > 1)
                _open[(limit, key)] = open - 1;
            else
                _open.Remove((limit, key));
        }
    }
}
