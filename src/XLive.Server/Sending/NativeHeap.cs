using System.Runtime.InteropServices;

namespace XLive.Server.Sending;

/// <summary>The C library's heap, where OpenSSL keeps each viewer's encryption state.</summary>
internal static partial class NativeHeap
{
    private const int ArenaMax = -8; // M_ARENA_MAX of mallopt(3)

    /// <summary>
    /// By default glibc makes up to eight arenas a core, and each keeps what was freed in it: 1,500 stopped TLS viewers took 70 KiB
    /// each there, and 59 KiB with one. Must come before the threads that would make them. Other C libraries have no such call.
    /// </summary>
    public static void LimitArenas()
    {
        try
        {
            _ = mallopt(ArenaMax, 2);
        }
        catch (EntryPointNotFoundException)
        {
        }
    }

    [LibraryImport("libc")]
    private static partial int mallopt(int parameter, int value);
}
