using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using XLive.Server.Door.Clients;
using XLive.Server.Telemetry;

namespace XLive.Server.Door;

/// <summary>
/// Reads the PROXY header of a connection that a trusted proxy has opened, before TLS and HTTP see it; from then on the connection is the
/// client's. A trusted proxy may also come without one. Of anybody else's connection not a byte is looked at, so a header there is a bad
/// request like any other line that is no HTTP.
/// </summary>
internal sealed class ProxyProtocol(TrustedProxies proxies, DoorOptions door, AuditLog audit, TimeProvider clock)
{
    private long _read;
    private long _refused;

    public long Read => Volatile.Read(ref _read);
    public long Refused => Volatile.Read(ref _refused);

    public ConnectionDelegate Before(ConnectionDelegate next) => connection =>
        connection.RemoteEndPoint is IPEndPoint peer && proxies.Networks.Contains(peer.Address) ? ReadAsync(connection, peer, next) : next(connection);

    private async Task ReadAsync(ConnectionContext connection, IPEndPoint peer, ConnectionDelegate next)
    {
        if (await HeaderAsync(connection, peer))
            await next(connection);
    }

    /// <summary>Whether the connection goes on. One that does not is closed without a word, as the specification has it: none of its bytes was HTTP.</summary>
    private async ValueTask<bool> HeaderAsync(ConnectionContext connection, IPEndPoint peer)
    {
        var input = connection.Transport.Input;
        var begun = false;
        // A connection in reserve may say nothing as long as one that rests between two requests.
        using var patience = new CancellationTokenSource(door.KeepaliveTimeout, clock);
        using var closing = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested
            .UnsafeRegister(static o => ((CancellationTokenSource)o!).Cancel(), patience);
        try
        {
            while (true)
            {
                var result = await input.ReadAsync(patience.Token);
                var bytes = result.Buffer;
                var state = ProxyHeader.Parse(bytes, out var header, out var consumed);
                switch (state)
                {
                    case ProxyHeaderState.NotProxy:
                        input.AdvanceTo(bytes.Start);
                        return true;
                    case ProxyHeaderState.Header:
                        input.AdvanceTo(bytes.GetPosition(consumed));
                        Take(connection, header);
                        return true;
                    case ProxyHeaderState.Bad:
                        input.AdvanceTo(bytes.End);
                        Refuse(peer, header.Fault!);
                        return false;
                }
                input.AdvanceTo(bytes.Start, bytes.End);
                if (result.IsCompleted || result.IsCanceled)
                    return false;
                if (!begun && !bytes.IsEmpty)
                {
                    begun = true;
                    patience.CancelAfter(door.HeaderTimeout);
                }
            }
        }
        catch (OperationCanceledException)
        {
            if (begun)
                Refuse(peer, "not whole within server.header_timeout");
            return false;
        }
        catch (Exception e) when (e is ConnectionResetException or ConnectionAbortedException or IOException)
        {
            return false;
        }
    }

    private void Take(ConnectionContext connection, in ProxyHeader header)
    {
        Interlocked.Increment(ref _read);
        if (header.IsTls)
            connection.Features.Set(ClientOverTls.Instance);
        if (header.Source is { } source)
            connection.RemoteEndPoint = source;
    }

    private void Refuse(IPEndPoint peer, string why)
    {
        Interlocked.Increment(ref _refused);
        audit.Refused("PROXY header: " + why, null, peer.Address, null);
    }
}

/// <summary>A connection's feature: the client came to the proxy over TLS, whatever the proxy speaks to us.</summary>
internal sealed class ClientOverTls
{
    public static readonly ClientOverTls Instance = new();
}
