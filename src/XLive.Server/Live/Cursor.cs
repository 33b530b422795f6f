using XLive.Media;
using XLive.Server.Sending;

namespace XLive.Server.Live;

/// <summary>A viewer's place in a stream. He is no part of it: a slow one costs it nothing.</summary>
public sealed class Cursor : IDisposable
{
    /// <summary>Of one read: a megabyte is what one call may take, and be charged too much (contract: in flight).</summary>
    public const int MostAtOnce = 1 << 20;

    /// <summary>Of one whose socket was full: what he is in the midst of is held, with the slab that it lies in, for as long as he takes for it.</summary>
    public const int MostOfSlow = 32 << 10;

    private readonly LiveStream _stream;
    private readonly FrameLog _log;
    private long _number;
    private long _skipped;
    private long _bytes;
    private bool _wantsKey;
    private int _isDisposed;

    internal Cursor(LiveStream stream, FrameLog log, ViewerKind kind, long number, Track? video, Track? audio, Timestamp from) =>
        (_stream, _log, Kind, _number, Video, Audio, From) = (stream, log, kind, number, video, audio, from);

    public ViewerKind Kind { get; }

    /// <summary>As they are where he begins, to be told first.</summary>
    public Track? Video { get; }
    public Track? Audio { get; }

    /// <summary>The time of the first frame.</summary>
    public Timestamp From { get; }

    /// <summary>Frames that he missed because he was too late for them.</summary>
    public long Skipped => Volatile.Read(ref _skipped);

    /// <summary>That he was given.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>What may be sent to him. To be said before he reads.</summary>
    public CodecSet Takes { get; set; } = CodecSet.All;

    /// <summary>What comes next is of a codec that he does not take: he has been given all that lay before.</summary>
    public Track? NotTaken { get; private set; }

    /// <summary>Completes when there may be more; to be taken before <see cref="TryRead"/> says that there is nothing.</summary>
    public Task Coming => _stream.Coming;

    /// <summary>No frame comes any more: to be looked at before <see cref="TryRead"/>, which then reads the last of them.</summary>
    public bool IsOver => NotTaken is not null || _stream.IsOver;

    /// <summary>
    /// What came, in one piece and in the form that this viewer takes; whole frames, and more than so many bytes only where one alone is longer. Never nothing.
    /// </summary>
    public bool TryRead(int most, out BodyPiece piece)
    {
        var found = _log.TryRead(ref _number, most, out piece, out var skipped, _wantsKey, Kind == ViewerKind.Rtmp && _stream.ViewersOf(Kind) >= Slab.LeastViewers, Takes);
        if (!found && Takes != CodecSet.All && NotTaken is null && _log.NotTakenAt(_number, Takes) is { } other)
            End(other);
        // Who stood still because he wanted to has missed nothing.
        if (skipped > 0 && !_wantsKey)
        {
            Volatile.Write(ref _skipped, _skipped + skipped);
            _stream.Skipped(skipped);
        }
        _wantsKey = false;
        Volatile.Write(ref _bytes, _bytes + piece.Bytes.Length);
        return found;
    }

    private void End(Track other)
    {
        NotTaken = other;
        _stream.CountNotTaken();
    }

    internal Party PartyOf(Shard shard) => _stream.PartyOf(shard);

    /// <summary>Goes on at the newest keyframe, unless that is behind him.</summary>
    public void GoToKey() => _wantsKey = true;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            _stream.Left(this);
    }
}
