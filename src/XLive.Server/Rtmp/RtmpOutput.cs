using System.Buffers;
using XLive.Server.Sending;
using XLive.Server.Traffic;

namespace XLive.Server.Rtmp;

/// <summary>
/// The way out of one connection. A player's media and the answers to its commands come from two tasks, and one at a time may send. Nothing is queued here:
/// whoever sends waits until the socket has taken it, so a peer that reads slowly is read slowly.
/// </summary>
internal sealed class RtmpOutput(BodyOutput writer) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);

    /// <returns>False: the peer has gone.</returns>
    public async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> bytes)
    {
        await _turn.WaitAsync();
        try
        {
            writer.Write(bytes.Span);
            return !(await writer.FlushAsync()).IsCompleted;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Several pieces, in one send where the socket has room.</summary>
    public async ValueTask<bool> SendAsync(IReadOnlyList<ReadOnlyMemory<byte>> pieces)
    {
        await _turn.WaitAsync();
        try
        {
            for (var i = 0; i < pieces.Count; i++)
                writer.Write(pieces[i].Span);
            return !(await writer.FlushAsync()).IsCompleted;
        }
        finally
        {
            _turn.Release();
        }
    }

    public SharedPaces? Paces
    {
        set => writer.Paces = value;
    }

    /// <summary>Bytes of bodies that the peer took.</summary>
    public long BodySent => writer.BodySent;

    /// <summary>From where it lies, and charged as it leaves.</summary>
    /// <returns>False: the peer has gone, or may have no more.</returns>
    public async ValueTask<bool> SendAsync(Body body, Meter meter)
    {
        if (body.Length == 0)
            return true;
        await _turn.WaitAsync();
        try
        {
            if (writer.End != SendEnd.Done)
                return false;
            writer.Announce(body, meter);
            writer.Advance((int)body.Length);
            // The flush does not wait for what was announced.
            await writer.FlushAsync();
            return !(await writer.BodySentAsync()).IsCompleted;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>For who drives it from another thread. Null: it is encrypted here.</summary>
    public PieceSender? TakePieces(Meter meter, FileKind kind) => writer is SocketOutput socket ? PieceSender.Plain(socket, meter, kind, _turn) : null;

    /// <summary>When the socket takes some more. False: it never will.</summary>
    public async ValueTask<bool> RoomAsync(Meter meter)
    {
        await _turn.WaitAsync();
        try
        {
            return writer.End == SendEnd.Done && !(await writer.RoomAsync(meter)).IsCompleted;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();
}
