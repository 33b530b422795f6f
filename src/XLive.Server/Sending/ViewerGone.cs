using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace XLive.Server.Sending;

/// <summary>
/// Tells Kestrel that a viewer has gone only when it has. A viewer that closed its own direction alone, behind its request (`nc -N`, simple
/// clients, some proxies), has nothing more to say and still reads; Kestrel would take that for the end and drop the response. One that
/// closed both looks the same until something is sent to it: then its TCP answers with a reset.
/// </summary>
internal sealed class ViewerGone : IDisposable
{
    private readonly Socket _socket;
    private readonly CancellationTokenSource _gone = new();
    private readonly CancellationTokenRegistration _closed;

    public ViewerGone(Socket socket, ConnectionContext connection)
    {
        _socket = socket;
        _closed = connection.ConnectionClosed.UnsafeRegister(static o => ((ViewerGone)o!).Look(), this);
        connection.ConnectionClosed = _gone.Token;
    }

    private void Look()
    {
        try
        {
            Span<byte> info = stackalloc byte[8];
            if (_socket.GetRawSocketOption(Native.Tcp, Native.TcpInfo, info) > 0 && info[0] == Native.TcpCloseWait)
                return;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // No socket, no viewer.
        }
        try
        {
            _gone.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The connection's work was over before this.
        }
    }

    public void Dispose()
    {
        _closed.Dispose();
        _gone.Dispose();
    }
}
