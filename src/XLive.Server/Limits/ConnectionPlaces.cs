namespace XLive.Server.Limits;

/// <summary>What one connection holds of limits.connections, until it ends.</summary>
public sealed class ConnectionPlaces(ConnectionLimits limits) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<(ConnectionLimit Limit, LimitKey Key)> _held = [];
    private bool _ended;

    /// <summary>Null: it may have one for each entry of that kind, or has it already.</summary>
    public TooMany? Take(LimitBy by, in LimitKey key)
    {
        // The requests of HTTP/2 come side by side.
        lock (_gate)
        {
            foreach (var limit in limits.Entries)
            {
                if (limit.By == by && !_ended && Take(limit, key) is { } tooMany)
                    return tooMany;
            }
            return null;
        }
    }

    private TooMany? Take(ConnectionLimit limit, in LimitKey key)
    {
        var at = IndexOf(limit);
        if (at >= 0 && _held[at].Key == key)
            return null;
        // One that goes on to another stream is no new connection, and is of that stream from here on.
        if ((limit.IsOfOpen ? limits.TryOpen(limit, key) : at < 0 ? limits.TryBegin(limit, key) : null) is { } tooMany)
            return tooMany;
        if (at >= 0)
        {
            limits.Close(_held[at].Limit, _held[at].Key);
            _held.RemoveAt(at);
        }
        _held.Add((limit, key));
        return null;
    }

    private int IndexOf(ConnectionLimit limit)
    {
        for (var i = 0; i < _held.Count; i++)
        {
            if (_held[i].Limit == limit)
                return i;
        }
        return -1;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
            foreach (var (limit, key) in _held)
                limits.Close(limit, key);
            _held.Clear();
        }
    }
}
