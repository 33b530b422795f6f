using System.Net;
using System.Net.Sockets;

namespace XLive.Server.Tests;

/// <summary>
/// A port for a program to listen on that starts a moment later. Below the range from which the kernel takes the near end of
/// connections and what listens on port 0 (ip_local_port_range, from 32768 on): of those another test may be given the same one before
/// the program is there, which then answers in its place.
/// </summary>
public static class FreePort
{
    private const int First = 10_240;
    private const int End = 32_768;
    private static int s_last = Random.Shared.Next(End - First);

    public static int Next()
    {
        while (true)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref s_last) % (End - First));
            using var probe = new TcpListener(IPAddress.IPv6Any, port);
            probe.Server.DualMode = true;
            try
            {
                probe.Start();
                return port;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // The next one.
            }
        }
    }
}
