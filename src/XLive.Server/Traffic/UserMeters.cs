using System.Collections.Concurrent;

namespace XLive.Server.Traffic;

/// <summary>A meter for each user, and one for bytes that no user is charged for.</summary>
public sealed class UserMeters
{
    // A uid comes with a right signature, or, with access.enable off, from anybody: then this is the bound on a stranger's word.
    private const int MaxUsers = 1_000_000;

    private readonly ConcurrentDictionary<string, Meter> _users = new(StringComparer.Ordinal);

    public int Count => _users.Count;

    public Meter Nobody { get; } = new();

    /// <summary>Users beyond the bound, counted together.</summary>
    public Meter Overflow { get; } = new();

    public Meter Of(string uid)
    {
        if (_users.TryGetValue(uid, out var meter))
            return meter;
        return _users.Count >= MaxUsers ? Overflow : _users.GetOrAdd(uid, static _ => new Meter());
    }

    public (long Bytes, long Requests) Total()
    {
        var bytes = Nobody.Bytes + Overflow.Bytes;
        var requests = Nobody.Requests + Overflow.Requests;
        foreach (var (_, meter) in _users)
        {
            bytes += meter.Bytes;
            requests += meter.Requests;
        }
        return (bytes, requests);
    }
}
