using System.Net;
using System.Net.Sockets;
using System.Text;

namespace XLive.Server.Tests.Redis;

/// <summary>Listens where Redis should and answers whatever it is told to.</summary>
internal sealed class LyingServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private int _connections;

    public LyingServer()
    {
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Empty: it closes.</summary>
    public string Answer { get; set; } = "";

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptSocketAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
            Interlocked.Increment(ref _connections);
            using (socket)
            {
                try
                {
                    await socket.ReceiveAsync(new byte[1024]);
                    await socket.SendAsync(Encoding.Latin1.GetBytes(Answer));
                }
                catch (SocketException)
                {
                    // It was left at once.
                }
            }
        }
    }

    public void Dispose() => _listener.Dispose();
}
