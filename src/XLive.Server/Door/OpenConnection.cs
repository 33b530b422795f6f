using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using XLive.Server.Limits;
using XLive.Server.Sending;

namespace XLive.Server.Door;

/// <summary>What is spoken on a connection. All share server.max_connections.</summary>
public enum ConnectionProtocol { Http1, Https1, Http2, WebSocket, Rtmp, Rtmps }

/// <summary>One connection, as those see it who decide whether it may stay. Its requests write two words into it, and take no lock.</summary>
internal sealed class OpenConnection
{
    private readonly ConnectionContext _connection;
    private readonly CancellationToken _closed;
    private readonly SocketOutput _output;
    private readonly IConnectionLifetimeNotificationFeature? _lifetime;
    private int _running; // more than one in HTTP/2
    private long _since;
    private long _askedAt;
    private bool _served;
    private bool _isOfViewer;

    public OpenConnection(ConnectionContext connection, SocketOutput output, ConnectionPlaces places, long now)
    {
        _connection = connection;
        _closed = connection.ConnectionClosed;
        _output = output;
        Places = places;
        _lifetime = connection.Features.Get<IConnectionLifetimeNotificationFeature>();
        _since = now;
    }

    // Both are the table's, under its lock.
    internal int Slot { get; set; }
    internal bool Dismissed { get; set; }
    internal bool HasLeft { get; set; }

    /// <summary>Its socket was closed before this; the sweep's alone.</summary>
    internal long ClosedAt { get; set; }

    /// <summary>As far as it is known: in clear HTTP/1.1 until something else has shown itself.</summary>
    internal ConnectionProtocol Protocol { get; set; }

    /// <summary>What else outside of it knows it.</summary>
    internal Action? Left { get; set; }

    /// <summary>Of limits.connections.</summary>
    public ConnectionPlaces Places { get; }

    public bool IsClosed => _closed.IsCancellationRequested;

    /// <summary>It has once brought a whole head.</summary>
    public bool Served => Volatile.Read(ref _served);

    /// <summary>Its last request was somebody's who plays.</summary>
    public bool IsOfViewer => Volatile.Read(ref _isOfViewer);

    /// <summary>Monotonic: the end of its last request, or its beginning.</summary>
    public long Since => Volatile.Read(ref _since);

    /// <summary>Monotonic: when it was asked to go; 0 if it was not.</summary>
    public long AskedAt => Volatile.Read(ref _askedAt);

    /// <summary>Nothing of a response is under way or still to be handed to the kernel.</summary>
    public bool IsIdle => Volatile.Read(ref _running) == 0 && !_output.IsSending;

    public void Began()
    {
        Interlocked.Increment(ref _running);
        Volatile.Write(ref _served, true);
    }

    /// <param name="ofViewer">It was one of somebody who plays, and was let in.</param>
    public void Ended(long now, bool ofViewer)
    {
        _isOfViewer = ofViewer;
        Volatile.Write(ref _since, now);
        Interlocked.Decrement(ref _running);
    }

    /// <summary>
    /// HTTP/1.1: what runs is answered with `Connection: close`, what rests is closed in order, so that the kernel still delivers what it
    /// holds; HTTP/2: GOAWAY. A request that is in already is answered.
    /// </summary>
    public void AskToGo(long now)
    {
        if (Interlocked.CompareExchange(ref _askedAt, now, 0) == 0)
            _lifetime?.RequestClose();
    }

    /// <summary>Nobody will end it: so that nothing outside of it leads to it any more.</summary>
    public void LetGo()
    {
        _output.Complete();
        Left?.Invoke();
    }

    /// <summary>Ends it with a reset, unless bytes of an answer are still on their way.</summary>
    public bool TryCut(string why)
    {
        if (!IsIdle || _output.Queued > 0)
            return false;
        _connection.Abort(new ConnectionAbortedException(why));
        return true;
    }
}
