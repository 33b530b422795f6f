using System.IO.Enumeration;
using System.Text;
using Microsoft.Win32.SafeHandles;
using XLive.Server.Storage;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// The folder of the cache, and every call on it. A file is written under another name and renamed, so what has a name was written to its
/// end, or was when the machine still ran. Nothing is synced but the list of purges: after a power cut a file may be shorter than it was, or hold
/// zeros, and then its checksum says so. A sync for each block would cost a disk's turn for what can be fetched again.
/// </summary>
internal sealed class DiskFiles(string root) : IDisposable
{
    private const UnixFileMode OwnersFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const string Unfinished = ".tmp";

    private SafeFileHandle? _lock;

    public string Root => root;

    /// <summary>Told before each call that writes (true) or reads, on its thread: for tests, whose disks fail and hang.</summary>
    internal Action<bool>? OnCall { get; set; }

    private string LockPath => Path.Combine(root, "lock");
    private string PurgesPath => Path.Combine(root, "purges");

    /// <summary>Whether the folder is the one that was opened: it may have been removed, or unmounted.</summary>
    public bool IsStillThere => _lock is not null && File.Exists(LockPath);

    public void Open()
    {
        Dispose();
        OnCall?.Invoke(true);
        Directory.CreateDirectory(root, OwnersFolder);
        var file = Posix.OpenPrivate(LockPath);
        try
        {
            if (!Posix.TryLock(file))
            {
                Span<byte> holder = stackalloc byte[16];
                var by = Encoding.ASCII.GetString(holder[..RandomAccess.Read(file, holder, 0)]).Trim();
                throw new IOException($"in use by another XLive (process {by}); give each a cache.dir of its own");
            }
            RandomAccess.SetLength(file, 0);
            RandomAccess.Write(file, Encoding.ASCII.GetBytes($"{Environment.ProcessId}\n"), 0);
            MakeFolders();
        }
        catch
        {
            file.Dispose();
            throw;
        }
        _lock = file;
    }

    public void MakeFolders()
    {
        for (var folder = 0; folder < DiskName.Folders; folder++)
            Directory.CreateDirectory(Path.Combine(root, DiskName.FolderName(folder)), OwnersFolder);
    }

    private string PathOf(in DiskName name) => $"{root}/{DiskName.FolderName(name.Folder)}/{name}";

    public void Write(in DiskName name, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body)
    {
        OnCall?.Invoke(true);
        var path = PathOf(name);
        Write(path, head, body, isLasting: false);
    }

    private static void Write(string path, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body, bool isLasting)
    {
        var unfinished = path + Unfinished;
        try
        {
            using (var file = new FileStream(unfinished, new FileStreamOptions
            {
                Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0, UnixCreateMode = OwnersFile,
            }))
            {
                file.Write(head);
                file.Write(body);
                if (isLasting)
                    file.Flush(flushToDisk: true);
            }
            File.Move(unfinished, path, overwrite: true);
        }
        catch
        {
            // On a full disk half a file would keep others out.
            TryDelete(unfinished);
            throw;
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next look through the folder finds it again.
        }
    }

    public void Delete(in DiskName name)
    {
        OnCall?.Invoke(true);
        try
        {
            File.Delete(PathOf(name));
        }
        catch (DirectoryNotFoundException)
        {
            // Gone with its folder.
        }
    }

    /// <summary>Null: there is none.</summary>
    public SafeFileHandle? OpenRead(in DiskName name)
    {
        OnCall?.Invoke(false);
        try
        {
            return File.OpenHandle(PathOf(name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Null: there is none. Empty: what is there is no head.</summary>
    public byte[]? ReadHead(UInt128 key)
    {
        using var file = OpenRead(DiskName.Head(key));
        return file is null ? null : ReadAll(file);
    }

    private static byte[] ReadAll(SafeFileHandle file)
    {
        var length = RandomAccess.GetLength(file);
        if (length > HeadFile.Largest)
            return [];
        var bytes = new byte[length];
        return Fill(file, bytes, 0) ? bytes : [];
    }

    /// <summary>False: the file ends before.</summary>
    public static bool Fill(SafeFileHandle file, Span<byte> into, long offset)
    {
        while (!into.IsEmpty)
        {
            var got = RandomAccess.Read(file, into, offset);
            if (got == 0)
                return false;
            into = into[got..];
            offset += got;
        }
        return true;
    }

    /// <summary>Null: there is no list yet.</summary>
    public byte[]? ReadPurges()
    {
        if (!File.Exists(PurgesPath))
            return null;
        using var file = File.OpenHandle(PurgesPath);
        return ReadAll(file);
    }

    /// <summary>Before a purge is answered it must outlive a power cut.</summary>
    public void WritePurges(ReadOnlySpan<byte> bytes)
    {
        OnCall?.Invoke(true);
        Write(PurgesPath, bytes, default, isLasting: true);
        Posix.SyncDirectory(root);
    }

    /// <summary>The files of one folder and how long they are; what a crash left half written is removed.</summary>
    public List<(DiskName Name, long Length)> List(int folder)
    {
        OnCall?.Invoke(false);
        var path = Path.Combine(root, DiskName.FolderName(folder));
        var found = new List<(DiskName, long)>();
        var entries = new FileSystemEnumerable<(string Name, long Length)>(path, static (ref FileSystemEntry e) => (e.FileName.ToString(), e.Length))
        {
            ShouldIncludePredicate = static (ref FileSystemEntry e) => !e.IsDirectory,
        };
        foreach (var (text, length) in entries)
        {
            if (DiskName.TryParse(text, out var name) && name.Folder == folder)
                found.Add((name, length));
            else if (text.EndsWith(Unfinished, StringComparison.Ordinal))
                TryDelete(Path.Combine(path, text));
        }
        return found;
    }

    // The file stays: removing it would let a third process lock a new one while a second waits on the old.
    public void Dispose()
    {
        _lock?.Dispose();
        _lock = null;
    }
}
