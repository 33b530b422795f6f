using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace XLive.Server.Sending;

/// <summary>
/// The paths of those who had to wait for room, by their address: a home, a school, a site behind one router. As many at most as connections. Used by
/// <see cref="WritableWaiter"/> under its lock, but for the reading of counters.
/// </summary>
internal sealed class SharedPaths
{
    private readonly Dictionary<UInt128, SharedPath> _paths = [];
    private long _found;
    private int _paced, _cubic;

    /// <summary>How often a path was found to be crowded.</summary>
    public long Found => Volatile.Read(ref _found);

    /// <summary>Paths whose connections share a rate now.</summary>
    public int Paced => Volatile.Read(ref _paced);

    /// <summary>Paths whose connections have cubic now, because they fill it with that.</summary>
    public int ForCubic => Volatile.Read(ref _cubic);

    /// <summary>Null: not over IP.</summary>
    public SharedPath? Join(EndPoint? remote)
    {
        if (KeyOf(remote) is not { } key)
            return null;
        if (!_paths.TryGetValue(key, out var path))
            _paths[key] = path = new SharedPath();
        path.Members++;
        return path;
    }

    public void Leave(EndPoint? remote, SharedPath path)
    {
        if (--path.Members == 0 && KeyOf(remote) is { } key)
            _paths.Remove(key);
    }

    /// <summary>For one who comes anew: what those who are there already may send.</summary>
    public uint PaceOf(EndPoint? remote) => KeyOf(remote) is { } key && _paths.TryGetValue(key, out var path) ? path.Pace : SharedPath.Unpaced;

    public void Judge(double seconds, bool mayChange)
    {
        var (paced, cubic) = (0, 0);
        foreach (var (_, path) in _paths)
        {
            if (path.Members < SharedPath.Few && !path.IsPaced && !path.IsForCubic)
                continue;
            if (path.Judge(seconds, mayChange))
                Interlocked.Increment(ref _found);
            if (path.IsPaced)
                paced++;
            if (path.IsForCubic)
                cubic++;
        }
        Volatile.Write(ref _paced, paced);
        Volatile.Write(ref _cubic, cubic);
    }

    // Of IPv6 a home has 64 bits for itself.
    private static UInt128? KeyOf(EndPoint? remote)
    {
        if (remote is not IPEndPoint { Address: var address })
            return null;
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out var length))
            return null;
        if (length == 4)
            return BinaryPrimitives.ReadUInt32BigEndian(bytes);
        var whole = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return address.AddressFamily == AddressFamily.InterNetworkV6 && address.IsIPv4MappedToIPv6 ? (uint)whole : whole >> 64 << 64;
    }

    /// <summary>TCP itself keeps to it, with or without the fq scheduler (Linux 4.13).</summary>
    public static unsafe void SetPace(SafeHandle socket, uint bytesPerSecond)
    {
        const int level = 1, maxPacingRate = 47; // SOL_SOCKET, SO_MAX_PACING_RATE
        try
        {
            _ = Native.setsockopt(socket, level, maxPacingRate, &bytesPerSecond, sizeof(uint));
        }
        catch (ObjectDisposedException)
        {
            // Closed meanwhile.
        }
    }
}
