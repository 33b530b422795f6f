using System.Threading.Tasks.Sources;
using XLive.Media;
using XLive.Media.Fmp4;

namespace XLive.Server.Playback.Hls;

/// <summary>How waiting ended.</summary>
internal enum BlockedEnd : byte
{
    /// <summary>It is there, or will never be.</summary>
    Settled,

    /// <summary>It did not come in time (bis 6.2.5.2).</summary>
    TooLong,

    /// <summary>So many wait that no more may.</summary>
    TooMany,

    /// <summary>Nobody waits any more.</summary>
    Left,
}

/// <summary>What of a rendition a request is for.</summary>
/// <param name="Part">-1: the whole segment.</param>
/// <param name="IsHint">The part itself, which EXT-X-PRELOAD-HINT named, and not the playlist that lists it.</param>
internal readonly record struct Awaited(TrackKind Kind, long Number, int Part, bool IsHint)
{
    public bool IsSettled(PresentationView? view) =>
        view is null or { HasEnded: true } || view.Of(Kind) is not { } playlist || (IsHint ? !playlist.IsHinted(Number, Part) : playlist.Reaches(Number, Part));
}

/// <summary>
/// Requests for what a presentation does not have yet. The publisher's thread takes those out whose time has come and leaves them to the pool, some to a
/// work item, so that every processor answers and none of them waits for a viewer; nobody else waits for the lock meanwhile, for nothing is sent under it.
/// </summary>
internal sealed class BlockedRequests
{
    /// <summary>Of one stream. A player has one playlist and one part of each of two renditions under way.</summary>
    public const int Most = 50_000;

    // A dozen microseconds each: what one work item holds up is not seen, and taking it costs nothing beside.
    private const int Together = 32;

    private readonly Lock _gate = new();
    private readonly List<BlockedRequest> _waiting = [];
    private readonly List<BlockedRequest> _settled = [];
    private PresentationView? _view;

    public int Count => _waiting.Count;

    /// <param name="now">When the request came.</param>
    public ValueTask<BlockedEnd> WaitAsync(in Awaited awaited, DateTimeOffset now, CancellationToken gone)
    {
        BlockedRequest request;
        lock (_gate)
        {
            // It may have come since the caller looked.
            if (_view is { } view && awaited.IsSettled(view))
                return new(BlockedEnd.Settled);
            if (_waiting.Count >= Most)
                return new(BlockedEnd.TooMany);
            request = new BlockedRequest(this, awaited, now) { Place = _waiting.Count };
            _waiting.Add(request);
        }
        return request.WaitAsync(gone);
    }

    /// <summary>Something came.</summary>
    public void Wake(PresentationView? view)
    {
        lock (_gate)
        {
            _view = view;
            Take(static (request, view, _) => request.Awaited.IsSettled(view), view, default);
        }
        Release(BlockedEnd.Settled);
    }

    /// <summary>Whoever waits since then, or longer, has waited long enough.</summary>
    public void Expire(DateTimeOffset since)
    {
        lock (_gate)
            Take(static (request, _, since) => request.Since <= since, null, since);
        Release(BlockedEnd.TooLong);
    }

    /// <summary>True: it was still waiting, and does no more.</summary>
    internal bool TryTake(BlockedRequest request)
    {
        lock (_gate)
        {
            if (request.Place < 0)
                return false;
            TakeAt(request.Place);
            return true;
        }
    }

    private void Take(Func<BlockedRequest, PresentationView?, DateTimeOffset, bool> isDue, PresentationView? view, DateTimeOffset since)
    {
        // From the end: who is taken is replaced by the last.
        for (var i = _waiting.Count - 1; i >= 0; i--)
        {
            var request = _waiting[i];
            if (!isDue(request, view, since))
                continue;
            TakeAt(i);
            _settled.Add(request);
        }
    }

    private void TakeAt(int place)
    {
        _waiting[place].Place = -1;
        var last = _waiting[^1];
        _waiting.RemoveAt(_waiting.Count - 1);
        if (place == _waiting.Count)
            return;
        _waiting[place] = last;
        last.Place = place;
    }

    // By the caller of Wake and Expire, who is one at a time.
    private void Release(BlockedEnd end)
    {
        for (var first = 0; first < _settled.Count; first += Together)
        {
            var batch = _settled.GetRange(first, Math.Min(Together, _settled.Count - first));
            ThreadPool.UnsafeQueueUserWorkItem(new Batch(batch, end), preferLocal: false);
        }
        _settled.Clear();
        if (_settled.Capacity > 1024 && _waiting.Count < 256)
            _settled.Capacity = 0;
    }

    private sealed class Batch(List<BlockedRequest> requests, BlockedEnd end) : IThreadPoolWorkItem
    {
        public void Execute()
        {
            foreach (var request in requests)
                request.Finish(end);
        }
    }
}

/// <summary>One of them: what it waits for, and who goes on when it is there.</summary>
internal sealed class BlockedRequest(BlockedRequests among, Awaited awaited, DateTimeOffset since) : IValueTaskSource<BlockedEnd>
{
    private ManualResetValueTaskSourceCore<BlockedEnd> _source;
    private CancellationTokenRegistration _gone;

    public Awaited Awaited { get; } = awaited;
    public DateTimeOffset Since { get; } = since;

    /// <summary>In the list of those who wait; -1: in none.</summary>
    public int Place { get; set; }

    public ValueTask<BlockedEnd> WaitAsync(CancellationToken gone)
    {
        _gone = gone.UnsafeRegister(static request => ((BlockedRequest)request!).Leave(), this);
        return new(this, _source.Version);
    }

    public void Finish(BlockedEnd end) => _source.SetResult(end);

    private void Leave()
    {
        if (among.TryTake(this))
            _source.SetResult(BlockedEnd.Left);
    }

    BlockedEnd IValueTaskSource<BlockedEnd>.GetResult(short token)
    {
        _gone.Unregister();
        return _source.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource<BlockedEnd>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<BlockedEnd>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
