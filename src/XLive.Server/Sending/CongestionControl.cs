using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace XLive.Server.Sending;

/// <summary>
/// Congestion control by socket, which needs no root: at 150 ms and 1.5 % loss one cubic connection moves a tenth of what BBR moves.
/// </summary>
internal static class CongestionControl
{
    private const int Tcp = 6, TcpCongestion = 13;

    /// <summary>Null when it holds; else the sentence for the log, which is written once.</summary>
    public static string? TrySet(Socket listener, Congestion wanted)
    {
        if (wanted == Congestion.System)
            return null;
        var name = wanted == Congestion.Cubic ? "cubic" : "bbr";
        try
        {
            listener.SetRawSocketOption(Tcp, TcpCongestion, Encoding.ASCII.GetBytes(name));
            return null;
        }
        catch (SocketException e)
        {
            // auto asked for the best there is, and a kernel without BBR is an ordinary one.
            return wanted == Congestion.Auto
                ? "network.congestion: this kernel does not offer bbr, so connections keep the system's own; `modprobe tcp_bbr` as root brings it"
                : $"network.congestion: the kernel refuses {name} ({e.SocketErrorCode}); connections keep the system's own";
        }
    }

    /// <summary>
    /// Whether connections may go from cubic to BBR and back: without root a kernel lets only have what it lists as allowed. They begin with cubic then: once BBR has had a
    /// socket, the kernel paces it under cubic too.
    /// </summary>
    public static bool MayChange(Socket listener) => TrySet(listener.SafeHandle, "bbr") && TrySet(listener.SafeHandle, "cubic");

    /// <summary>On a connection that is under way.</summary>
    public static unsafe bool TrySet(SafeHandle socket, string name)
    {
        const int longest = 16; // TCP_CA_NAME_MAX
        var bytes = stackalloc byte[longest];
        var length = Encoding.ASCII.GetBytes(name, new Span<byte>(bytes, longest));
        try
        {
            return Native.setsockopt(socket, Tcp, TcpCongestion, bytes, (uint)length) == 0;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }
}
