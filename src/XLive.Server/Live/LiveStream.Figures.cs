using XLive.Media;

namespace XLive.Server.Live;

// What the operator sees of it.
public sealed partial class LiveStream
{
    private readonly HashSet<Cursor> _watching = [];
    private readonly RateWindow _rates;
    private long _bytesIn;
    private long _pictures;
    private long _jumps;
    private long _refusedBefore; // of publishers who have left
    private long _sentToOthers; // to those who left, and in forms that are not frames

    public LiveFigures Figures()
    {
        lock (_gate)
        {
            var sent = BytesOut();
            var (@in, @out, pictures) = _rates.Rates(_bytesIn, sent, _pictures);
            return new LiveFigures(@in * 8, @out * 8, pictures, _bytesIn, sent, FramesSkipped, _refusedBefore + (_publication?.Refused ?? 0), _jumps);
        }
    }

    // Until its rate is known: a stream of 2 Mbit/s.
    private const long Unknown = 8L << 20;

    /// <summary>Of memory, when its window is full: by the formulas of docs/live.md and docs/hls.md.</summary>
    internal long ExpectedBytes(LiveOptions options)
    {
        double rate;
        lock (_gate)
            rate = _rates.Rates(_bytesIn, 0, 0).In;
        var seconds = 10 + (2 * options.Window + 2) * options.SegmentSeconds * Containers(options);
        return rate > 0 ? Math.Min((long)(rate * seconds), options.MemoryPerStream) : Unknown;
    }

    /// <summary>What it does not take yet of that; nothing while its publisher is away.</summary>
    internal long GrowthBytes(LiveOptions options) =>
        Publication is null ? 0 : Math.Max(0, ExpectedBytes(options) - Volatile.Read(ref _bytesIn) * Containers(options));

    private static int Containers(LiveOptions options) => options.Container == Container.Both ? 2 : 1;

    /// <summary>Of what is made of its frames elsewhere.</summary>
    public void CountSent(long bytes) => Interlocked.Add(ref _sentToOthers, bytes);

    // Each viewer counts for himself: thousands who add to one sum would wait for one another.
    private long BytesOut()
    {
        lock (_watching)
            return Volatile.Read(ref _sentToOthers) + _watching.Sum(static c => c.Bytes);
    }

    private void Measure(in Frame frame, bool discontinuity)
    {
        _bytesIn += frame.Payload.Length;
        _pictures += frame.Track.IsVideo ? 1 : 0;
        _jumps += discontinuity ? 1 : 0;
        if (_rates.IsDue)
            _rates.Add(_bytesIn, BytesOut(), _pictures);
    }

    private void Came(Cursor viewer)
    {
        lock (_watching)
            _watching.Add(viewer);
    }

    private void Went(Cursor viewer)
    {
        lock (_watching)
        {
            if (_watching.Remove(viewer))
                Interlocked.Add(ref _sentToOthers, viewer.Bytes);
        }
    }
}
