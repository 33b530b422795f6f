using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace XLive.Server.Door;

/// <summary>
/// Descriptors held for the hour when there are no others, taken at the start: low numbers, so they are good below a limit that was lowered
/// since. One is given up to take a connection off the queue and close it: its viewer hears at once, instead of waiting in a queue that
/// is never empty and keeps the accept loop busy. The rest are for files that viewers who play are in need of.
/// </summary>
public sealed partial class SpareDescriptors : IDisposable
{
    // As many files as lanes may open at once on two cores' worth of viewers; the process has a reserve of 512.
    private const int Held = 32;

    // With less room than this the next connection would be the last.
    private const int Room = 16;

    private const int OpenOnlyPath = 0x200000 | 0x80000; // O_PATH | O_CLOEXEC
    private const int DuplicateClosed = 1030;            // F_DUPFD_CLOEXEC
    private const int TryAgain = 11;
    private const int LimitOfFiles = 7;                  // RLIMIT_NOFILE
    private const int NonBlockingClosed = 0x800 | 0x80000;

    private readonly Lock _gate = new();
    private readonly Stack<int> _spare = new();
    private volatile bool _exhausted;
    private long _turnedAway;
    private long _lent;

    public SpareDescriptors() => Refill();

    /// <summary>Connections closed unheard, for want of a descriptor.</summary>
    public long TurnedAway => Volatile.Read(ref _turnedAway);

    /// <summary>Spares that were given up for a file.</summary>
    public long Lent => Volatile.Read(ref _lent);

    /// <summary>From the first refusal of the kernel's until there is room again.</summary>
    public bool Exhausted => _exhausted && !HasRoom();

    /// <summary>
    /// A descriptor of this number leaves too few above it. The kernel gives the lowest that is free, so all below are taken. The runtime
    /// needs three to start a thread: without them the thread pool throws where nothing catches it, and the process aborts.
    /// </summary>
    public bool IsAmongTheLast(nint descriptor, bool isConnection)
    {
        var limit = getrlimit(LimitOfFiles, out var limits) == 0 ? (long)Math.Min(limits.Soft, 1 << 30) : 1024;
        var kept = Math.Clamp(limit / 16, 24, 256);
        // Files come out of the part that connections leave.
        if (descriptor < limit - (isConnection ? kept : kept / 2))
            return false;
        if (isConnection)
            _exhausted = true;
        return true;
    }

    /// <summary>Some that were given up are taken back where there is room for that and more.</summary>
    public bool HasRoom()
    {
        Span<int> probes = stackalloc int[Room];
        lock (_gate)
        {
            Refill();
            var got = 0;
            if (_spare.TryPeek(out var any))
            {
                while (got < Room && (probes[got] = fcntl(any, DuplicateClosed, 0)) >= 0)
                    got++;
                foreach (var probe in probes[..got])
                    _ = close(probe);
            }
            _exhausted = got < Room;
            return got == Room;
        }
    }

    /// <summary>The kernel has refused a descriptor. Gives one up, so that another try may have it; false when there is none left.</summary>
    public bool Lend()
    {
        lock (_gate)
        {
            _exhausted = true;
            if (_spare.Count <= 1) // the last one is the door's
                return false;
            _ = close(_spare.Pop());
            _lent++;
            return true;
        }
    }

    /// <summary>Takes connections off the queue and closes them. False when a spare is of no use for that: it lies above the limit.</summary>
    internal bool TurnAway(Socket listener, int most)
    {
        lock (_gate)
        {
            _exhausted = true;
            if (_spare.TryPop(out var spare))
                _ = close(spare);
            var closed = CloseWaiting(listener, most);
            var useless = closed == 0 && Marshal.GetLastPInvokeError() != TryAgain;
            _turnedAway += closed;
            Refill();
            return !useless;
        }
    }

    /// <summary>Takes connections off the queue and closes them, at a tenth of what it costs to make a socket of each. How many.</summary>
    internal static int CloseWaiting(Socket listener, int most)
    {
        var handle = listener.SafeHandle;
        for (var closed = 0; ; closed++)
        {
            var connection = closed < most ? accept4(handle, 0, 0, NonBlockingClosed) : -1;
            if (connection < 0)
                return closed;
            _ = close(connection);
        }
    }

    private void Refill()
    {
        while (_spare.Count < Held)
        {
            var spare = open("/", OpenOnlyPath);
            if (spare < 0)
                return;
            _spare.Push(spare);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            while (_spare.TryPop(out var spare))
                _ = close(spare);
        }
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command, int argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int accept4(SafeHandle listener, nint address, nint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int descriptor);

    private struct Limits
    {
        public ulong Soft;
        public ulong Hard;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getrlimit(int resource, out Limits limits);
}
