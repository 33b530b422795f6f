using System.Collections.Concurrent;

namespace XLive.Server.Traffic;

/// <summary>An account for each user, and one for bytes that no user is charged for.</summary>
public sealed class UserMeters
{
    // A uid comes with a right signature, or, with access.enable off, from anybody: then this is the bound on a stranger's word.
    private const int MaxUsers = 1_000_000;

    private readonly ConcurrentDictionary<string, Account> _users = new(StringComparer.Ordinal);

    public UserMeters() => Nobody = new Meter(new Account(""));

    public int Count => _users.Count;

    /// <summary>Of all who play without a session.</summary>
    public Meter Nobody { get; }

    /// <summary>Users beyond the bound, counted together.</summary>
    public Account Overflow { get; } = new("");

    public Account Of(string uid)
    {
        if (uid.Length == 0)
            return Nobody.Account;
        if (_users.TryGetValue(uid, out var account))
            return account;
        return _users.Count >= MaxUsers ? Overflow : _users.GetOrAdd(uid, static uid => new Account(uid));
    }

    public (long Bytes, long Requests) Total()
    {
        var bytes = Nobody.Account.Bytes + Overflow.Bytes;
        var requests = Nobody.Account.Requests + Overflow.Requests;
        foreach (var (_, account) in _users)
        {
            bytes += account.Bytes;
            requests += account.Requests;
        }
        return (bytes, requests);
    }
}
