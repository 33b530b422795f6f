using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using XLive.Server.Traffic;

namespace XLive.Server.Sending;

/// <summary>
/// Sends the pieces of a body whose end nobody knows straight on its connection's output, driven by a thread that has others to send to. Past Kestrel, which has
/// sent the head, counts nothing of such a body, and waits for the handler: of a piece of 20 ms its own way cost more than the kernel's send.
/// </summary>
internal sealed class PieceSender
{
    private readonly SocketOutput _output;
    private readonly Meter _meter;
    private readonly FileKind _kind;
    private readonly SemaphoreSlim? _turn;
    private readonly bool _isChunked;
    private readonly long _before;
    private ConfiguredValueTaskAwaitable<FlushResult>.ConfiguredValueTaskAwaiter _pending;
    private bool _hasChunks;

    private PieceSender(SocketOutput output, Meter meter, FileKind kind, SemaphoreSlim? turn, bool isChunked, bool hasChunks)
    {
        (_output, _meter, _kind, _turn, _isChunked, _hasChunks) = (output, meter, kind, turn, isChunked, hasChunks);
        _before = output.BodySent;
        output.IsFramed = isChunked;
    }

    /// <summary>Each piece is a chunk (RFC 9112 section 7.1). Nobody else writes meanwhile.</summary>
    /// <param name="hasChunks">Of this body chunks were sent before.</param>
    public static PieceSender Chunked(SocketOutput output, Meter meter, FileKind kind, bool hasChunks) => new(output, meter, kind, null, true, hasChunks);

    /// <summary>As they are, and between them others may send who take the turn.</summary>
    public static PieceSender Plain(SocketOutput output, Meter meter, FileKind kind, SemaphoreSlim turn) => new(output, meter, kind, turn, false, false);

    /// <summary>Done as long as it goes on.</summary>
    public SendEnd End => _output.End;

    public long Sent => _output.BodySent - _before;

    /// <summary>The viewer may have no more.</summary>
    public bool IsStopped => _meter.IsStopped;

    /// <summary>Takes the turn. False: another has it; see <see cref="WhenBegun"/>.</summary>
    public bool TryBegin() => _turn is null || _turn.Wait(0);

    /// <summary>Who is told when he has the turn.</summary>
    public void WhenBegun(Action told) => _turn!.WaitAsync().ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(told);

    /// <summary>Gives the turn back with nothing sent.</summary>
    public void Leave() => _turn?.Release();

    /// <summary>By who has the turn. True: the kernel has it all, or never will. False: the socket is full; see <see cref="WhenTaken"/>.</summary>
    /// <param name="piece">Stands until then.</param>
    public bool Send(in BodyPiece piece)
    {
        if (_isChunked)
        {
            ChunkHead.Write(_output, piece.Bytes.Length, isFirst: !_hasChunks);
            _hasChunks = true;
        }
        _output.Announce(Body.Of(piece, _kind), _meter);
        _output.Advance(piece.Bytes.Length);
#pragma warning disable CA2012 // no await: the thread that drives it has others to send to. Of an announced body the flush ends at once.
        _ = _output.FlushAsync().Result;
        _pending = _output.BodySentAsync().ConfigureAwait(false).GetAwaiter();
#pragma warning restore CA2012
        if (!_pending.IsCompleted)
            return false;
        Taken();
        return true;
    }

    /// <summary>After a send that had to wait: who is told, on a thread that must not be kept, when nothing of it is left to send. He calls <see cref="Taken"/> then.</summary>
    public void WhenTaken(Action told) => _pending.UnsafeOnCompleted(told);

    public void Taken()
    {
        _pending.GetResult();
        _turn?.Release();
    }

    public void Cut(SendEnd end) => _output.Cut(end);

    /// <summary>Nobody drives it any more: what the connection sends next lies in its queue as bodies do.</summary>
    public void GiveBack() => _output.IsFramed = false;
}
