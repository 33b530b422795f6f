using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using XLive.Server.Telemetry;

namespace XLive.Server.Door;

/// <summary>
/// Kestrel's socket transport with an accept loop of our own. Kestrel's asks again at once whatever went wrong: without a descriptor
/// left it takes a whole core to hear EMFILE, and nobody learns of a port that has ended (aspnetcore#55599).
/// </summary>
internal sealed class PortListeners(
    IOptions<SocketTransportOptions> options, DoorOptions door, Descriptors descriptors, ConnectionCount count, SpareDescriptors spare, Overload overload,
    Supervisor supervisor, Lifeline lifeline, ILoggerFactory logs) : IConnectionListenerFactory
{
    private readonly ConcurrentBag<PortListener> _all = [];

    internal IEnumerable<PortListener> All => _all;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var port = new PortListener(endpoint, options.Value, count, descriptors.ConnectionsFor(door), spare, overload, supervisor, lifeline, logs);
        _all.Add(port);
        return new(port);
    }
}

/// <summary>One port. Connections that cannot be served are closed at once, and a socket that no longer listens is made anew.</summary>
internal sealed partial class PortListener : IConnectionListener
{
    // A turn of closing: above any rate at which new connections come, and some milliseconds of a core.
    private const int MostTurnedAway = 512;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(25);

    // Kestrel asks for the next connection as soon as it has handed one on.
    private const int MostMissedLooks = 10;
    private static readonly TimeSpan LongestWithoutPort = TimeSpan.FromSeconds(10);

    private readonly SocketTransportOptions _options;
    private readonly SocketConnectionContextFactory _connections;
    private readonly ConnectionCount _count;
    private readonly int _most; // the table's own bound is exact; here a flood costs less
    private readonly SpareDescriptors _spare;
    private readonly Overload _overload;
    private readonly Lifeline _lifeline;
    private readonly ILogger _log;
    private readonly SupervisedLoop _loop;
    private readonly SupervisedLoop _watch;
    private Socket _socket;
    private volatile bool _closed;
    private volatile bool _asked;
    private long _handedOn;
    private long _handedOnAtLook;
    private int _missedLooks;

    public PortListener(EndPoint endpoint, SocketTransportOptions options, ConnectionCount count, int most, SpareDescriptors spare, Overload overload,
        Supervisor supervisor, Lifeline lifeline, ILoggerFactory logs)
    {
        (_options, _count, _most, _spare, _overload, _lifeline) = (options, count, most, spare, overload, lifeline);
        _log = logs.CreateLogger<PortListener>();
        _connections = new SocketConnectionContextFactory(As(options), logs.CreateLogger("Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets"));
        _socket = Listen(endpoint);
        EndPoint = _socket.LocalEndPoint!;
        _loop = supervisor.Watch("port " + EndPoint);
        _watch = supervisor.Every("watch of port " + EndPoint, TimeSpan.FromSeconds(1), Look);
    }

    public EndPoint EndPoint { get; }

    /// <summary>For the tests: what a fault of the network's would have broken.</summary>
    internal Socket Socket => _socket;

    // Kestrel's own way from one to the other. What it is made of in public leaves out the pool of pinned blocks that all connections share.
    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    private static extern SocketConnectionFactoryOptions As(SocketTransportOptions options);

    private Socket Listen(EndPoint endpoint)
    {
        try
        {
            var socket = _options.CreateBoundListenSocket(endpoint);
            socket.Listen(_options.Backlog);
            return socket;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException(e.Message, e);
        }
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        _asked = true;
        while (!_closed)
        {
            Socket? accepted = null;
            try
            {
                _loop.Rest();
                accepted = await _socket.AcceptAsync(cancellationToken);
                _loop.Beat();
                if (await HandOnAsync(accepted) is { } connection)
                    return connection;
            }
            catch (Exception) when (_closed || cancellationToken.IsCancellationRequested)
            {
                return null;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
            {
                if (_spare.TurnAway(_socket, MostTurnedAway))
                    await Task.Delay(Pause, CancellationToken.None);
                else
                    await StayClosedAsync();
            }
            catch (SocketException e) when (IsOfTheConnection(e.SocketErrorCode))
            {
                // accept(2): what befell a connection in the queue is told here and means nothing for the next. One that always comes,
                // a firewall's EPERM, must not take a core either.
                await Task.Delay(1, CancellationToken.None);
            }
            catch (Exception e)
            {
                accepted?.Dispose();
                await Task.Delay(_loop.Failed(e), CancellationToken.None);
                await ListenAgainAsync();
            }
        }
        return null;
    }

    private async ValueTask<ConnectionContext?> HandOnAsync(Socket accepted)
    {
        // While there is no room the few descriptors that come free are for the files of viewers who play.
        if (_overload.RefusesConnections || _count.Open >= _most || _spare.Exhausted || _spare.IsAmongTheLast(accepted.Handle, isConnection: true))
        {
            accepted.Dispose();
            _overload.CountRefusedConnections(1 + SpareDescriptors.CloseWaiting(_socket, MostTurnedAway));
            await Task.Delay(Pause);
            return null;
        }
        try
        {
            if (EndPoint is IPEndPoint)
                accepted.NoDelay = _options.NoDelay;
            var connection = _connections.Create(accepted);
            Interlocked.Increment(ref _handedOn);
            _asked = false;
            return connection;
        }
        catch (SocketException)
        {
            // Gone between the queue and here.
            accepted.Dispose();
            return null;
        }
    }

    private static bool IsOfTheConnection(SocketError error) => error is SocketError.ConnectionReset or SocketError.ConnectionAborted
        or SocketError.NetworkDown or SocketError.NetworkUnreachable or SocketError.HostDown or SocketError.HostUnreachable
        or SocketError.ProtocolOption or SocketError.TimedOut or SocketError.Interrupted or SocketError.TryAgain or SocketError.WouldBlock
        or SocketError.AccessDenied;

    /// <summary>The limit was lowered below what is open, so not even a spare helps. Who comes now is refused at once by the kernel.</summary>
    private async Task StayClosedAsync()
    {
        LogClosed(_log, EndPoint);
        _socket.Dispose();
        while (!_closed && !_spare.HasRoom())
            await Task.Delay(100);
        await ListenAgainAsync();
    }

    /// <summary>The socket itself has failed. A new one in its place, or the end: a server that nobody can reach must not look alive.</summary>
    private async Task ListenAgainAsync()
    {
        _socket.Dispose();
        var since = Environment.TickCount64;
        while (!_closed)
        {
            try
            {
                _socket = Listen(EndPoint);
                LogListensAgain(_log, EndPoint);
                return;
            }
            catch (Exception e)
            {
                if (Environment.TickCount64 - since > LongestWithoutPort.TotalMilliseconds)
                {
                    _lifeline.Cut($"port {EndPoint} is lost and cannot be had again: {e.Message}");
                    return;
                }
                await Task.Delay(_loop.Failed(e));
            }
        }
    }

    private void Look()
    {
        // Takes back the spares that were lent; nobody else may ask for a while.
        _ = _spare.Exhausted;
        // Looks are counted and not seconds: a process that was stopped for a while has missed none.
        var handedOn = Volatile.Read(ref _handedOn);
        _missedLooks = _asked || _closed || handedOn != _handedOnAtLook ? 0 : _missedLooks + 1;
        _handedOnAtLook = handedOn;
        if (_missedLooks == MostMissedLooks)
            _lifeline.Cut($"port {EndPoint} no longer accepts: Kestrel's accept loop has ended");
    }

    [LoggerMessage(LogLevel.Error, "no descriptors are left, nor can spare ones be used: {EndPoint} is closed until there are some")]
    private static partial void LogClosed(ILogger log, EndPoint endPoint);

    [LoggerMessage(LogLevel.Warning, "{EndPoint} listens again")]
    private static partial void LogListensAgain(ILogger log, EndPoint endPoint);

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _closed = true;
        _socket.Dispose();
        _watch.Dispose();
        _loop.Dispose();
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        _connections.Dispose();
    }
}
