using System.Diagnostics;

namespace XLive.Server.Traffic;

/// <summary>
/// So many bytes a second, shared by all who take from it in the order in which they come. Bytes are given out by their place in one long row, and may leave when the
/// row has moved as far: whoever waits has his turn for certain. Asking again and again instead, a thousand viewers of one rate are woken for every piece
/// that one of them may send.
/// </summary>
/// <param name="burst">Bytes that may leave at once after a rest, and at the beginning.</param>
public sealed class Pace(long bytesPerSecond, long burst = 0)
{
    /// <summary>Looked at again at least so often, whatever the rate: a stop or a new rate must not wait for a slow one.</summary>
    public const int LongestWait = 250;

    // Where others wait, pieces are as small as a call is worth.
    private const int CrowdPiece = 16 * 1024;

    private readonly Lock _gate = new();
    private readonly double _perTick = (double)bytesPerSecond / Stopwatch.Frequency;
    private double _given;
    private double _moved = burst;
    private long _at = Stopwatch.GetTimestamp();
    private volatile bool _isOut;

    public long BytesPerSecond => bytesPerSecond;

    /// <summary>Its place is another's: whoever has it asks for the one that counts.</summary>
    public bool IsOut
    {
        get => _isOut;
        set => _isOut = value;
    }

    /// <summary>Nobody waits, and it is as one that has just been made.</summary>
    public bool IsAtRest
    {
        get
        {
            lock (_gate)
            {
                Move();
                return _moved >= _given + Saved;
            }
        }
    }

    // Half a second is kept for those who wake late; who was idle for longer does not save up.
    private double Saved => Math.Max(burst, Math.Max(1, bytesPerSecond / 2.0));

    /// <summary>Gives out the next bytes of the row, so many of these as make a piece.</summary>
    /// <param name="place">Where they begin.</param>
    public long Reserve(long wanted, out double place)
    {
        lock (_gate)
        {
            Move();
            place = _given;
            // A tenth of a second at once: smaller pieces cost calls, larger ones make a player's buffer swing.
            var piece = Math.Max(1, bytesPerSecond / 10);
            var waiting = _given - _moved;
            if (waiting < 0)
                piece = Math.Max(piece, (long)-waiting);
            else if (waiting > piece)
                piece = Math.Min(piece, Math.Max(CrowdPiece, bytesPerSecond / 1000));
            var given = Math.Min(wanted, piece);
            _given += given;
            return given;
        }
    }

    /// <summary>0: what begins there may leave; else milliseconds after which it may, or is to be looked at.</summary>
    public int WaitFor(double place)
    {
        lock (_gate)
        {
            Move();
            return _moved >= place ? 0 : (int)Math.Clamp((place - _moved) * 1000 / bytesPerSecond + 1, 1, LongestWait);
        }
    }

    /// <summary>Of what was given out so much did not leave.</summary>
    public void PutBack(long bytes)
    {
        lock (_gate)
            _moved += bytes;
    }

    private void Move()
    {
        var now = Stopwatch.GetTimestamp();
        _moved = Math.Min(_moved + (now - _at) * _perTick, _given + Saved);
        _at = now;
    }
}
