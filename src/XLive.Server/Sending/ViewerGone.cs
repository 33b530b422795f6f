using Microsoft.AspNetCore.Connections;

namespace XLive.Server.Sending;

/// <summary>
/// Tells Kestrel that a viewer has gone only when it has. A viewer that closed its own direction alone, behind its request (`nc -N`, simple
/// clients, some proxies), has nothing more to say and still reads; Kestrel would take that for the end and drop the response. One that
/// closed both looks the same until something is sent to it: then its TCP answers with a reset.
/// </summary>
internal sealed class ViewerGone : IDisposable
{
    private readonly SocketOutput _output;
    private readonly CancellationTokenSource _gone = new();
    private readonly CancellationTokenRegistration _closed;

    public ViewerGone(SocketOutput output, ConnectionContext connection)
    {
        _output = output;
        _closed = connection.ConnectionClosed.UnsafeRegister(static o => ((ViewerGone)o!).Look(), this);
        connection.ConnectionClosed = _gone.Token;
    }

    private void Look()
    {
        if (TcpState.TryRead(_output.SocketHandle, out var tcp))
        {
            if (tcp.IsHalfClosed)
                return;
            // Kestrel will close the socket, and what its queue holds is then not to be known any more.
            _output.TakeBack();
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
