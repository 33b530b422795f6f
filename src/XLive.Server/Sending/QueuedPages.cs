namespace XLive.Server.Sending;

/// <summary>
/// The page cache that send queues hold. The kernel counts it as cache that it can have back, and cannot: with 256 MiB in a control group
/// viewers who read nothing filled it in 0.6 s, and the server was killed with 200 MiB of "inactive" cache. So it is counted here, where
/// pages are given away, and who would need too much is heard of before the kernel is.
/// </summary>
internal sealed unsafe partial class WritableWaiter
{
    private long _queuedPages;

    /// <summary>Only where memory has a limit: a call more for each send.</summary>
    public bool CountsQueues { get; set; }

    /// <summary>Bytes of files that lie in queues, as far as they can be different pages.</summary>
    public long QueuedPages => Volatile.Read(ref _queuedPages);

    /// <summary>Above so many, <see cref="OnTight"/> is called, by whoever sends.</summary>
    public long PagesBudget { get; set; } = long.MaxValue;

    public Action? OnTight { get; set; }

    /// <summary>What a socket may hold beyond what is on its way, where queues are kept short: a viewer's TCP asks for the next before it is gone.</summary>
    public const int ShortQueue = 128 * 1024;

    // The queue that the kernel grows for a viewer who reads nothing was 2.8 MB: 60 of them fill the room of a small group before anybody has
    // looked at how slow they are. With a quarter of the room gone none grows any more, and none is given pages. So much is gone at once, with
    // what is read ahead, when a few dozen begin together: below that they are short from the first.
    private const int ShortFrom = 4;
    private const long SmallBudget = 256 << 20;

    private volatile bool _keepsQueuesShort;

    public bool KeepsQueuesShort => _keepsQueuesShort;

    private bool WantsShort => QueuedPages > PagesBudget / ShortFrom || PagesBudget < SmallBudget;

    internal void CountQueue(SocketOutput output, SendableFile file)
    {
        Register(output);
        Recount(output, file, output.QueuedPages);
        if (!_keepsQueuesShort && WantsShort)
            _keepsQueuesShort = true;
        if (QueuedPages > PagesBudget)
            OnTight?.Invoke();
    }

    /// <summary>Viewers have taken some since.</summary>
    public void RecountQueues()
    {
        var slots = _slots;
        for (var i = 0; i < Math.Min(_used, slots.Length); i++)
        {
            if (Volatile.Read(ref slots[i]) is { CountedFile: { } file } output)
                Recount(output, file, output.QueuedPages);
        }
        _keepsQueuesShort = WantsShort;
    }

    private void Recount(SocketOutput output, SendableFile? file, long queued)
    {
        lock (output)
        {
            // A released one is counted no more, whoever comes late.
            if (file is not null && output.Slot < 0)
                return;
            if (output.CountedFile == file && output.Counted == queued)
                return;
            var change = output.CountedFile?.CountQueued(-output.Counted) ?? 0;
            change += file?.CountQueued(queued) ?? 0;
            (output.CountedFile, output.Counted) = (file, queued);
            output.QueueMoved = _clock.GetTimestamp();
            Interlocked.Add(ref _queuedPages, change);
        }
    }

    /// <summary>
    /// Cuts viewers until so many bytes must come free: first those who have had no room, or taken nothing, for longest. Of those whose
    /// queue holds nothing that is counted a tenth at most, for only a later look can tell what that brought. Returns how many.
    /// </summary>
    public int CutSlowest(long bytes, TimeSpan age)
    {
        // What a connection holds beside its queue: buffers, its state and Kestrel's.
        const int connection = 32 * 1024;
        List<(long Since, SocketOutput Output)> slow = [];
        lock (_gate)
        {
            for (var i = 0; i < _used; i++)
            {
                if (_slots[i] is not { } output)
                    continue;
                var waits = output.IsWaiting;
                var since = waits ? output.FullSince : output.QueueMoved;
                if ((waits || output.Counted > 0) && _clock.GetElapsedTime(since) >= age)
                    slow.Add((since, output));
            }
        }
        slow.Sort(static (a, b) => a.Since.CompareTo(b.Since));
        int cut = 0, uncounted = 0;
        foreach (var (_, output) in slow)
        {
            if (bytes <= 0)
                break;
            var queued = output.Counted;
            if (queued == 0 && uncounted++ > slow.Count / 10)
                continue;
            if (!output.GiveUp(SendEnd.Idle))
                output.Drop();
            cut++;
            bytes -= connection + queued;
        }
        return cut;
    }
}
