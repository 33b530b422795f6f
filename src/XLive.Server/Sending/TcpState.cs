using System.Runtime.InteropServices;

namespace XLive.Server.Sending;

/// <summary>What the kernel knows of a connection's outgoing bytes (tcp_info of tcp(7)). It keeps the counts behind a reset, until the socket is closed.</summary>
internal readonly struct TcpState
{
    private const int Closed = 7;
    private const int CloseWait = 8;

    private readonly byte _state;

    private TcpState(byte state, long acknowledged, long unsent)
    {
        _state = state;
        Acknowledged = acknowledged;
        Unsent = unsent;
    }

    /// <summary>The viewer has reset the connection, or the network has given it up.</summary>
    public bool IsClosed => _state == Closed;

    /// <summary>The viewer has said that it sends nothing more; it may still read.</summary>
    public bool IsHalfClosed => _state == CloseWait;

    /// <summary>Of all bytes from the connection's start on, how many the viewer's TCP has taken (tcpi_bytes_acked, Linux 4.1).</summary>
    public long Acknowledged { get; }

    /// <summary>Of those in the queue, how many were never put on the wire (tcpi_notsent_bytes, Linux 4.6).</summary>
    public long Unsent { get; }

    /// <summary>False for a socket that is closed here.</summary>
    public static unsafe bool TryRead(SafeHandle socket, out TcpState state)
    {
        const int acknowledged = 120, unsent = 144, enough = 148;
        var info = stackalloc byte[enough];
        uint length = enough;
        state = default;
        try
        {
            if (Native.getsockopt(socket, Native.Tcp, Native.TcpInfo, info, &length) != 0 || length < enough)
                return false;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
        var bytes = new ReadOnlySpan<byte>(info, enough);
        state = new TcpState(bytes[0], MemoryMarshal.Read<long>(bytes[acknowledged..]), MemoryMarshal.Read<uint>(bytes[unsent..]));
        return true;
    }
}
