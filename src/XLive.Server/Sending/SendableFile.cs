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

    // A page-cache megabyte takes a fraction of a millisecond. This long means that it was not there, or that the disk is in trouble.
    private static readonly long Slow = Stopwatch.Frequency / 20;

    private int[]? _sentAt;

    public SafeFileHandle Handle => handle;
    public FileLane Lane => lane;

    /// <summary>False: read and copied, for file systems and settings that rule sendfile(2) out.</summary>
    public bool Sendfile => sendfile;

    /// <summary>How many bytes from here on, up to two blocks, can be sent without waiting for the disk; 0: by the lane.</summary>
    internal long WarmBytes(long offset)
    {
        var sentAt = _sentAt;
        if (sentAt is null || lane.IsSlow)
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
    internal void Sent(long began, long from, long to, long started, bool onLane)
    {
        if (!onLane && Stopwatch.GetTimestamp() - started > Slow)
            lane.MarkSlow();
        var end = to == length ? to + (1 << BlockBits) - 1 : to;
        if (from >> BlockBits == end >> BlockBits)
            return;
        var sentAt = _sentAt ??= new int[(length >> BlockBits) + 1];
        var first = Math.Max(from >> BlockBits, (began + (1 << BlockBits) - 1) >> BlockBits);
        for (var block = first; block < end >> BlockBits; block++)
            Volatile.Write(ref sentAt[block], Seconds());
    }

    private static int Seconds() => (int)(Environment.TickCount64 / 1000) + 1;

    public void Dispose() => handle.Dispose();
}
