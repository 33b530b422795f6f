using System.Buffers.Binary;
using System.Net;
using XLive.Server.Limits;

namespace XLive.Server.Accounts;

/// <summary>
/// limits.logins: how many wrong sign-ins an address, and an account, may have in a window. An account that is under attack is not
/// locked: what is shut out is every address that has failed at it, so a thousand strangers get a guess a minute each, and the owner's
/// right password, from an address that has not failed, always gets in.
/// Attempts are counted when they begin, and given back when they succeed: a burst sent at once gets no more than one sent in turn.
/// </summary>
public sealed class LoginLimits(TimeProvider clock, Func<RateLimit?> limit)
{
    private const int MostKeys = 10_000;

    private readonly Lock _gate = new();
    private TimeSpan _window;
    private readonly Dictionary<Network, Window> _byAddress = [];
    private readonly Dictionary<string, Window> _byAccount = new(StringComparer.Ordinal);
    private readonly Dictionary<(Network, string), Window> _byBoth = [];

    private record struct Network(bool Six, ulong Prefix);

    private sealed class Window
    {
        public long Began;
        public int Attempts;
    }

    internal int Keys => _byAddress.Count + _byAccount.Count + _byBoth.Count;

    /// <summary>Null when the attempt may go on; else how long to wait.</summary>
    public TimeSpan? Begin(IPAddress? address, string? account)
    {
        if (limit() is not { } now)
        {
            return null;
        }
        Network network = NetworkOf(address);
        int count = now.Count + now.Burst;
        lock (_gate)
        {
            _window = now.Window;
            Window here = At(_byAddress, network);
            if (here.Attempts >= count)
            {
                return Left(here);
            }
            if (account is null)
            {
                here.Attempts++;
                return null;
            }
            Window there = At(_byAccount, account);
            Window both = At(_byBoth, (network, account));
            if (there.Attempts >= count && both.Attempts > 0)
            {
                return Left(both);
            }
            here.Attempts++;
            there.Attempts++;
            both.Attempts++;
            return null;
        }
    }

    public void Succeeded(IPAddress? address, string? account)
    {
        Network network = NetworkOf(address);
        lock (_gate)
        {
            GiveBack(_byAddress, network);
            if (account is not null)
            {
                GiveBack(_byAccount, account);
                GiveBack(_byBoth, (network, account));
            }
        }
    }

    private TimeSpan Left(Window w) => _window - clock.GetElapsedTime(w.Began);

    private Window At<TKey>(Dictionary<TKey, Window> table, TKey key) where TKey : notnull
    {
        if (!table.TryGetValue(key, out Window? w))
        {
            if (table.Count >= MostKeys)
            {
                MakeRoom(table);
            }
            table[key] = w = new Window { Began = clock.GetTimestamp() };
        }
        else if (Left(w) <= TimeSpan.Zero)
        {
            (w.Began, w.Attempts) = (clock.GetTimestamp(), 0);
        }
        return w;
    }

    private void MakeRoom<TKey>(Dictionary<TKey, Window> table) where TKey : notnull
    {
        foreach ((TKey key, Window w) in table)
        {
            if (Left(w) <= TimeSpan.Zero)
            {
                table.Remove(key);
            }
        }
        // Still full: more addresses than keys in one window. A tenth goes, so that not every attempt pays for the search.
        foreach (TKey key in table.Keys.Take(table.Count >= MostKeys ? MostKeys / 10 : 0).ToList())
        {
            table.Remove(key);
        }
    }

    private static void GiveBack<TKey>(Dictionary<TKey, Window> table, TKey key) where TKey : notnull
    {
        if (table.TryGetValue(key, out Window? w) && w.Attempts > 0)
        {
            w.Attempts--;
        }
    }

    // A /64 is one household: its owner has 2^64 addresses to try from.
    private static Network NetworkOf(IPAddress? address)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        if (address is null || !address.TryWriteBytes(bytes, out int length))
        {
            return default;
        }
        bool mapped = address.IsIPv4MappedToIPv6;
        return length == 4 || mapped
            ? new Network(false, BinaryPrimitives.ReadUInt32BigEndian(mapped ? bytes[12..] : bytes))
            : new Network(true, BinaryPrimitives.ReadUInt64BigEndian(bytes));
    }
}
