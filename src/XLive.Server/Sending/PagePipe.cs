using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace XLive.Server.Sending;

/// <summary>
/// Sends pages of memory without a copy: vmsplice(2) into a pipe, splice(2) from there into the socket, each a reference to a page and no more.
/// A mebibyte costs what sendfile(2) of the page cache does, and half of what the copy of send(2) does.
///
/// The pages lie in the queue, and beyond it with a receiver on this machine, until he has read them: nothing may ever be written there again. Their owner
/// gives them up to the kernel (<see cref="BodyPiece.PagesFrom"/>).
///
/// Why not a file in memory and sendfile(2)? Its pages are single ones, a quarter dearer to send, and a millisecond a mebibyte to fill.
/// Why not MSG_ZEROCOPY? It tells when the pages are free by the socket's error queue, a call for each, and copies after all for whoever is on this machine.
/// </summary>
internal static unsafe partial class PagePipe
{
    /// <summary>Of what one viewer is sent at a time: below it the two calls cost more than the copy.</summary>
    public const int Least = 64 * 1024;

    // What an unprivileged process may make of a pipe (fs.pipe-max-size), and a call's bound.
    private const int Size = 1 << 20;
    private const int SetPipeSize = 1031, NonBlocking = 0x800, CloseOnExec = 0x80000;
    private const int NotPermitted = 1, Invalid = 22, NoSuchCall = 38;
    private const uint SpliceNonBlocking = 2;

    // As many as threads send at a time; a rare one more is made and closed again.
    private static readonly Pipe?[] Kept = new Pipe?[8];
    private static volatile bool _isRefused;

    /// <summary>False: the system, or its rules for this process, does not let us; the copy is for good.</summary>
    public static bool IsAllowed => !_isRefused;

    /// <summary>As send(2): so many bytes were taken, or -1 and why not. False: by the copy, this time or from now on.</summary>
    public static bool TrySend(SafeHandle socket, byte* bytes, int count, out nint sent, out int error)
    {
        (sent, error) = (-1, 0);
        if (Take() is not { } pipe)
            return false;
        var vector = new Native.IoVec { Base = bytes, Length = (nuint)Math.Min(count, Size) };
        var lent = vmsplice(pipe.Input, &vector, 1, SpliceNonBlocking);
        if (lent <= 0)
        {
            _isRefused |= Marshal.GetLastPInvokeError() is NotPermitted or NoSuchCall or Invalid;
            pipe.Dispose();
            return false;
        }
        sent = splice(pipe.Output, null, socket, null, (nuint)lent, SpliceNonBlocking);
        error = sent < 0 ? Marshal.GetLastPInvokeError() : 0;
        // What the socket did not take would be the next body's first bytes.
        if (sent < lent)
            pipe.Dispose();
        else
            GiveBack(pipe);
        return true;
    }

    private static Pipe? Take()
    {
        for (var i = 0; i < Kept.Length; i++)
        {
            if (Interlocked.Exchange(ref Kept[i], null) is { } kept)
                return kept;
        }
        var ends = stackalloc int[2];
        if (pipe2(ends, NonBlocking | CloseOnExec) != 0)
            return null;
        var pipe = new Pipe(ends[0], ends[1]);
        // One that stays small sends the same in more calls.
        _ = fcntl(pipe.Input, SetPipeSize, Size);
        return pipe;
    }

    private static void GiveBack(Pipe pipe)
    {
        for (var i = 0; i < Kept.Length; i++)
        {
            if (Interlocked.CompareExchange(ref Kept[i], pipe, null) is null)
                return;
        }
        pipe.Dispose();
    }

    private sealed class Pipe(int output, int input) : IDisposable
    {
        public readonly SafeFileHandle Output = new(output, ownsHandle: true);
        public readonly SafeFileHandle Input = new(input, ownsHandle: true);

        public void Dispose()
        {
            Output.Dispose();
            Input.Dispose();
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint vmsplice(SafeHandle pipe, Native.IoVec* vectors, nuint count, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint splice(SafeHandle from, long* fromOffset, SafeHandle to, long* toOffset, nuint count, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int pipe2(int* ends, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(SafeHandle descriptor, int command, int value);
}
