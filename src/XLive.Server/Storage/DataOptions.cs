using XLive.Server.Settings;

namespace XLive.Server.Storage;

public sealed class DataOptions : ICheckedOptions
{
    [Setting("data.dir", "Keys, database, spool, cache and recordings; one running server at a time", NeedsRestart = true)]
    public string Dir { get; set; } = "data";

    public void Check(Action<string, string> fault)
    {
        if (string.IsNullOrWhiteSpace(Dir))
        {
            fault("data.dir", "must name a directory");
        }
    }

    /// <summary>The directory, made if need be. Others of the group may look in; keys and database have narrower modes of their own.</summary>
    public string MakeDir()
    {
        const UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;
        string full = Path.GetFullPath(Dir);
        if (!Directory.Exists(full))
        {
            Directory.CreateDirectory(full, mode);
        }
        return full;
    }
}
