using System.Collections.Concurrent;

namespace XLive.Server.Sessions;

/// <summary>
/// What was used lately, by text, looked up without an allocation. Bounded by two generations: when the young one is full it becomes
/// the old one, and what nobody asks for again goes with the one before. An entry in use is never lost, a flood costs two generations.
/// </summary>
public sealed class RecentTable<T>(int generation) where T : class
{
    private readonly Lock _gate = new();
    private ConcurrentDictionary<string, T> _young = new(StringComparer.Ordinal);
    private ConcurrentDictionary<string, T> _old = new(StringComparer.Ordinal);
    private int _count;

    public int Count => _young.Count + _old.Count;

    public int Capacity => 2 * generation;

    public T? Find(ReadOnlySpan<char> key)
    {
        if (_young.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(key, out var value))
            return value;
        if (!_old.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(key, out value))
            return null;
        Put(key.ToString(), value);
        return value;
    }

    public void Put(string key, T value)
    {
        if (Interlocked.Increment(ref _count) > generation)
        {
            lock (_gate)
            {
                if (_count > generation)
                {
                    _old = _young;
                    _young = new ConcurrentDictionary<string, T>(StringComparer.Ordinal);
                    _count = 1;
                }
            }
        }
        _young[key] = value;
    }

    /// <summary>All that is there, in no order; what comes meanwhile may be missed.</summary>
    public void Visit(Action<string, T> visit)
    {
        foreach (var (key, value) in _young)
            visit(key, value);
        foreach (var (key, value) in _old)
            visit(key, value);
    }

    public void Clear()
    {
        lock (_gate)
        {
            _old = new ConcurrentDictionary<string, T>(StringComparer.Ordinal);
            _young = new ConcurrentDictionary<string, T>(StringComparer.Ordinal);
            _count = 0;
        }
    }
}
