using Microsoft.Extensions.Logging.Abstractions;
using XLive.Server.Playback.Http;
using XLive.Server.Playback.Vod.Folder;

namespace XLive.Server.Tests.Delivery;

/// <summary>A folder of films with what opens it, and no server around it. Beside the root lies a canary.</summary>
internal sealed class MediaFolder : IDisposable
{
    public MediaFolder()
    {
        Folder = Directory.CreateTempSubdirectory("xlive-folder-").FullName;
        File.SetUnixFileMode(Folder, (UnixFileMode)0x1ED);
        Root = Directory.CreateDirectory(Path.Combine(Folder, "media")).FullName;
        File.WriteAllText(Path.Combine(Folder, "canary"), "CANARY");
    }

    public string Folder { get; }
    public string Root { get; }

    public string Write(string name, ReadOnlySpan<byte> bytes)
    {
        var path = Path.Combine(Root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public string Write(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    private FolderOptions Options(LinkPolicy links, long memory) => new() { Root = Root, Links = links, CacheMemory = memory };

    public FileOpener Opener(LinkPolicy links = LinkPolicy.Inside) =>
        new(Options(links, 0), () => [], new KeyPaths(), new FileLanes());

    public FolderSource Source(TimeProvider? clock = null, long memory = 64 << 20, int handles = 1000) =>
        new(Options(LinkPolicy.Inside, memory), () => [], new KeyPaths(), handles, clock ?? TimeProvider.System, NullLogger<FolderSource>.Instance);

    public int HandlesOpen => Directory.EnumerateFileSystemEntries("/proc/self/fd").Count(IsOurs);

    private bool IsOurs(string descriptor)
    {
        try
        {
            return new FileInfo(descriptor).LinkTarget?.StartsWith(Root + "/", StringComparison.Ordinal) == true;
        }
        catch (IOException)
        {
            return false; // closed by another test meanwhile
        }
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
