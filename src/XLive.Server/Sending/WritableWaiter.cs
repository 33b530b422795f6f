using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using XLive.Server.Telemetry;

namespace XLive.Server.Sending;

/// <summary>
/// Tells outputs whose socket was full that there is room again. An epoll of our own, because the base library waits for room only
/// with bytes in hand: 4,000 stopped viewers would hold 4,000 buffers, and each wake of a file transfer would cost a read.
/// Cuts those whose TCP took nothing for network.send_idle_timeout.
///
/// One thread; it only passes on. Outputs are named in the kernel by slot and generation, never by descriptor: those are reused.
/// </summary>
internal sealed unsafe partial class WritableWaiter : IDisposable
{
    private const int MaxEvents = 256;

    private readonly int _epoll;
    private readonly Func<TimeSpan> _idle;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private SocketOutput?[] _slots = new SocketOutput?[256];
    private uint[] _generations = new uint[256];
    private readonly Stack<int> _free = new();
    private int _used;
    private readonly HashSet<StreamBodies> _streams = [];
    private readonly SupervisedLoop _loop;
    private volatile bool _stopping;
    private long _lastSweep;

    public WritableWaiter(Func<TimeSpan> idle, TimeProvider clock, Supervisor supervisor)
    {
        _idle = idle;
        _clock = clock;
        _epoll = Native.epoll_create1(0x80000 /* EPOLL_CLOEXEC */);
        if (_epoll < 0)
            throw new InvalidOperationException("epoll_create1: error " + Marshal.GetLastPInvokeError());
        _news = Native.eventfd(0, 0x80000 | 0x800 /* EFD_CLOEXEC | EFD_NONBLOCK */);
        WatchNews();
        _lastSweep = _lastLook = clock.GetTimestamp();
        _loop = supervisor.OnThread("socket waiter", 128 * 1024, Loop);
    }

    /// <summary>Connections that had to wait for room at least once and are still open.</summary>
    public int Watched
    {
        get { lock (_gate) return _used - _free.Count; }
    }

    /// <summary>Viewers whose socket was full at the last sweep.</summary>
    public int Waiting { get; private set; }

    public long IdleCuts { get; private set; }

    /// <summary>From the first full socket on the connection stays in the set, edge-triggered: no call for each wait.</summary>
    public void Watch(SocketOutput output)
    {
        output.LastProgress = output.FullSince = _clock.GetTimestamp();
        Register(output);
    }

    private void Register(SocketOutput output)
    {
        if (output.Slot >= 0)
            return;
        ulong data;
        lock (_gate)
        {
            if (!_free.TryPop(out var slot))
            {
                slot = _used++;
                if (slot == _slots.Length)
                {
                    Array.Resize(ref _slots, slot * 2);
                    Array.Resize(ref _generations, slot * 2);
                }
            }
            output.Slot = slot;
            output.LastQueued = -1;
            output.Path = Paths.Join(output.Peer);
            _slots[slot] = output;
            data = (ulong)++_generations[slot] << 32 | (uint)slot;
        }
        try
        {
            // It cannot be in the set yet; should the kernel refuse for want of memory, the sweep wakes it every second.
            _ = Control(Native.EpollAdd, output, data);
        }
        catch (ObjectDisposedException)
        {
            // Closed meanwhile: the sweep sees that too.
        }
    }

    private int Control(int operation, SocketOutput output, ulong data)
    {
        const uint events = Native.EpollOut | Native.EpollErr | Native.EpollHup | Native.EpollEdge;
        if (RuntimeInformation.ProcessArchitecture == Architecture.X64)
        {
            var e = new Native.EpollEventPacked { Events = events, Data = data };
            return Native.epoll_ctl(_epoll, operation, output.SocketHandle, &e);
        }
        var padded = new Native.EpollEventPadded { Events = events, Data = data };
        return Native.epoll_ctl(_epoll, operation, output.SocketHandle, &padded);
    }

    /// <summary>The connection has ended: the slot is free for another.</summary>
    public void Release(SocketOutput output)
    {
        if (output.Slot < 0)
            return;
        Recount(output, null, 0);
        lock (_gate)
        {
            if (output.Slot < 0)
                return;
            if (output.Path is { } path)
                Paths.Leave(output.Peer, path);
            _slots[output.Slot] = null;
            _generations[output.Slot]++;
            _free.Push(output.Slot);
            output.Slot = -1;
        }
    }

    // Events that a failed turn had in hand are lost; the sweep finds those who waited for them.
    private void Loop(SupervisedLoop loop)
    {
        var packed = RuntimeInformation.ProcessArchitecture == Architecture.X64;
        var size = packed ? sizeof(Native.EpollEventPacked) : sizeof(Native.EpollEventPadded);
        var events = (byte*)NativeMemory.Alloc((nuint)(MaxEvents * size));
        try
        {
            while (!_stopping)
                Turn(loop, events, packed);
        }
        finally
        {
            NativeMemory.Free(events);
        }
        _ = Native.close(_news);
        _ = Native.close(_epoll);
    }

    private void Turn(SupervisedLoop loop, byte* events, bool packed)
    {
        loop.Rest();
        var n = Native.epoll_wait(_epoll, events, MaxEvents, UntilPaced(SweepEvery()));
        loop.Beat();
        for (var i = 0; i < n; i++)
        {
            var data = packed ? ((Native.EpollEventPacked*)events)[i].Data : ((Native.EpollEventPadded*)events)[i].Data;
            SocketOutput? output;
            if (data == NewsOfPaced)
                continue;
            lock (_gate)
            {
                var slot = (int)(uint)data;
                output = _generations[slot] == (uint)(data >> 32) ? _slots[slot] : null;
            }
            if (output is not null)
                Continue(loop, output);
        }
        while (NextPaced() is { } next)
            Continue(loop, next);
        if (_clock.GetElapsedTime(_lastSweep).TotalMilliseconds >= SweepEvery())
        {
            _lastSweep = _clock.GetTimestamp();
            Sweep();
        }
    }

    private static void Continue(SupervisedLoop loop, SocketOutput output)
    {
        try
        {
            output.Continue();
        }
        catch (Exception e)
        {
            // One viewer's; the others in this turn have room too.
            loop.Failed(e);
            output.Fail();
        }
    }

    private int SweepEvery() => (int)Math.Clamp(_idle().TotalMilliseconds / 8, 25, 1000);

    /// <summary>
    /// Progress is what the viewer's TCP acknowledged, not what we could push: with megabytes of send buffer a slow viewer takes bytes
    /// for minutes before there is room for more. Also finds outputs whose socket was closed without a last event.
    /// </summary>
    private void Sweep()
    {
        var idle = _idle();
        var (slots, used) = Slots();
        var waiting = 0;
        for (var i = 0; i < used; i++)
        {
            var output = Volatile.Read(ref slots[i]);
            if (output is null || !output.IsWaiting)
                continue;
            // One who reads nothing would never come to the call that finds it.
            if (output.IsStopped)
            {
                output.GiveUp(SendEnd.Stopped);
                continue;
            }
            if (output.IsPaced)
                continue;
            waiting++;
            var queued = output.Queued;
            // Nothing in the queue, and yet it waits: the edge got lost, or the socket is closed. It looks for itself.
            if (queued == 0)
            {
                output.Wake();
            }
            else if (queued != output.LastQueued)
            {
                output.LastQueued = queued;
                output.LastProgress = _clock.GetTimestamp();
            }
            else if (_clock.GetElapsedTime(output.LastProgress) >= idle)
            {
                IdleCuts++;
                output.GiveUp(SendEnd.Idle);
            }
        }
        Waiting = waiting;
        CutStoppedStreams();
        LookAtPaths();
    }

    private (SocketOutput?[] Slots, int Used) Slots()
    {
        lock (_gate)
            return (_slots, _used);
    }

    private void CutStoppedStreams()
    {
        StreamBodies[] connections;
        lock (_streams)
        {
            if (_streams.Count == 0)
                return;
            connections = [.. _streams];
        }
        foreach (var streams in connections)
            streams.CutStopped();
    }

    /// <summary>HTTP/2 connections, whose streams wait for windows and not for room.</summary>
    public void Watch(StreamBodies streams)
    {
        lock (_streams)
            _streams.Add(streams);
    }

    public void Release(StreamBodies streams)
    {
        lock (_streams)
            _streams.Remove(streams);
    }

    public void Dispose()
    {
        _stopping = true;
        _loop.Dispose();
    }
}
