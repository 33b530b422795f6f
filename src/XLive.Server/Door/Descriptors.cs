namespace XLive.Server.Door;

/// <summary>How the process's descriptors are shared out: a full table must stop new viewers, never the runtime that serves the old ones.</summary>
public sealed class Descriptors
{
    // Left for the runtime: assemblies it loads late, logs, the database, the listeners (a cold Kestrel at its limit aborts).
    private const int Reserve = 512;

    private readonly long _memory;

    /// <param name="memory">What the process may have, where the connections' share of it is the tighter bound.</param>
    public Descriptors(long limit, long memory = long.MaxValue) => (Limit, _memory) = (limit, memory);

    public long Limit { get; }

    /// <summary>Open files that may be kept: a quarter, at most what nginx's operators give open_file_cache.</summary>
    public int Files => (int)Math.Clamp(Limit / 4, 16, 10_000);

    public int Connections => 
        Math.Min((int)Math.Clamp(Limit - Files - Reserve, 64, 1_000_000), Overload.ConnectionsFor(_memory));

    public int ConnectionsFor(DoorOptions door) => Math.Min(door.MaxConnections ?? Connections, Connections);

    /// <summary>The soft limit, which the runtime has raised to the hard one by now.</summary>
    public static Descriptors OfProcess()
    {
        foreach (var line in File.ReadLines("/proc/self/limits"))
        {
            if (line.StartsWith("Max open files", StringComparison.Ordinal))
            {
                var soft = line["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
                return new Descriptors(long.TryParse(soft, out var limit) ? limit : 1_048_576, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
            }
        }
        return new Descriptors(1024);
    }
}

/// <summary>Connections that are open now.</summary>
public sealed class ConnectionCount
{
    private int _open;
    private long _accepted;

    public int Open => Volatile.Read(ref _open);
    public long Accepted => Volatile.Read(ref _accepted);

    /// <summary>False when there are as many as may be.</summary>
    internal bool TryOpen(int most)
    {
        if (Interlocked.Increment(ref _open) > most)
        {
            Closed();
            return false;
        }
        Interlocked.Increment(ref _accepted);
        return true;
    }

    internal void Closed() => Interlocked.Decrement(ref _open);
}
