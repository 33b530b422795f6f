using System.Runtime.InteropServices;

namespace XLive.Server.Sending;

/// <summary>The few Linux calls that the way out needs and the base library does not offer. All are non-blocking on the socket's side.</summary>
internal static unsafe partial class Native
{
    public const int MsgDontWait = 0x40, MsgNoSignal = 0x4000, MsgMore = 0x8000;
    public const int Eintr = 4, Eagain = 11, Epipe = 32, Econnreset = 104;
    public const uint EpollIn = 0x1, EpollOut = 0x4, EpollErr = 0x8, EpollHup = 0x10, EpollEdge = 1u << 31;
    public const int EpollAdd = 1;
    public const int SioOutQ = 0x5411;
    public const int AdviceRandom = 1; // POSIX_FADV_RANDOM
    public const int Tcp = 6, TcpInfo = 11, TcpNotSentLowat = 25;

    [StructLayout(LayoutKind.Sequential)]
    public struct IoVec
    {
        public void* Base;
        public nuint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct MsgHdr
    {
        public void* Name;
        public uint NameLength;
        public IoVec* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    // x86-64 packs this structure to 12 bytes; every other architecture pads it to 16.
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    public struct EpollEventPacked
    {
        public uint Events;
        public ulong Data;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct EpollEventPadded
    {
        public uint Events;
        public ulong Data;
    }

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint sendmsg(SafeHandle socket, MsgHdr* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint send(SafeHandle socket, void* bytes, nuint count, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint pread(SafeHandle file, void* bytes, nuint count, long offset);

    [LibraryImport("libc")]
    public static partial int posix_fadvise(SafeHandle file, long offset, long length, int advice);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint sendfile(SafeHandle socket, SafeHandle file, long* offset, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int epoll_ctl(int epoll, int operation, SafeHandle socket, void* e);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int epoll_wait(int epoll, void* events, int max, int timeout);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int ioctl(SafeHandle socket, nuint request, int* value);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int getsockopt(SafeHandle socket, int level, int option, void* value, uint* length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setsockopt(SafeHandle socket, int level, int option, void* value, uint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int eventfd(uint count, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint write(int descriptor, void* bytes, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int close(int descriptor);

    [LibraryImport("libc")]
    private static partial int getrusage(int who, long* usage);

    /// <summary>How often this thread has slept: ru_nvcsw, after two times of two words each and twelve counters.</summary>
    public static long VoluntarySwitches()
    {
        const int thread = 1, nvcsw = 16;
        var usage = stackalloc long[18];
        return getrusage(thread, usage) == 0 ? usage[nvcsw] : 0;
    }
}
