using System.Net.Sockets;
using System.Text;

namespace XLive.EndToEnd.Packages;

/// <summary>What a service manager listens at, and what it is told there: sd_notify(3).</summary>
public sealed class NotifySocket : IDisposable
{
    readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    /// <param name="address">As $NOTIFY_SOCKET has it: a path, or a name in the abstract namespace with an @ before it.</param>
    public NotifySocket(string address)
    {
        Address = address;
        _socket.Bind(new UnixDomainSocketEndPoint(address[0] == '@' ? '\0' + address[1..] : address));
    }

    public string Address { get; }

    /// <summary>The lines of the next datagram; pats of the watchdog are left out.</summary>
    public async Task<string[]> Next(CancellationToken stop)
    {
        string[] lines;
        while ((lines = await Any(stop)) is ["WATCHDOG=1"])
        {
        }
        return lines;
    }

    public async Task<string[]> Any(CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        var buffer = new byte[4096];
        var length = await _socket.ReceiveAsync(buffer, patience.Token);
        return Encoding.UTF8.GetString(buffer, 0, length).Split('\n');
    }

    public void Dispose() => _socket.Dispose();
}
