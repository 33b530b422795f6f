using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace XLive.Server.Sending;

/// <summary>
/// An open file as the way out sees it. Knows which of its megabytes went out lately: those are in the page cache, and sending them
/// from the thread at hand waits for no disk. Anything else goes by the lane.
///
/// Why not ask the kernel? mincore(2) lies to anyone but the owner, cachestat(2) came with 6.5, and a read with RWF_NOWAIT is a read.
/// Why not always the lane? Its two thread switches a wake-up cost as much as nginx needs for a whole megabyte.
/// </summary>
public sealed class SendableFile(SafeFileHandle handle, FileLane lane, long length, bool sendfile) : IDisposable
{
    private const int BlockBits = 20;

    // Far below the minutes that a page lives unused under pressure; a hot file is refreshed by each viewer.
    private const int WarmSeconds = 20;

    // A page-cache megabyte takes a fraction of a millisecond and never sleeps. A call that slept this long waited for a disk; one
    // that was only preempted on a busy machine did not sleep.
    private static readonly long Slow = Stopwatch.Frequency / 100;

    private int[]? _sentAt;

    private long _queued;
    private volatile bool _readsNoFurther;

    public SafeFileHandle Handle => handle;
    public FileLane Lane => lane;

    /// <summary>False: read and copied, for file systems and settings that rule sendfile(2) out.</summary>
    public bool Sendfile => sendfile;

    /// <summary>So many more of its bytes lie in send queues. By how much its pinned pages grow: viewers of one film share them.</summary>
    internal long CountQueued(long more)
    {
        var now = Interlocked.Add(ref _queued, more);
        return Math.Min(now, length) - Math.Min(now - more, length);
    }

    /// <summary>
    /// No more is read than is asked for. Where memory is short the kernel's reading ahead is most of what is taken: up to 8 MiB on disks that are
    /// set up for it, for each viewer who comes, locked until they are read.
    /// </summary>
    internal void ReadNoFurther()
    {
        if (_readsNoFurther)
            return;
        _readsNoFurther = true;
        _ = Native.posix_fadvise(handle, 0, 0, Native.AdviceRandom);
    }

    /// <summary>How many bytes from here on, up to two blocks, can be sent without waiting for the disk; 0: by the lane.</summary>
    internal long WarmBytes(long offset)
    {
        var sentAt = _sentAt;
        if (sentAt is null || lane.Threads.IsSlow)
            return 0;
        var block = offset >> BlockBits;
        var now = Seconds();
        if (!IsWarm(sentAt, block, now))
            return 0;
        var end = block + 1 + (IsWarm(sentAt, block + 1, now) ? 1 : 0);
        return Math.Min(end << BlockBits, length) - offset;
    }

    private static bool IsWarm(int[] sentAt, long block, int now)
    {
        if (block >= sentAt.Length)
            return false;
        var at = Volatile.Read(ref sentAt[block]);
        return at != 0 && now - at < WarmSeconds;
    }

    /// <summary>A call has sent up to here: blocks that it finished, and that went out from their start on, are in the page cache now.</summary>
    /// <param name="began">Where the whole send began: of a block that a range begins within, the first part may never have been read.</param>
    internal void Sent(long began, long from, long to, in SendClock clock)
    {
        if (clock.SleptFor(Slow))
            lane.Threads.MarkSlow();
        var end = to == length ? to + (1 << BlockBits) - 1 : to;
        var block = from >> BlockBits;
        if (began > block << BlockBits)
            block++;
        if (block >= end >> BlockBits)
            return;
        var sentAt = _sentAt ??= new int[(length >> BlockBits) + 1];
        // One call is no longer than a block, but it may end one and, with the file, the next.
        for (; block < end >> BlockBits; block++)
            Volatile.Write(ref sentAt[block], Seconds());
    }

    private static int Seconds() => (int)(Environment.TickCount64 / 1000) + 1;

    public void Dispose() => handle.Dispose();
}

/// <summary>How long one inline call took, and whether its thread slept in it.</summary>
internal readonly struct SendClock
{
    private readonly long _started;
    private readonly long _sleeps;

    private SendClock(long started, long sleeps)
    {
        _started = started;
        _sleeps = sleeps;
    }

    public static SendClock Start() => new(Stopwatch.GetTimestamp(), Native.VoluntarySwitches());

    public bool SleptFor(long ticks) => _started != 0 && Stopwatch.GetTimestamp() - _started > ticks && Native.VoluntarySwitches() != _sleeps;
}
