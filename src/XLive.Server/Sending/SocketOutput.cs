using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
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
/// <see cref="WritableWaiter"/> tells when there is room again. The calls are in SocketSends.cs, the waits in SocketWaits.cs.
/// </summary>
internal sealed partial class SocketOutput : BodyOutput, IThreadPoolWorkItem, IFileWork, IValueTaskSource<FlushResult>
{
    private readonly Socket _plug;
    private readonly SafeSocketHandle _socket;
    private readonly ConnectionContext _connection;
    private readonly PipeWriter _inner;
    private readonly WritableWaiter _waiter;
    private readonly CancellationTokenRegistration _closed;
    private readonly QueuedBodies _queued = new();

    private bool _gathers;
    private Exception? _completedWith;

    public SocketOutput(Socket socket, ConnectionContext connection, WritableWaiter waiter)
    {
        (_plug, _socket) = (socket, socket.SafeHandle);
        _connection = connection;
        _inner = connection.Transport.Output;
        _waiter = waiter;
        Peer = connection.RemoteEndPoint;
        waiter.Greet(this);
        _closed = connection.ConnectionClosed.UnsafeRegister(static o => ((SocketOutput)o!).WakeToLook(), this);
    }

    /// <summary>All bytes that the socket took, from the connection's first on.</summary>
    public long Taken { get; private set; }

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

    /// <summary>The other end of the socket: a proxy's, where one is in front.</summary>
    internal EndPoint? Peer { get; }

    /// <summary>A flush waits for room or for a disk.</summary>
    internal bool IsSending => Volatile.Read(ref _flushState) != NoFlush;

    /// <summary>Bytes in the kernel's send queue that the viewer's TCP has not acknowledged; 0 for a socket that is closed.</summary>
    internal unsafe int Queued
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

    public override long BodySent => _bodyTaken - _queued.GivenBack;

    /// <summary>Body bytes that were charged and that the viewer never took.</summary>
    public long GivenBack => _queued.GivenBack;

    /// <summary>By the output above: the records that are gathered now carry so many bytes of a body, which have been charged.</summary>
    /// <param name="from">So many gathered bytes lie before them, at least.</param>
    public void Carries(Meter meter, FileKind kind, int from, long body) =>
        _queued.Add(meter, kind, Taken + from, Taken + HeadEnd, body, this);

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
            _pagesFrom = Body.PagesFrom;
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
        _pagesFrom = 0;
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
        if (CarryOrWait(out var result) || !isBody)
            return result;
        _bodyUnderWay = true;
        return new(new FlushResult(false, false));
    }

    /// <summary>True: it is done already.</summary>
    private bool CarryOrWait(out ValueTask<FlushResult> result)
    {
        Step step;
        do
        {
            step = Push(onLane: false);
            if (step is Step.Finished)
            {
                result = new(Finish());
                return true;
            }
            _flush.Reset();
            Volatile.Write(ref _flushState, FlushPending);
        }
        while (!Wait(step));
        result = new(this, _flush.Version);
        return false;
    }

    public override ValueTask<FlushResult> RoomAsync(Meter? meter)
    {
        Debug.Assert(!IsSending && UnflushedBytes == 0);
        Volatile.Write(ref _lookAgain, 0);
        (_wantsRoom, _roomFor) = (End == SendEnd.Done, meter);
        CarryOrWait(out var result);
        return result;
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

    private void Forget()
    {
        _headSent = 0;
        _memory = default;
        _memoryIsBody = false;
        _pagesFrom = 0;
        _fileLeft = 0;
        (_wantsRoom, _roomFor) = (false, null);
        _passage.Leave(Meter, SharedNow);
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
        TakeBack();
        // Reset, not an orderly end: a short body must never look whole.
        _connection.Abort(new ConnectionAbortedException("send ended: " + end));
    }

    /// <summary>By whoever needs the memory of its queue, though no send is under way.</summary>
    internal void Drop()
    {
        TakeBack();
        _connection.Abort(new ConnectionAbortedException("memory runs short"));
    }

    /// <summary>The kernel drops what is in the queue, or will with the reset: its body bytes are given back. Only before the socket is closed does it tell.</summary>
    internal void TakeBack()
    {
        // Closed already: whoever closed it may have looked before and be about to tell.
        if (!TcpState.TryRead(_socket, out var tcp))
            return;
        // A viewer who is gone takes nothing more. To one whom we cut, what is on its way arrives before the reset does.
        if (tcp.IsClosed)
            _queued.EndAt(tcp.Acknowledged);
        else
            _queued.EndAt(tcp.Acknowledged + Queued - tcp.Unsent);
    }

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
        // Its answers were whole for us, and the viewer has gone before he took them. In an orderly end the kernel still delivers them.
        if (TcpState.TryRead(_socket, out var tcp) && tcp.IsClosed)
            _queued.EndAt(tcp.Acknowledged);
        else
            _queued.EndAt(Taken);
        _waiter.Release(this);
        _inner.Complete(_completedWith);
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token) => _flush.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _flush.GetStatus(token);

    void IValueTaskSource<FlushResult>.OnCompleted(Action<object?> continuation, object? state, short token,
        ValueTaskSourceOnCompletedFlags flags) => _flush.OnCompleted(continuation, state, token, flags);
}
