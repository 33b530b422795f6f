using XLive.Server.Traffic;

namespace XLive.Server.Sending;

/// <summary>
/// Whose the bytes are that lie in a connection's send queue: the queue may hold megabytes, and a viewer who leaves has not taken them. At
/// an early end what his TCP had not acknowledged is given back.
///
/// Positions are bytes of the connection, from its first on. In clear a piece is body and nothing else, and the sum is exact. In TLS a
/// piece is a few records; of one that was taken in part its bytes count as body first, which is never too little and at most
/// <see cref="LongestMixed"/>'s overhead, half a kilobyte, too much.
/// </summary>
internal sealed class QueuedBodies
{
    // Who waits for each answer has one in the queue. Who sends many requests at once has as many; beyond the most, the oldest stay charged.
    private const int First = 4, Most = 64;
    private const int LongestMixed = 256 * 1024;

    private readonly Lock _gate = new();
    private Piece[] _pieces = [];
    private int _count;
    private long _taken = long.MaxValue;

    /// <summary>In sum.</summary>
    public long GivenBack { get; private set; }

    /// <summary>The kernel has these bytes, or is about to be given them.</summary>
    /// <param name="body">How many of them are the body's; all but heads, frames and records.</param>
    /// <param name="socket">To look at when there is no room for another.</param>
    public void Add(Meter meter, FileKind kind, long start, long end, long body, SocketOutput socket)
    {
        lock (_gate)
        {
            if (_taken != long.MaxValue)
            {
                GiveBack(new Piece(meter, kind, start, end, body));
                return;
            }
            if (_count > 0 && _pieces[_count - 1].TryExtend(meter, kind, start, end, body))
                return;
            if (_count == _pieces.Length)
                MakeRoom(socket);
            _pieces[_count++] = new Piece(meter, kind, start, end, body);
        }
    }

    private void MakeRoom(SocketOutput socket)
    {
        var gone = 0;
        if (_count > 0 && TcpState.TryRead(socket.SocketHandle, out var tcp))
        {
            while (gone < _count && _pieces[gone].End <= tcp.Acknowledged)
                gone++;
        }
        if (gone == 0 && _pieces.Length < Most)
        {
            Array.Resize(ref _pieces, Math.Max(First, _pieces.Length * 4));
            return;
        }
        gone = Math.Max(gone, 1);
        Array.Copy(_pieces, gone, _pieces, 0, _count - gone);
        _count -= gone;
    }

    /// <summary>The connection is over, and its viewer has taken so many bytes of it. What comes to be added later was not taken either.</summary>
    public void EndAt(long taken)
    {
        lock (_gate)
        {
            if (_taken != long.MaxValue)
                return;
            _taken = taken;
            for (var i = 0; i < _count; i++)
                GiveBack(_pieces[i]);
            _pieces = [];
            _count = 0;
        }
    }

    private void GiveBack(in Piece piece)
    {
        var untaken = piece.Body - Math.Clamp(_taken - piece.Start, 0, piece.Body);
        if (untaken == 0)
            return;
        piece.Meter.GiveBack(piece.Kind, untaken);
        GivenBack += untaken;
    }

    private struct Piece(Meter meter, FileKind kind, long start, long end, long body)
    {
        public readonly Meter Meter = meter;
        public readonly FileKind Kind = kind;
        public readonly long Start = start;
        public long End = end;
        public long Body = body;

        public bool TryExtend(Meter meter, FileKind kind, long start, long end, long body)
        {
            if (Meter != meter || Kind != kind)
                return false;
            var isBody = end - start == body && Body == End - Start;
            if (isBody ? start != End : end - Start > LongestMixed)
                return false;
            End = end;
            Body += body;
            return true;
        }
    }
}
