using XLive.Server.Settings;

namespace XLive.Server.Playback.Vod.Folder;

public sealed class FolderOptions : ICheckedOptions
{
    [Setting("backend.mode", "where films come from: a folder, an HTTP origin, or the folder first and the origin for what it lacks", NeedsRestart = true)]
    public BackendMode Mode { get; set; }

    [Setting("backend.filesystem.root", "the folder of films", NeedsRestart = true)]
    public string Root { get; set; } = "media";

    [Setting("backend.filesystem.sendfile", "send large files without copying them through the program", NeedsRestart = true)]
    public bool Sendfile { get; set; } = true;

    [Setting("backend.filesystem.links", "inside: a symbolic link out of the root is 404; any: it is followed", NeedsRestart = true)]
    public LinkPolicy Links { get; set; }

    [Setting("cache.memory", "bytes of hot small files and playlists held in memory", Unit = SettingUnit.Bytes, NeedsRestart = true)]
    public long CacheMemory { get; set; } = 256L << 20;

    public void Check(Action<string, string> fault)
    {
        if (Root.Length == 0)
            fault("backend.filesystem.root", "must name a folder");
        if (CacheMemory < 0)
            fault("cache.memory", "must not be negative");
    }
}

public enum BackendMode { Filesystem, Http, Hybrid }

public enum LinkPolicy { Inside, Any }
