using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace XLive.Server.Playback.Vod.Folder;

/// <summary>Linux calls that open beneath a directory and tell what was opened.</summary>
internal static unsafe partial class NativeFiles
{
    public const int Enoent = 2, Eio = 5, Eacces = 13, Exdev = 18, Enotdir = 20, Emfile = 24, Enfile = 23, Eloop = 40, Enametoolong = 36,
        Enosys = 38, Eperm = 1, Eagain = 11, Eintr = 4, Estale = 116, Enxio = 6;

    // O_NONBLOCK: opening a FIFO without a writer must return, not wait for one.
    public const int ReadOnly = 0x800 /* O_NONBLOCK */ | 0x100 /* O_NOCTTY */ | 0x80000 /* O_CLOEXEC */;
    public const int PathOnly = 0x200000 /* O_PATH */ | 0x80000;

    public const ulong ResolveNoMagicLinks = 0x02, ResolveBeneath = 0x08;

    private const int AtEmptyPath = 0x1000;
    private const uint StatxBasic = 0x7ff;

    [StructLayout(LayoutKind.Sequential)]
    public struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statx
    {
        [FieldOffset(28)] public ushort Mode;
        [FieldOffset(32)] public ulong Inode;
        [FieldOffset(40)] public ulong Size;
        [FieldOffset(96)] public long ChangeSeconds;
        [FieldOffset(104)] public uint ChangeNanoseconds;
        [FieldOffset(112)] public long ModifySeconds;
        [FieldOffset(120)] public uint ModifyNanoseconds;
        [FieldOffset(136)] public uint DeviceMajor;
        [FieldOffset(140)] public uint DeviceMinor;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint directory, byte* path, OpenHow* how, nint size);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int openat(SafeHandle directory, string path, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(SafeHandle directory, string path, int flags, uint mask, Statx* result);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fstatfs(SafeHandle file, byte* result);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint readlink(string path, byte* buffer, nuint size);

    public static int LastError => Marshal.GetLastPInvokeError();

    public static SafeFileHandle? OpenDirectory(string path)
    {
        var fd = open(path, 0x10000 /* O_DIRECTORY */ | PathOnly);
        return fd < 0 ? null : new SafeFileHandle(fd, ownsHandle: true);
    }

    /// <summary>openat2(2): the kernel itself refuses to leave the directory, whatever the path or the links say.</summary>
    public static SafeFileHandle? OpenBeneath(SafeFileHandle directory, string path, int flags, ulong resolve)
    {
        var how = new OpenHow { Flags = (ulong)flags, Resolve = resolve };
        var text = Marshal.StringToCoTaskMemUTF8(path);
        var held = false;
        try
        {
            directory.DangerousAddRef(ref held);
            // 437 on every architecture that .NET runs on.
            var fd = syscall(437, directory.DangerousGetHandle(), (byte*)text, &how, sizeof(OpenHow));
            return fd < 0 ? null : new SafeFileHandle(fd, ownsHandle: true);
        }
        finally
        {
            if (held)
                directory.DangerousRelease();
            Marshal.FreeCoTaskMem(text);
        }
    }

    public static SafeFileHandle? OpenAt(SafeFileHandle directory, string path, int flags)
    {
        var fd = openat(directory, path, flags);
        return fd < 0 ? null : new SafeFileHandle(fd, ownsHandle: true);
    }

    /// <summary>A second, readable handle of what an O_PATH handle names.</summary>
    public static SafeFileHandle? Reopen(SafeFileHandle handle, int flags)
    {
        var fd = open("/proc/self/fd/" + handle.DangerousGetHandle(), flags);
        return fd < 0 ? null : new SafeFileHandle(fd, ownsHandle: true);
    }

    /// <summary>Where an open handle really is, after all links; null when it has no name any more.</summary>
    public static string? RealPath(SafeFileHandle handle)
    {
        var buffer = stackalloc byte[4096];
        var n = readlink("/proc/self/fd/" + handle.DangerousGetHandle(), buffer, 4096);
        return n is <= 0 or >= 4096 ? null : System.Text.Encoding.UTF8.GetString(buffer, (int)n);
    }

    public static bool TryStat(SafeFileHandle handle, out FileIdentity identity, out bool regular) =>
        TryStat(handle, "", AtEmptyPath, out identity, out regular);

    public static bool TryStatAt(SafeFileHandle directory, string path, out FileIdentity identity, out bool regular) =>
        TryStat(directory, path, 0, out identity, out regular);

    private static bool TryStat(SafeFileHandle handle, string path, int flags, out FileIdentity identity, out bool regular)
    {
        Statx x;
        if (statx(handle, path, flags, StatxBasic, &x) != 0)
        {
            identity = default;
            regular = false;
            return false;
        }
        regular = (x.Mode & 0xF000) == 0x8000;
        identity = new FileIdentity((ulong)x.DeviceMajor << 32 | x.DeviceMinor, x.Inode, (long)x.Size,
            x.ModifySeconds * 1_000_000_000 + x.ModifyNanoseconds, x.ChangeSeconds * 1_000_000_000 + x.ChangeNanoseconds);
        return true;
    }

    /// <summary>File systems whose reads are served by this machine's own disks or memory: sendfile(2) waits for nobody else there.</summary>
    public static bool IsLocal(SafeFileHandle file)
    {
        var result = stackalloc byte[256];
        if (fstatfs(file, result) != 0)
            return false;
        return *(uint*)result is 0xEF53 /* ext2-4 */ or 0x58465342 /* xfs */ or 0x9123683E /* btrfs */ or 0x01021994 /* tmpfs */
            or 0x794C7630 /* overlay */ or 0x2FC12FC1 /* zfs */ or 0xF2F52010 /* f2fs */ or 0x858458F6 /* ramfs */;
    }
}

/// <summary>Two readings that are equal are the same bytes, as far as a file system can tell.</summary>
internal readonly record struct FileIdentity(ulong Device, ulong Inode, long Size, long ModifiedNs, long ChangedNs);
