using System.Buffers;
using Microsoft.AspNetCore.Connections;
using XLive.Server.Sending;
using XLive.Server.Telemetry;

namespace XLive.Server.Door;

/// <summary>
/// Keeps silence from taking the place of viewers. Two rules, both of nginx: a connection has server.header_timeout from its first packet
/// on to bring a whole head, a TLS handshake included (Kestrel alone gives one that never says a word its keep-alive time); and when the
/// table is nearly full, those go that rest between two requests, the longest at rest first (ngx_drain_connections). The limit itself is
/// then met only by connections that are all at work.
/// </summary>
internal sealed class OpenConnections : IDisposable
{
    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(1);

    // Kestrel's own limit runs from the head's first byte and answers 408; whoever has begun at once hears that instead of a reset.
    private static readonly TimeSpan ForAnAnswer = TimeSpan.FromSeconds(2);

    // A viewer who has just come, or whose segment has just ended, is not the one who holds up others.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(0.25);

    private readonly TimeProvider _clock;
    private readonly TimeSpan _headLimit;
    private readonly int _high;
    private readonly int _batch;
    private readonly Lock _gate = new();
    private readonly Stack<int> _free = new();
    private OpenConnection?[] _slots = new OpenConnection?[256];
    private int _used;
    private long _silentCuts;
    private long _madeRoom;
    private int _leaving; // dismissed and not gone yet
    private int _makingRoom;
    private readonly SupervisedLoop _looks;

    private readonly ConnectionCount _count;

    public OpenConnections(DoorOptions door, Descriptors descriptors, ConnectionCount count, TimeProvider clock, Supervisor supervisor)
    {
        _clock = clock;
        _count = count;
        _headLimit = door.HeaderTimeout + ForAnAnswer;
        var limit = descriptors.ConnectionsFor(door);
        _high = limit - limit / 16;
        _batch = Math.Max(1, limit / 16);
        _looks = supervisor.Every("silence", SweepEvery, Sweep);
    }

    /// <summary>Connections cut because no whole head came in time.</summary>
    public long SilentCuts => Volatile.Read(ref _silentCuts);

    /// <summary>Connections at rest that went because the table was nearly full.</summary>
    public long MadeRoom => Volatile.Read(ref _madeRoom);

    public OpenConnection Enter(ConnectionContext context, SocketOutput output)
    {
        var connection = new OpenConnection(context, output, _clock.GetTimestamp());
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
        _count.Opened();
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
            _slots[connection.Slot] = null;
            _free.Push(connection.Slot);
            if (connection.Dismissed)
                _leaving--;
        }
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
            if (connection is { Served: false } && _clock.GetElapsedTime(connection.Since, now) > _headLimit && connection.TryCut("no request came"))
                Interlocked.Increment(ref _silentCuts);
            // One that was dismissed and stays is in the middle of a head that does not end.
            else if (connection is { Dismissed: true } && _clock.GetElapsedTime(connection.AskedAt, now) > Rest)
                connection.TryCut("the table of connections is full");
        }
    }

    private void MakeRoom()
    {
        try
        {
            var now = _clock.GetTimestamp();
            var resting = ArrayPool<OpenConnection>.Shared.Rent(Math.Max(1, Volatile.Read(ref _used)));
            var since = ArrayPool<long>.Shared.Rent(resting.Length);
            var count = 0;
            foreach (var connection in Slots())
            {
                if (connection is null or { Dismissed: true } || count == resting.Length || !connection.IsIdle || _clock.GetElapsedTime(connection.Since, now) < Rest)
                    continue;
                resting[count] = connection;
                since[count++] = connection.Since;
            }
            Array.Sort(since, resting, 0, count);
            var wanted = TooMany + _batch;
            for (var i = 0; i < Math.Min(count, wanted); i++)
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

    private ReadOnlySpan<OpenConnection?> Slots()
    {
        lock (_gate)
            return _slots.AsSpan(0, _used);
    }

    public void Dispose() => _looks.Dispose();
}
