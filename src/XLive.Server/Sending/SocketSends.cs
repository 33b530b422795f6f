using System.Buffers;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using XLive.Server.Traffic;

namespace XLive.Server.Sending;

/// <summary>The calls that send, and what is charged for each.</summary>
internal sealed unsafe partial class SocketOutput
{
    // The contract's bound: a response in flight is charged at most one send call too much.
    private const long MaxCall = 1024 * 1024;
    private const int MaxCopy = 128 * 1024;

    // Used by whoever carries the send on.
    private int _headSent;
    private ReadOnlyMemory<byte> _memory;
    private long _bodyOffset;
    private long _fileLeft;
    private bool _memoryIsBody;
    private int _pagesFrom;
    private long _bodyTaken;
    private Passage _passage;
    private long _charged; // for the call that runs
    private long _copiedFrom = -1; // Taken, when its queue was shortened

    private enum Step { Finished, SocketFull, NeedsLane, Paced }

    /// <summary>Sends what can be sent now. On a lane it may touch the file; elsewhere it stops before it.</summary>
    private Step Push(bool onLane)
    {
        try
        {
            if (_wantsRoom && (_roomFor is not { IsStopped: true }))
            {
                // Not writable: the kernel notes that somebody wants to know.
                if (!_plug.Poll(0, SelectMode.SelectWrite))
                    return Step.SocketFull;
                _wantsRoom = false;
            }
            if (_waiter.KeepsQueuesShort && _copiedFrom < 0)
                ShortenQueue();
            while (HeadEnd > _headSent || _memory.Length > 0 || _fileLeft > 0)
            {
                if (Meter is { IsStopped: true })
                {
                    Stop(SendEnd.Stopped);
                    return Step.Finished;
                }
                var step = HeadEnd > _headSent || _memory.Length > 0 ? SendMemory() : SendFile(onLane);
                if (step is not null)
                    return step.Value;
            }
        }
        catch (ObjectDisposedException)
        {
            Settle(_charged, 0, 0, 0);
            Stop(SendEnd.ViewerLeft);
        }
        return Step.Finished;
    }

    /// <summary>
    /// From here on, until it closes, the socket takes only what is on its way and little more, and that as a copy: a queue of 128 KiB may lie in two
    /// of the page cache's large folios, and the kernel has none of both back.
    /// </summary>
    private void ShortenQueue()
    {
        uint unsent = WritableWaiter.ShortQueue;
        _ = Native.setsockopt(_socket, Native.Tcp, Native.TcpNotSentLowat, &unsent, sizeof(uint));
        _copiedFrom = Taken;
    }

    /// <summary>Of the queue, what are pages of files.</summary>
    internal long QueuedPages => _copiedFrom < 0 ? Queued : Math.Max(0, Queued - (Taken - _copiedFrom));

    /// <summary>Null: there may be more to send.</summary>
    private Step? SendMemory()
    {
        var ofHead = HeadEnd - _headSent;
        var asPages = _pagesFrom > 0 && _memory.Length >= _pagesFrom && _copiedFrom < 0 && PagePipe.IsAllowed;
        // Pages take a call of their own, and the head waits for the first of them.
        long ofMemory = asPages && ofHead > 0 ? 0 : Math.Min(_memory.Length, MaxCall);
        var isBody = _memoryIsBody && ofMemory > 0;
        if (isBody && !MayTake(ref ofMemory))
            return Step.Paced;
        if (isBody)
            Charge(ofMemory);
        if (!(asPages && ofHead == 0 && TrySendPages((int)ofMemory, out var sent, out var error)))
            sent = SendMessage(ofHead, (int)ofMemory, out error);
        var bodySent = Math.Max(0, sent - ofHead);
        if (isBody)
            Settle(ofMemory, bodySent, IsFramed ? Taken : Taken + ofHead, Taken + ofHead + bodySent);
        if (error == Native.Eintr)
            return null;
        if (sent < 0)
            return Failed(error) ? Step.Finished : Step.SocketFull;
        Taken += sent;
        _headSent += (int)Math.Min(sent, ofHead);
        _memory = _memory[(int)bodySent..];
        return null;
    }

    private bool TrySendPages(int count, out nint sent, out int error)
    {
        fixed (byte* memory = _memory.Span)
            return PagePipe.TrySend(_socket, memory, count, out sent, out error);
    }

    private nint SendMessage(int ofHead, int ofMemory, out int error)
    {
        fixed (byte* head = Head)
        fixed (byte* memory = _memory.Span)
        {
            var vectors = stackalloc Native.IoVec[2];
            nuint count = 0;
            if (ofHead > 0)
                vectors[count++] = new Native.IoVec { Base = head + _headSent, Length = (nuint)ofHead };
            if (ofMemory > 0)
                vectors[count++] = new Native.IoVec { Base = memory, Length = (nuint)ofMemory };
            var message = new Native.MsgHdr { Vectors = vectors, VectorCount = count };
            // With a file or pages to follow the head waits for its first bytes: one packet less and one wake-up of the viewer less.
            var moreFollows = _fileLeft > 0 || (ofMemory == 0 && _memory.Length > 0);
            var flags = Native.MsgDontWait | Native.MsgNoSignal | (moreFollows ? Native.MsgMore : 0);
            nint sent;
            do
            {
                sent = Native.sendmsg(_socket, &message, flags);
                error = sent < 0 ? Marshal.GetLastPInvokeError() : 0;
            }
            while (error == Native.Eintr);
            return sent;
        }
    }

    private Step? SendFile(bool onLane)
    {
        var file = Body.File!;
        // From here it may only go as far as it waits for no disk: one viewer's cold page would hold up all that this thread serves.
        var wanted = Math.Min(_fileLeft, onLane ? MaxCall : Math.Min(MaxCall, file.WarmBytes(_bodyOffset)));
        if (wanted <= 0)
            return Step.NeedsLane;
        if (!MayTake(ref wanted))
            return Step.Paced;
        var clock = onLane ? default : SendClock.Start();
        if (_copiedFrom >= 0)
            wanted = Math.Min(wanted, MaxCopy);
        Charge(wanted);
        int error;
        var sent = _copiedFrom < 0 ? SendPages(file, wanted, out error) : SendCopy(file, wanted, out error);
        Settle(wanted, Math.Max(sent, 0), Taken, Taken + sent);
        if (error == Native.Eintr)
            return Step.NeedsLane;
        if (sent < 0)
            return Failed(error) ? Step.Finished : Step.SocketFull;
        if (sent == 0)
        {
            // Shorter than it was at the start: what is missing cannot be made up, so the connection ends here.
            Stop(SendEnd.Truncated);
            return Step.Finished;
        }
        file.Sent(Body.Offset, _bodyOffset, _bodyOffset + sent, clock);
        Taken += sent;
        _bodyOffset += sent;
        _fileLeft -= sent;
        if (_waiter.CountsQueues)
            _waiter.CountQueue(this, file);
        // Less than asked for means that the socket is full: asking again would only hear EAGAIN.
        return sent < wanted ? Step.SocketFull : null;
    }

    private nint SendPages(SendableFile file, long wanted, out int error)
    {
        var offset = _bodyOffset;
        var sent = Native.sendfile(_socket, file.Handle, &offset, (nuint)wanted);
        error = sent < 0 ? Marshal.GetLastPInvokeError() : 0;
        return sent;
    }

    private nint SendCopy(SendableFile file, long wanted, out int error)
    {
        file.ReadNoFurther();
        var rented = ArrayPool<byte>.Shared.Rent((int)wanted);
        try
        {
            fixed (byte* bytes = rented)
            {
                var sent = Native.pread(file.Handle, bytes, (nuint)wanted, _bodyOffset);
                if (sent > 0)
                    sent = Native.send(_socket, bytes, (nuint)sent, Native.MsgDontWait | Native.MsgNoSignal);
                error = sent < 0 ? Marshal.GetLastPInvokeError() : 0;
                return sent;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>How much the viewer's rates let go now. False: nothing yet, and <see cref="_pause"/> says for how long.</summary>
    private bool MayTake(ref long wanted)
    {
        if (Meter is not { } meter || (meter.Pace is null && Paces is null))
            return true;
        wanted = _passage.Take(meter, SharedNow, wanted, out _pause);
        return wanted > 0;
    }

    private Pace[] SharedNow => Paces?.Current ?? [];

    private void Charge(long bytes)
    {
        _charged = bytes;
        Meter?.Charge(Body.Kind, bytes);
    }

    /// <summary>After a call for which so much was charged: the kernel took so much of it, which lies in its queue from there to there.</summary>
    private void Settle(long charged, long taken, long from, long to)
    {
        _charged = 0;
        _bodyTaken += taken;
        if (Meter is not { } meter)
            return;
        if (taken < charged)
        {
            meter.GiveBack(Body.Kind, charged - taken);
            Passage.PutBack(meter, SharedNow, charged - taken);
        }
        if (taken > 0)
            _queued.Add(meter, Body.Kind, from, to, taken, this);
    }

    /// <summary>True when this is the end; false when the socket is only full.</summary>
    private bool Failed(int error)
    {
        switch (error)
        {
            case Native.Eagain:
                return false;
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
}
