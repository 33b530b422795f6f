using System.Buffers;
using Microsoft.AspNetCore.Connections;
using XLive.Server.Limits;
using XLive.Server.Sending;
using XLive.Server.Telemetry;

namespace XLive.Server.Door;

/// <summary>
/// Keeps silence from taking the place of viewers. Two rules, both of nginx: a connection has server.header_timeout from its first packet
/// on to bring a whole head, a TLS handshake included (Kestrel alone gives one that never says a word its keep-alive time); and when the
/// table is nearly full, those go that rest between two requests, the longest at rest first (ngx_drain_connections). The limit itself is
/// then met only by connections that are all at work. Beyond nginx: who has not said a word goes before those who have, and viewers between two segments stay
/// where they are few: in a table that is full of slow downloads they would lose their places to the next of those.
/// </summary>
internal sealed class OpenConnections : IDisposable
{
    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(1);

    // Kestrel's own limit runs from the head's first byte and answers 408; whoever has begun at once hears that instead of a reset.
    private static readonly TimeSpan ForAnAnswer = TimeSpan.FromSeconds(2);

    // A viewer who has just come, or whose segment has just ended, is not the one who holds up others.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(0.25);

    // What Kestrel does behind a socket's end takes milliseconds where nothing runs any more.
    private static readonly TimeSpan Lingering = TimeSpan.FromSeconds(5);

    // Who has a segment of usual length to play comes again by then.
    private static readonly TimeSpan BetweenSegments = TimeSpan.FromSeconds(10);

    // The request follows the handshake; over TLS and half a second of way it is here after so long.
    private static readonly TimeSpan Greeting = TimeSpan.FromSeconds(1);

    // Than all who are of another kind.
    private const long Later = long.MaxValue / 2;

    private const int ForALook = 32;

    private readonly TimeProvider _clock;
    private readonly TimeSpan _headLimit;
    private readonly int _most;
    private readonly int _high;
    private readonly int _batch;
    private readonly Lock _gate = new();
    private readonly Stack<int> _free = new();
    private OpenConnection?[] _slots = new OpenConnection?[256];
    private int _used;
    private long _silentCuts;
    private long _madeRoom;
    private long _abandoned;
    private int _leaving; // dismissed and not gone yet
    private int _makingRoom;
    private readonly SupervisedLoop _looks;

    private readonly ConnectionCount _count;
    private readonly ConnectionLimits _limits;

    public OpenConnections(DoorOptions door, Descriptors descriptors, ConnectionCount count, ConnectionLimits limits, TimeProvider clock, Supervisor supervisor)
    {
        _clock = clock;
        _count = count;
        _limits = limits;
        _headLimit = door.HeaderTimeout + ForAnAnswer;
        _most = descriptors.ConnectionsFor(door);
        _high = _most - _most / 16;
        _batch = Math.Max(1, _most / 16);
        _looks = supervisor.Every("silence", SweepEvery, Sweep);
    }

    /// <summary>Connections cut because no whole head came in time.</summary>
    public long SilentCuts => Volatile.Read(ref _silentCuts);

    /// <summary>Connections at rest that went because the table was nearly full.</summary>
    public long MadeRoom => Volatile.Read(ref _madeRoom);

    /// <summary>Connections whose sockets had closed and that Kestrel never ended; given up here.</summary>
    public long Abandoned => Volatile.Read(ref _abandoned);

    /// <summary>Null when the table is full.</summary>
    public OpenConnection? Enter(ConnectionContext context, SocketOutput output)
    {
        if (!_count.TryOpen(_most))
            return null;
        var connection = new OpenConnection(context, output, new ConnectionPlaces(_limits), _clock.GetTimestamp());
        lock (_gate)
        {
            if (!_free.TryPop(out var slot))
            {
                slot = _used++;
                if (slot == _slots.Length)
                    Array.Resize(ref _slots, slot * 2);
            }
            connection.Slot = slot;
            _slots[slot] = connection;
        }
        if (TooMany > 0)
            MakeRoomSoon();
        return connection;
    }

    /// <summary>By so many those that stay are above the mark; those that were dismissed are on their way.</summary>
    private int TooMany => _count.Open - Volatile.Read(ref _leaving) - _high;

    private void MakeRoomSoon()
    {
        if (Interlocked.Exchange(ref _makingRoom, 1) == 0)
            ThreadPool.UnsafeQueueUserWorkItem(static o => o.MakeRoom(), this, preferLocal: false);
    }

    public void Leave(OpenConnection connection)
    {
        lock (_gate)
        {
            if (connection.HasLeft)
                return;
            connection.HasLeft = true;
            _slots[connection.Slot] = null;
            _free.Push(connection.Slot);
            if (connection.Dismissed)
                _leaving--;
        }
        connection.Places.Dispose();
        _count.Closed();
    }

    private void Sweep()
    {
        // At the limit Kestrel turns newcomers away before they are seen here.
        if (TooMany > 0)
            MakeRoomSoon();
        var now = _clock.GetTimestamp();
        foreach (var connection in Slots())
        {
            if (connection is { IsClosed: true, IsIdle: true })
                Abandon(connection, now);
            else if (connection is { Served: false } && _clock.GetElapsedTime(connection.Since, now) > _headLimit && connection.TryCut("no request came"))
                Interlocked.Increment(ref _silentCuts);
            // One that was dismissed and stays is in the middle of a head that does not end.
            else if (connection is { Dismissed: true } && _clock.GetElapsedTime(connection.AskedAt, now) > Rest)
                connection.TryCut("the table of connections is full");
        }
    }

    /// <summary>
    /// Of streams that are reset as fast as they come Kestrel loses count now and then, and then waits for ever for one that has ended
    /// (aspnetcore#51307): one connection in ten of a rapid reset. Nothing but we would hold it: given up here it is garbage, with a
    /// megabyte or two of streams.
    /// </summary>
    private void Abandon(OpenConnection connection, long now)
    {
        if (connection.ClosedAt == 0)
        {
            connection.ClosedAt = now;
        }
        else if (_clock.GetElapsedTime(connection.ClosedAt, now) > Lingering)
        {
            connection.LetGo();
            Leave(connection);
            // They have grown old, and only a whole look at the heap finds them; in the background, for nobody waits for it.
            if (Interlocked.Increment(ref _abandoned) % ForALook == 0)
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
        }
    }

    private void MakeRoom()
    {
        try
        {
            var now = _clock.GetTimestamp();
            var resting = ArrayPool<OpenConnection>.Shared.Rent(Math.Max(1, Volatile.Read(ref _used)));
            var since = ArrayPool<long>.Shared.Rent(resting.Length);
            var (count, playing) = (0, 0);
            foreach (var connection in Slots())
            {
                if (connection is null or { Dismissed: true } || count == resting.Length || !connection.IsIdle || _clock.GetElapsedTime(connection.Since, now) is var rest && rest < Rest)
                    continue;
                var plays = connection.IsOfViewer && rest < BetweenSegments;
                resting[count] = connection;
                since[count++] = connection.Since + (plays ? Later : !connection.Served && rest > Greeting ? -Later : 0);
                playing += plays ? 1 : 0;
            }
            Array.Sort(since, resting, 0, count);
            var wanted = TooMany + _batch;
            var spared = playing <= _most / 4 ? playing : 0;
            for (var i = 0; i < Math.Min(count - spared, wanted); i++)
                Dismiss(resting[i], now);
            ArrayPool<OpenConnection>.Shared.Return(resting, clearArray: true);
            ArrayPool<long>.Shared.Return(since);
        }
        catch (Exception e)
        {
            // On the pool it would end the process.
            _looks.Failed(e);
        }
        finally
        {
            Volatile.Write(ref _makingRoom, 0);
        }
    }

    private void Dismiss(OpenConnection connection, long now)
    {
        if (connection.Served)
        {
            lock (_gate)
            {
                if (_slots[connection.Slot] != connection)
                    return;
                connection.Dismissed = true;
                _leaving++;
            }
            connection.AskToGo(now);
        }
        else if (!connection.TryCut("the table of connections is full"))
        {
            return;
        }
        Interlocked.Increment(ref _madeRoom);
    }

    /// <summary>How many there are of each. Counted when it is asked for: nobody who connects waits for a sum.</summary>
    public IReadOnlyList<(ConnectionProtocol Protocol, int Count)> ByProtocol()
    {
        var protocols = Enum.GetValues<ConnectionProtocol>();
        var counts = new (ConnectionProtocol, int Count)[protocols.Length];
        foreach (var protocol in protocols)
            counts[(int)protocol] = (protocol, 0);
        foreach (var connection in Slots())
        {
            if (connection is not null)
                counts[(int)connection.Protocol].Count++;
        }
        return counts;
    }

    private ReadOnlySpan<OpenConnection?> Slots()
    {
        lock (_gate)
            return _slots.AsSpan(0, _used);
    }

    public void Dispose() => _looks.Dispose();
}
