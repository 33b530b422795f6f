using XLive.Media;

namespace XLive.Server.Live;

// The side of those who watch: each with a cursor of his own.
public sealed partial class LiveStream
{
    // So long after the last RTMP viewer has gone the next is still likely.
    private static readonly TimeSpan ChunksKept = TimeSpan.FromSeconds(30);

    private readonly int[] _viewersOf = new int[ViewerKinds.Count];
    private FrameLog? _chunks; // the same frames as RTMP chunks: only while somebody watches them
    private long _chunksLeftAt;
    private int _viewers;
    private long _skipped;

    public int Viewers => Volatile.Read(ref _viewers);

    /// <summary>Bytes of frames that are kept for viewers.</summary>
    public long Bytes => _log.Bytes + (Volatile.Read(ref _chunks)?.Bytes ?? 0);

    /// <summary>Frames that viewers missed because they were too late for them.</summary>
    public long FramesSkipped => Volatile.Read(ref _skipped);

    public int ViewersOf(ViewerKind kind) => Volatile.Read(ref _viewersOf[(int)kind]);

    /// <summary>One who watches, from now until he is disposed.</summary>
    public Cursor Watch(ViewerKind kind = ViewerKind.Flv)
    {
        Interlocked.Increment(ref _viewers);
        FrameLog log;
        if (kind.Form() == WireForm.Flv)
        {
            Interlocked.Increment(ref _viewersOf[(int)kind]);
            log = _log;
        }
        else
        {
            lock (_gate)
            {
                Interlocked.Increment(ref _viewersOf[(int)kind]);
                log = _chunks ??= MakeChunks();
            }
        }
        var (video, audio) = (Video, Audio);
        var number = log.Begin(_streams.Options.GopCache, ref video, ref audio, out var from);
        var viewer = new Cursor(this, log, kind, number, video, audio, from);
        Came(viewer);
        return viewer;
    }

    /// <summary>Two logs share the memory of one.</summary>
    private FrameLog MakeChunks()
    {
        var each = _streams.Options.FrameBytes / 2;
        var chunks = new FrameLog(_streams.Slabs, each, WireForm.Rtmp);
        _log.CopyTo(chunks);
        _log.MostBytes = each;
        return chunks;
    }

    private void AppendChunks(in Frame frame)
    {
        if (_chunks is null)
            return;
        if (ViewersOf(ViewerKind.Rtmp) == 0 && Clock.GetElapsedTime(Volatile.Read(ref _chunksLeftAt)) > ChunksKept)
        {
            _chunks.Close();
            Volatile.Write(ref _chunks, null);
            _log.MostBytes = _streams.Options.FrameBytes;
            return;
        }
        _chunks.Append(frame);
    }

    internal void Left(Cursor who)
    {
        if (who.Kind == ViewerKind.Rtmp)
            Volatile.Write(ref _chunksLeftAt, Clock.GetTimestamp());
        Went(who);
        Interlocked.Decrement(ref _viewersOf[(int)who.Kind]);
        // After the last viewer of a stream that is over nobody needs its frames.
        if (Interlocked.Decrement(ref _viewers) == 0 && IsOver)
            CloseLogs();
    }

    internal void CountNotTaken() => _streams.CountNotTaken();

    internal void Skipped(long frames) => Interlocked.Add(ref _skipped, frames);

    private void CloseLogs()
    {
        _log.Close();
        Volatile.Read(ref _chunks)?.Close();
    }

    internal Task Coming => _pulse.Next;

    internal Party PartyOf(Shard shard) => _pulse.PartyOf(shard);
}
