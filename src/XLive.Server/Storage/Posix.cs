using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace XLive.Server.Storage;

/// <summary>The few calls that the class library has no word for.</summary>
internal static partial class Posix
{
    private const int ReadOnlyDirectory = 0x10000 | 0x80000; // O_DIRECTORY | O_CLOEXEC
    private const int ReadWriteOrMake = 2 | 0x40 | 0x80000;  // O_RDWR | O_CREAT | O_CLOEXEC
    private const int OwnerOnly = 0x180;                     // 0600
    private const int LockExclusiveNow = 2 | 4;              // LOCK_EX | LOCK_NB
    private const int WouldBlock = 11;
    private const int NotPermitted = 1;  // EPERM: "the file system does not support the creation of hard links", link(2)
    private const int Exists = 17;       // EEXIST
    private const int NotThere = 38;     // ENOSYS
    private const int NotSupported = 95; // EOPNOTSUPP

    /// <summary>Opens without the advisory lock that FileStream takes on every file of its own accord.</summary>
    public static SafeFileHandle OpenPrivate(string path)
    {
        SafeFileHandle file = open(path, ReadWriteOrMake, OwnerOnly);
        return file.IsInvalid ? throw new IOException($"{path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}") : file;
    }

    /// <summary>False when another process holds it. Released when the handle closes, so also by kill -9.</summary>
    public static bool TryLock(SafeFileHandle file)
    {
        if (flock(file, LockExclusiveNow) == 0)
        {
            return true;
        }
        int error = Marshal.GetLastPInvokeError();
        return error == WouldBlock ? false : throw new IOException($"flock: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    /// <summary>
    /// Gives the file another name, unless something has it: one call, so of many who try one wins. File.Move looks first and renames then, and of
    /// sixteen threads at once three "won". Where files can have one name only (FAT, some FUSE), that is what is left.
    /// </summary>
    public static bool TryPlace(string made, string path)
    {
        if (link(made, path) == 0)
        {
            return true;
        }
        int error = Marshal.GetLastPInvokeError();
        if (error == Exists)
        {
            return false;
        }
        if (error is not (NotPermitted or NotSupported or NotThere))
        {
            throw new IOException($"{path}: {Marshal.GetPInvokeErrorMessage(error)}");
        }
        try
        {
            File.Move(made, path, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(path))
        {
            return false;
        }
    }

    /// <summary>Makes a rename last: the new name is on disk only when the directory is.</summary>
    public static void SyncDirectory(string path)
    {
        using SafeFileHandle directory = open(path, ReadOnlyDirectory, 0);
        if (directory.IsInvalid || fsync(directory) != 0)
        {
            throw new IOException($"{path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(SafeFileHandle file, int operation);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int link(string existing, string path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(SafeFileHandle file);
}
