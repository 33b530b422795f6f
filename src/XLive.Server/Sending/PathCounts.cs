using System.Runtime.InteropServices;

namespace XLive.Server.Sending;

/// <summary>What TCP has sent since a connection began, and how far away its other end is (tcp_info of tcp(7)).</summary>
/// <param name="Segments">With data.</param>
/// <param name="Again">Of them, those that were sent again.</param>
/// <param name="Acknowledged">Bytes that arrived.</param>
/// <param name="PerRoundTrip">Bytes a second of a window of one segment.</param>
internal readonly record struct PathCounts(uint Segments, uint Again, long Acknowledged, double PerRoundTrip)
{
    private const int MinRtt = 148;

    /// <summary>False for a socket that is closed here, and before Linux 4.6.</summary>
    public static unsafe bool TryRead(SafeHandle socket, out PathCounts counts)
    {
        const int mss = 16, retransmitted = 100, acknowledged = 120, data = 156, enough = 160;
        var info = stackalloc byte[enough];
        counts = default;
        if (!TryRead(socket, info, enough))
            return false;
        var perRoundTrip = *(uint*)(info + MinRtt) is var microseconds and not 0 and not uint.MaxValue ? *(uint*)(info + mss) * 1e6 / microseconds : 0;
        counts = new PathCounts(*(uint*)(info + data), *(uint*)(info + retransmitted), *(long*)(info + acknowledged), perRoundTrip);
        return true;
    }

    /// <summary>The shortest round trip so far, which a new connection has from its handshake; null: there was none to measure.</summary>
    public static unsafe TimeSpan? RoundTrip(SafeHandle socket)
    {
        const int enough = MinRtt + sizeof(uint);
        var info = stackalloc byte[enough];
        return TryRead(socket, info, enough) && *(uint*)(info + MinRtt) is var microseconds and not uint.MaxValue ? TimeSpan.FromMicroseconds(microseconds) : null;
    }

    private static unsafe bool TryRead(SafeHandle socket, byte* info, uint enough)
    {
        var length = enough;
        try
        {
            return Native.getsockopt(socket, Native.Tcp, Native.TcpInfo, info, &length) == 0 && length >= enough;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }
}

/// <summary>Of all connections of a path, between two looks.</summary>
internal struct PathSums
{
    private long _again;

    public long Segments { get; private set; }
    public long Acknowledged { get; private set; }

    /// <summary>Those who have more to send.</summary>
    public int Busy { get; private set; }

    /// <summary>Bytes a second of a window of one segment for each of those.</summary>
    public double PerRoundTrip { get; private set; }

    /// <summary>Of what was sent, what was sent again.</summary>
    public readonly double Share => Segments == 0 ? 0 : (double)_again / Segments;

    /// <summary>Bytes a second that all of them would send with cubic where so much is lost (Mathis and others, 1997: 1.22 segments over the root of the loss a round trip).</summary>
    public readonly double CubicBytes(double loss) => PerRoundTrip * 1.22 / Math.Sqrt(Math.Max(loss, 0.001));

    public void Add(in PathCounts before, in PathCounts now, bool isBusy)
    {
        Segments += now.Segments - before.Segments;
        _again += now.Again - before.Again;
        Acknowledged += now.Acknowledged - before.Acknowledged;
        if (!isBusy)
            return;
        Busy++;
        PerRoundTrip += now.PerRoundTrip;
    }
}
