using System.Runtime.InteropServices;

namespace XLive.Media.Hls;

/// <summary>
/// Memory from the system itself, mmap(2). malloc(3) maps large blocks too, but stops that after the first is freed: from then on segments of unlike sizes
/// lie side by side in its heap, and what is freed between two others stays there. Elsewhere than on Linux the base library's own must do.
/// </summary>
public static unsafe partial class PageMemory
{
    private const int Page = 4096;
    private const int ProtectNone = 0;
    private const int ProtectReadWrite = 3;
    private const int PrivateAnonymousNoReserve = 0x4022;
    private const int NoHugePage = 15, DontNeed = 4;

    public static int WholePages(int bytes) => Math.Max(Page, (bytes + Page - 1) & ~(Page - 1));

    /// <summary>To be written from the beginning to the end.</summary>
    public static nint Take(int bytes)
    {
        var at = Reserve(bytes);
        Open(at, 0, bytes);
        return at;
    }

    /// <summary>Addresses, and no memory.</summary>
    public static nint Reserve(int bytes)
    {
        if (!OperatingSystem.IsLinux())
            return (nint)NativeMemory.Alloc((nuint)bytes);
        var at = mmap(0, (nuint)bytes, ProtectNone, PrivateAnonymousNoReserve, -1, 0);
        if (at == -1)
            throw new InsufficientMemoryException("no address space for a segment");
        // A huge page would give a segment of 100 KB two megabytes. A kernel that has none says so.
        _ = madvise(at, (nuint)bytes, NoHugePage);
        return at;
    }

    /// <summary>From here to there it can be written.</summary>
    public static void Open(nint at, int from, int to)
    {
        if (OperatingSystem.IsLinux() && mprotect(at + from, (nuint)(to - from), ProtectReadWrite) != 0)
            throw new InsufficientMemoryException("no memory for a segment");
    }

    /// <summary>What is there is given up, and the next bytes are written to other pages: whoever still looks at these sees what they were.</summary>
    public static void Renew(nint at, int length)
    {
        if (!OperatingSystem.IsLinux() || madvise(at, (nuint)length, DontNeed) != 0)
            throw new InvalidOperationException($"madvise: error {Marshal.GetLastPInvokeError()}");
    }

    public static void Trim(nint at, int reserved, int kept)
    {
        if (OperatingSystem.IsLinux() && kept < reserved)
            _ = munmap(at + kept, (nuint)(reserved - kept));
    }

    public static void Free(nint at, int reserved)
    {
        if (OperatingSystem.IsLinux())
            _ = munmap(at, (nuint)reserved);
        else
            NativeMemory.Free((void*)at);
    }

    [LibraryImport("libc")]
    private static partial nint mmap(nint address, nuint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc")]
    private static partial int mprotect(nint address, nuint length, int protection);

    [LibraryImport("libc")]
    private static partial int munmap(nint address, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int madvise(nint address, nuint length, int advice);
}
