using System.Net.Sockets;
using System.Security.Authentication;
using XLive.Media.Rtmp;

namespace XLive.Server.Rtmp;

/// <summary>What went wrong with another server, in words for the log. A message of the system's may hold a URL.</summary>
internal static class RemoteFault
{
    /// <returns>Null: it is no fault of the other side's.</returns>
    public static string? Of(string host, Exception e) => e switch
    {
        RemoteException => e.Message,
        RtmpException fault => $"{host}: RTMP fault {fault.Fault}",
        AuthenticationException or { InnerException: AuthenticationException } => $"{host}: its certificate is not valid here",
        SocketException socket => $"{host}: {socket.SocketErrorCode}",
        IOException or HttpRequestException => e.InnerException is SocketException inner ? $"{host}: {e.GetType().Name} {inner.SocketErrorCode}" : $"{host}: {e.GetType().Name}",
        _ => null,
    };
}
