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

    public SafeFileHandle Handle => handle;
    public FileLane Lane => lane;

    /// <summary>False: read and copied, for file systems and settings that rule sendfile(2) out.</summary>
    public bool Sendfile => sendfile;

    internal bool IsWarm(long offset)
    {
        var sentAt = _sentAt;
        if (sentAt is null || lane.Threads.IsSlow)
            return false;
        var at = Volatile.Read(ref sentAt[offset >> BlockBits]);
        return at != 0 && Seconds() - at < WarmSeconds;
    }

    /// <summary>A call has sent up to here: blocks that it finished are in the page cache now.</summary>
    internal void Sent(long from, long to, in SendClock clock)
    {
        if (clock.SleptFor(Slow))
            lane.Threads.MarkSlow();
        var end = to == length ? to + (1 << BlockBits) - 1 : to;
        if (from >> BlockBits == end >> BlockBits)
            return;
        var sentAt = _sentAt ??= new int[(length >> BlockBits) + 1];
        Volatile.Write(ref sentAt[from >> BlockBits], Seconds());
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
