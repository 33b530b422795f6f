using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Connections;
using XLive.Server.Traffic;

namespace XLive.Server.Sending;

/// <summary>
/// What is this? The output side of a connection, in the place of Kestrel's pipe: a flush sends on the connection's own socket,
/// without a second pipe, a hop to another thread or a copy of the body. It stands below TLS and HTTP/2 too (<see cref="TlsOutput"/>).
///
/// Why not Kestrel's own? Kestrel reads a file in pieces of 16 KiB and copies each twice; there is no sendfile(2) in it. For HTTP/1.1
/// in clear a body is announced, and the flush sends the pending head and then n bytes of the body.
///
/// Threading: one writer (Kestrel's, under its own lock). While a flush is pending the writer waits, and the send is carried on by
/// whoever woke it: a lane thread for files, a pool thread for memory. A socket that is full costs no memory and no thread:
/// <see cref="WritableWaiter"/> tells when there is room again.
/// </summary>
internal sealed unsafe class SocketOutput : BodyOutput, IThreadPoolWorkItem, IFileWork, IValueTaskSource<FlushResult>
{
    // The contract's bound: a response in flight is charged at most one send call too much.
    private const long MaxCall = 1024 * 1024;

    private readonly SafeSocketHandle _socket;
    private readonly ConnectionContext _connection;
    private readonly PipeWriter _inner;
    private readonly WritableWaiter _waiter;
    private readonly CancellationTokenRegistration _closed;

    private bool _gathers;

    // Used by whoever carries the send on.
    private int _headSent;
    private ReadOnlyMemory<byte> _memory;
    private long _bodyOffset;
    private long _fileLeft;
    private bool _memoryIsBody;

    private ManualResetValueTaskSourceCore<FlushResult> _flush;
    private bool _bodyUnderWay; // Used by the writer: Kestrel's flush is over, the body's send is not.
    private Exception? _completedWith;
    private int _carrying = 1; // 0 only while the waiter may wake it
    private int _lookAgain;    // somebody had news while the send was in another's hands
    private int _flushState;

    private const int NoFlush = 0, FlushPending = 1, CompletedWhilePending = 2;

    // Used by the waiter.
    internal int Slot = -1;
    internal int LastQueued;
    internal long LastProgress;
    internal long FullSince;
    internal SendableFile? CountedFile;
    internal long Counted;
    internal long QueueMoved;

    public SocketOutput(Socket socket, ConnectionContext connection, WritableWaiter waiter)
    {
        _socket = socket.SafeHandle;
        _connection = connection;
        _inner = connection.Transport.Output;
        _waiter = waiter;
        _closed = connection.ConnectionClosed.UnsafeRegister(static o => ((SocketOutput)o!).WakeToLook(), this);
    }

    /// <summary>All bytes that the socket took from memory: what a TLS record's owner needs to know when the viewer leaves.</summary>
    public long MemorySent { get; private set; }

    /// <summary>What is written waits for the next flush: several TLS records leave in one call.</summary>
    public bool Gathers
    {
        get => _gathers;
        set
        {
            _gathers = value;
            // Encryption goes on after a wait, and one thread waits for all: it must not be the one that encrypts for all.
            _flush.RunContinuationsAsynchronously = value;
        }
    }

    internal SafeSocketHandle SocketHandle => _socket;

    /// <summary>A flush waits for room or for a disk.</summary>
    internal bool IsSending => Volatile.Read(ref _flushState) != NoFlush;

    /// <summary>Bytes in the kernel's send queue that the viewer's TCP has not acknowledged; 0 for a socket that is closed.</summary>
    internal int Queued
    {
        get
        {
            var queued = 0;
            try
            {
                return Native.ioctl(_socket, Native.SioOutQ, &queued) == 0 ? queued : 0;
            }
            catch (ObjectDisposedException)
            {
                return 0;
            }
        }
    }

    public override long UnflushedBytes => HeadEnd - _headSent + _memory.Length + _fileLeft;

    public override bool CanSend(in Body body) => body.File is not { Sendfile: false };

    public override void Advance(int bytes)
    {
        if (!Announced)
        {
            HeadEnd += bytes;
            return;
        }
        Announced = false;
        Debug.Assert(bytes == Body.Length);
        if (Body.File is null)
        {
            _memory = Body.Memory;
            _memoryIsBody = true;
        }
        else
        {
            _bodyOffset = Body.Offset;
            _fileLeft = bytes;
        }
    }

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        if (Gathers)
        {
            source.Span.CopyTo(GetSpan(source.Length));
            HeadEnd += source.Length;
            return new(new FlushResult(false, End != SendEnd.Done));
        }
        _memory = source;
        _memoryIsBody = false;
        return FlushAsync(cancellationToken);
    }

    /// <summary>
    /// Flushes. For an announced body Kestrel's flush ends at once, whatever is left to send, and <see cref="BodySentAsync"/> waits for
    /// the rest: Kestrel would wait with a task of its own and go on through the thread pool, which costs as much as a small send.
    /// </summary>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        Volatile.Write(ref _lookAgain, 0);
        if (End != SendEnd.Done)
        {
            Forget();
            return new(new FlushResult(false, true));
        }
        var isBody = _fileLeft > 0 || _memoryIsBody;
        Step step;
        do
        {
            step = Push(onLane: false);
            if (step is Step.Finished)
                return new(Finish());
            _flush.Reset();
            Volatile.Write(ref _flushState, FlushPending);
        }
        while (!Wait(step));
        if (!isBody)
            return new ValueTask<FlushResult>(this, _flush.Version);
        _bodyUnderWay = true;
        return new(new FlushResult(false, false));
    }

    public override ValueTask<FlushResult> BodySentAsync()
    {
        if (Announced)
        {
            // Kestrel has given the connection up and counted nothing.
            Forget();
            return new(new FlushResult(false, true));
        }
        if (!_bodyUnderWay)
            return new(new FlushResult(false, End != SendEnd.Done));
        _bodyUnderWay = false;
        return new ValueTask<FlushResult>(this, _flush.Version);
    }

    private enum Step { Finished, SocketFull, NeedsLane }

    /// <summary>Sends what can be sent now. On a lane it may touch the file; elsewhere it stops before it.</summary>
    private Step Push(bool onLane)
    {
        try
        {
            while (HeadEnd > _headSent || _memory.Length > 0)
            {
                var sent = SendMemory();
                if (sent < 0)
                    return Failed(out var step) ? step : Step.SocketFull;
                Took(sent);
            }
            while (_fileLeft > 0)
            {
                var file = Body.File!;
                // From here it may only go as far as it waits for no disk: one viewer's cold page would hold up all that this thread serves.
                var most = onLane ? MaxCall : Math.Min(MaxCall, file.WarmBytes(_bodyOffset));
                if (most <= 0)
                    return Step.NeedsLane;
                var clock = onLane ? default : SendClock.Start();
                var offset = _bodyOffset;
                var wanted = Math.Min(_fileLeft, most);
                var kind = Body.Kind;
                Meter?.Charge(kind, wanted);
                var sent = Native.sendfile(_socket, file.Handle, &offset, (nuint)wanted);
                if (sent < wanted)
                    Meter?.GiveBack(kind, wanted - Math.Max(sent, 0));
                if (sent < 0)
                {
                    if (Failed(out var step))
                        return step;
                    return Step.SocketFull;
                }
                if (sent == 0)
                {
                    // Shorter than it was at the start: what is missing cannot be made up, so the connection ends here.
                    Stop(SendEnd.Truncated);
                    return Step.Finished;
                }
                file.Sent(Body.Offset, _bodyOffset, _bodyOffset + sent, clock);
                _bodyOffset += sent;
                _fileLeft -= sent;
                BodySent += sent;
                if (_waiter.CountsQueues)
                    _waiter.CountQueue(this, file);
                // Less than asked for means that the socket is full: asking again would only hear EAGAIN.
                if (sent < wanted)
                    return Step.SocketFull;
            }
        }
        catch (ObjectDisposedException)
        {
            Stop(SendEnd.ViewerLeft);
        }
        return Step.Finished;
    }

    private nint SendMemory()
    {
        fixed (byte* head = Head)
        fixed (byte* memory = _memory.Span)
        {
            var vectors = stackalloc Native.IoVec[2];
            nuint count = 0;
            if (HeadEnd > _headSent)
                vectors[count++] = new Native.IoVec { Base = head + _headSent, Length = (nuint)(HeadEnd - _headSent) };
            var ofMemory = Math.Min(_memory.Length, (int)MaxCall);
            if (ofMemory > 0)
                vectors[count++] = new Native.IoVec { Base = memory, Length = (nuint)ofMemory };
            var message = new Native.MsgHdr { Vectors = vectors, VectorCount = count };
            // With a file to follow the head waits for its first bytes: one packet less and one wake-up of the viewer less.
            var flags = Native.MsgDontWait | Native.MsgNoSignal | (_fileLeft > 0 ? Native.MsgMore : 0);
            if (!_memoryIsBody || Meter is not { } meter)
                return Native.sendmsg(_socket, &message, flags);
            meter.Charge(Body.Kind, ofMemory);
            var sent = Native.sendmsg(_socket, &message, flags);
            var untaken = ofMemory - Math.Max(0, sent - (HeadEnd - _headSent));
            if (untaken > 0)
                meter.GiveBack(Body.Kind, untaken);
            return sent;
        }
    }

    private void Took(nint sent)
    {
        MemorySent += sent;
        var ofHead = (int)Math.Min(sent, HeadEnd - _headSent);
        _headSent += ofHead;
        var ofMemory = (int)(sent - ofHead);
        if (ofMemory == 0)
            return;
        _memory = _memory[ofMemory..];
        if (_memoryIsBody)
            BodySent += ofMemory;
    }

    /// <summary>True when there is a step to take: again at once after a signal, or the end. False when the socket is full.</summary>
    private bool Failed(out Step step)
    {
        step = Step.Finished;
        switch (Marshal.GetLastPInvokeError())
        {
            case Native.Eagain:
                return false;
            case Native.Eintr:
                step = _fileLeft > 0 ? Step.NeedsLane : Step.SocketFull;
                return true;
            case Native.Epipe or Native.Econnreset:
                Stop(SendEnd.ViewerLeft);
                return true;
            case 5 or 116: // EIO, ESTALE: the disk or the file server
                Stop(SendEnd.SourceFailed);
                return true;
            default: // ETIMEDOUT, EHOSTUNREACH and their like: the network gave the viewer up
                Stop(SendEnd.ViewerLeft);
                return true;
        }
    }

    /// <summary>Leaves the send to whoever has room or a thread for it. False: there is room again already, and it goes on here.</summary>
    private bool Wait(Step step)
    {
        if (step is Step.NeedsLane)
        {
            Body.File!.Lane.Enqueue(this);
            return true;
        }
        _waiter.Watch(this);
        Volatile.Write(ref _carrying, 0);
        // News that came between the full socket and this line was told to nobody: the edge comes once.
        return Interlocked.Exchange(ref _lookAgain, 0) == 0 || Interlocked.Exchange(ref _carrying, 1) != 0;
    }

    /// <summary>By the waiter, on its own thread: there is room. Sends what it can; only a cold file goes elsewhere.</summary>
    internal void Continue()
    {
        // Noted before the attempt: whoever has the send in hand either lets go before it, or reads the note after it.
        Interlocked.Exchange(ref _lookAgain, 1);
        if (Interlocked.Exchange(ref _carrying, 1) == 0)
            Carry(onLane: false);
    }

    /// <summary>By anybody: look again, on a pool thread.</summary>
    internal void Wake()
    {
        Interlocked.Exchange(ref _lookAgain, 1);
        if (Interlocked.Exchange(ref _carrying, 1) == 0)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>By the waiter: the viewer's TCP took nothing for too long.</summary>
    internal bool GiveUp()
    {
        if (Interlocked.Exchange(ref _carrying, 1) != 0)
            return false;
        Stop(SendEnd.Idle);
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return true;
    }

    /// <summary>By whoever needs the memory of its queue, though no send is under way.</summary>
    internal void Drop() => _connection.Abort(new ConnectionAbortedException("memory runs short"));

    // A half-closed viewer still reads: the send is tried again, and if the socket is only full it waits on.
    private void WakeToLook() => Wake();

    internal bool IsWaiting => Volatile.Read(ref _carrying) == 0;

    void IThreadPoolWorkItem.Execute() => Carry(onLane: false);

    void IFileWork.Run() => Carry(onLane: true);

    void IFileWork.Failed() => Fail();

    /// <summary>A fault of ours in the midst of a send: what was sent is not known, so the connection ends, and whoever waits hears of it.</summary>
    internal void Fail()
    {
        Stop(SendEnd.SourceFailed);
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void Carry(bool onLane)
    {
        // What was noted up to here this very look sees.
        Interlocked.Exchange(ref _lookAgain, 0);
        while (true)
        {
            if (Volatile.Read(ref _flushState) == CompletedWhilePending && End == SendEnd.Done)
                Stop(SendEnd.ViewerLeft);
            var step = End == SendEnd.Done ? Push(onLane) : Step.Finished;
            if (step is Step.Finished)
            {
                // Before the result: the writer may flush again on this very thread.
                _flush.SetResult(Finish());
                return;
            }
            if (Wait(step))
                return;
        }
    }

    private FlushResult Finish()
    {
        Forget();
        if (Interlocked.Exchange(ref _flushState, NoFlush) == CompletedWhilePending)
            Close();
        return new FlushResult(false, End != SendEnd.Done);
    }

    private void Forget()
    {
        _headSent = 0;
        _memory = default;
        _memoryIsBody = false;
        _fileLeft = 0;
        Clear();
    }

    /// <summary>By the output above: what the connection owes can no longer be sent.</summary>
    public void Cut(SendEnd end)
    {
        if (End == SendEnd.Done)
            Stop(end);
    }

    private void Stop(SendEnd end)
    {
        End = end;
        // Reset, not an orderly end: a short body must never look whole.
        _connection.Abort(new ConnectionAbortedException("send ended: " + end));
    }

    public override void CancelPendingFlush() => WakeToLook();

    /// <summary>The connection's work is done. A send that is still in another's hands ends first, and whoever has it takes the leave.</summary>
    public override void Complete(Exception? exception = null)
    {
        _completedWith = exception;
        _closed.Unregister();
        if (Interlocked.CompareExchange(ref _flushState, CompletedWhilePending, FlushPending) == FlushPending)
        {
            Wake();
            return;
        }
        Forget();
        Close();
    }

    private void Close()
    {
        _waiter.Release(this);
        _inner.Complete(_completedWith);
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token) => _flush.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _flush.GetStatus(token);

    void IValueTaskSource<FlushResult>.OnCompleted(Action<object?> continuation, object? state, short token,
        ValueTaskSourceOnCompletedFlags flags) => _flush.OnCompleted(continuation, state, token, flags);
}
