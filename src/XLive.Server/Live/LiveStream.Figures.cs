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
