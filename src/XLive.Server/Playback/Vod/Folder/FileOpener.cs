using Microsoft.Win32.SafeHandles;
using XLive.Media.Hls;
using XLive.Server.Door;
using XLive.Server.Playback.Http;
using XLive.Server.Sending;

namespace XLive.Server.Playback.Vod.Folder;

/// <summary>
/// Opens files beneath the root, on a lane's thread. The path is already in normal form; that nothing outside is ever opened does not
/// rest on it: openat2(2) with RESOLVE_BENEATH refuses, and where a kernel or a sandbox lacks it, what was opened is asked for its
/// real place before a byte is read.
/// </summary>
internal sealed class FileOpener
{
    // Measured on two cores, CPU a request to nginx's: 64 KiB 0.65 from memory and 0.72 by sendfile(2), 128 KiB 0.71 and 0.45, 512 KiB
    // 0.48 and 0.43.
    internal const int MemoryBound = 64 * 1024;

    private static readonly TimeSpan RootFresh = TimeSpan.FromSeconds(2);

    // A playlist is held whole to be rewritten; one beyond this is sent like any file.
    internal const int MaxPlaylist = 8 << 20;

    private readonly string _root;
    private readonly bool _sendfile;
    private readonly LinkPolicy _links;
    private readonly Func<IReadOnlyList<string>> _ownHosts;
    private readonly KeyPaths _keys;
    private readonly FileLanes _lanes;
    private readonly SpareDescriptors? _spare;
    private volatile RootFolder? _directory;
    private long _rootChecked;
    private int _rootLook;
    private volatile bool _hasOpenat2 = true;

    public FileOpener(FolderOptions options, Func<IReadOnlyList<string>> ownHosts, KeyPaths keys, FileLanes lanes, SpareDescriptors? spare = null)
    {
        _root = Path.GetFullPath(options.Root);
        _sendfile = options.Sendfile;
        _links = options.Links;
        _ownHosts = ownHosts;
        _keys = keys;
        _lanes = lanes;
        _spare = spare;
    }

    /// <summary>False: as on a kernel before 5.6, or in a sandbox that hides the call.</summary>
    internal bool HasOpenat2
    {
        get => _hasOpenat2;
        set => _hasOpenat2 = value;
    }

    public string LastFault { get; private set; } = "";

    public FileAnswer Open(string path, FileEntry? known)
    {
        if (!IsInside(path))
            return new FileAnswer(null, FileFault.NotFound);
        if (Root() is not { } root)
            return Fail("the root folder cannot be opened", NativeFiles.LastError);
        var relative = path[1..];
        if (known is not null && NativeFiles.TryStatAt(root, relative, out var now, out _) && now == known.Identity)
            return new FileAnswer(known, FileFault.None);
        for (var attempt = 0; ; attempt++)
        {
            using var opened = OpenBeneath(root, relative);
            if (opened.Handle is null)
            {
                // A handle of the file server's that went stale while we looked: one more look finds the new one.
                if (opened.Error is NativeFiles.Estale or NativeFiles.Eagain && attempt < 3)
                    continue;
                // Somebody who plays needs it: a spare one makes room for one more try. The door or another lane may be quicker, so more than once.
                if (opened.Error is NativeFiles.Emfile or NativeFiles.Enfile)
                {
                    if (attempt < 8 && _spare?.Lend() == true)
                        continue;
                    Fail("open", opened.Error);
                    return new FileAnswer(null, FileFault.NoDescriptor);
                }
                return opened.Error switch
                {
                    NativeFiles.Enoent or NativeFiles.Enotdir or NativeFiles.Eloop or NativeFiles.Enametoolong or NativeFiles.Exdev or NativeFiles.Enxio
                        => new FileAnswer(null, FileFault.NotFound),
                    NativeFiles.Eacces or NativeFiles.Eperm => new FileAnswer(null, FileFault.Forbidden),
                    _ => Fail("open", opened.Error),
                };
            }
            if (!NativeFiles.TryStat(opened.Handle, out var identity, out var regular))
                return Fail("stat", NativeFiles.LastError);
            if (!regular)
                return new FileAnswer(null, FileFault.NotFound);
            FileEntry? entry;
            try
            {
                entry = Read(path, opened, identity);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return Fail("read: " + e.Message, 0);
            }
            if (entry is not null)
                return new FileAnswer(entry, FileFault.None);
            // It changed while it was read: a mixture of two versions is never served.
            if (attempt == 3)
                return Fail("the file changes faster than it can be read", 0);
        }
    }

    /// <summary>
    /// The door lets nothing else in. Asked again because links=any cannot leave it to the kernel: openat(2) takes an absolute path and
    /// a .. at their word, and a C string ends at its first NUL.
    /// </summary>
    private static bool IsInside(string path)
    {
        if (path.Length < 2 || path[0] != '/' || path[1] == '/' || path.Contains('\0'))
            return false;
        foreach (var segment in path.AsSpan(1).Split('/'))
        {
            if (path.AsSpan(1)[segment] is "..")
                return false;
        }
        return true;
    }

    private FileAnswer Fail(string what, int error)
    {
        LastFault = error == 0 ? what : what + ", error " + error;
        return new FileAnswer(null, FileFault.Unavailable);
    }

    private FileEntry? Read(string path, Opened opened, FileIdentity identity)
    {
        var lane = _lanes.Learn(path, identity.Device);
        var kind = MediaKind.Of(path);
        if (identity.Size > (kind.IsPlaylist ? MaxPlaylist : MemoryBound))
        {
            var sendfile = _sendfile && NativeFiles.IsLocal(opened.Handle!);
            return new FileEntry(path, identity, kind, new SendableFile(opened.Take(), lane, identity.Size, sendfile), null, null);
        }
        // Pinned from the start: a send needs its address and must not pin and unpin for each.
        var bytes = GC.AllocateUninitializedArray<byte>((int)identity.Size, pinned: true);
        for (var done = 0; done < bytes.Length;)
        {
            var got = RandomAccess.Read(opened.Handle!, bytes.AsSpan(done), done);
            if (got == 0)
                return null;
            done += got;
        }
        if (!NativeFiles.TryStat(opened.Handle!, out var after, out _) || after != identity)
            return null;
        HeldPlaylist? playlist = null;
        if (kind.IsPlaylist)
        {
            var template = PlaylistTemplate.Parse(bytes, path, _ownHosts());
            if (template.IsPlaylist)
            {
                playlist = new HeldPlaylist(template, bytes);
                _keys.Learn(template.KeyPaths);
            }
        }
        return new FileEntry(path, identity, kind, null, bytes, playlist);
    }

    /// <summary>An open file, disposed here unless an entry took it.</summary>
    private sealed class Opened(SafeFileHandle? handle, int error) : IDisposable
    {
        private bool _taken;

        public SafeFileHandle? Handle => handle;
        public int Error => error;

        public SafeFileHandle Take()
        {
            _taken = true;
            return handle!;
        }

        public void Dispose()
        {
            if (!_taken)
                handle?.Dispose();
        }
    }

    private Opened OpenBeneath(SafeFileHandle root, string relative)
    {
        if (_links == LinkPolicy.Any)
            return Answer(NativeFiles.OpenAt(root, relative, NativeFiles.ReadOnly));
        if (_hasOpenat2)
        {
            var handle = NativeFiles.OpenBeneath(root, relative, NativeFiles.ReadOnly, NativeFiles.ResolveBeneath | NativeFiles.ResolveNoMagicLinks);
            if (handle is not null)
                return new Opened(handle, 0);
            var error = NativeFiles.LastError;
            if (error == NativeFiles.Enosys)
                _hasOpenat2 = false;
            // EXDEV: it leads out of the root, or by an absolute link that may come back in. EPERM: some sandboxes answer so.
            else if (error is not (NativeFiles.Exdev or NativeFiles.Eperm))
                return new Opened(null, error);
        }
        return OpenInsideByRealPath(root, relative);
    }

    private Opened OpenInsideByRealPath(SafeFileHandle root, string relative)
    {
        // O_PATH opens nothing: no FIFO waits, no device wakes, before its place is known.
        using var named = NativeFiles.OpenAt(root, relative, NativeFiles.PathOnly);
        if (named is null)
            return new Opened(null, NativeFiles.LastError);
        var place = NativeFiles.RealPath(named);
        if (place is null || !place.StartsWith(_directory!.RealPath + "/", StringComparison.Ordinal))
            return new Opened(null, NativeFiles.Exdev);
        return Answer(NativeFiles.Reopen(named, NativeFiles.ReadOnly));
    }

    private static Opened Answer(SafeFileHandle? handle) => new(handle, handle is null ? NativeFiles.LastError : 0);

    /// <summary>The root, opened again when something else stands in its place: a file system mounted later, a folder swapped.</summary>
    private SafeFileHandle? Root()
    {
        var known = _directory;
        if (known is not null && Environment.TickCount64 - Volatile.Read(ref _rootChecked) < RootFresh.TotalMilliseconds)
            return known.Handle;
        // One looks, the others go on with what is known: a root that hangs must not hold up every lane.
        if (Interlocked.Exchange(ref _rootLook, 1) == 1 && known is not null)
            return known.Handle;
        try
        {
            var now = NativeFiles.OpenDirectory(_root);
            // With no descriptor for a look the folder is taken to be where it was.
            if (now is null)
                return NativeFiles.LastError is NativeFiles.Emfile or NativeFiles.Enfile ? known?.Handle : null;
            if (!NativeFiles.TryStat(now, out var identity, out _))
            {
                now.Dispose();
                return null;
            }
            if (known is not null && identity.Device == known.Device && identity.Inode == known.Inode)
                now.Dispose();
            else
                // The old handle may be in use on another thread; its finaliser closes it.
                _directory = known = new RootFolder(now, identity.Device, identity.Inode, (NativeFiles.RealPath(now) ?? _root).TrimEnd('/'));
            Volatile.Write(ref _rootChecked, Environment.TickCount64);
            return known!.Handle;
        }
        finally
        {
            Volatile.Write(ref _rootLook, 0);
        }
    }

    private sealed record RootFolder(SafeFileHandle Handle, ulong Device, ulong Inode, string RealPath);
}
