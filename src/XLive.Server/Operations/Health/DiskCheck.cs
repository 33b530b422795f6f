using XLive.Server.Storage;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Health;

/// <summary>Of the file system that a folder is on, as of the last look.</summary>
public readonly record struct DiskSpace(string Key, long Free, long Size);

/// <summary>
/// The file systems that are written to: a full one shows here before the parts that write say so. Asking one that hangs takes for ever,
/// so the look alone asks, on its own thread, and all others are told what it saw.
/// </summary>
public sealed class DiskCheck(DataOptions data, LogFiles logs)
{
    // SQLite's own journal may take as much while a day's books are cut.
    private const long Least = 64 << 20;

    private volatile DiskSpace[] _last = [];

    public IReadOnlyList<DiskSpace> Last => _last;

    public (HealthState, string) Look()
    {
        DiskSpace[] spaces = [Of("data.dir", data.Dir), Of("log.dir", logs.Options.Dir)];
        _last = spaces;
        var state = HealthState.Healthy;
        var said = "";
        foreach (var space in spaces)
        {
            var isLow = space.Free < Least;
            if (isLow)
                state = HealthState.Degraded;
            said += $"{(said.Length > 0 ? "; " : "")}{space.Key}: {space.Free >> 20} MiB {(isLow ? "left" : "free")}";
        }
        return (state, said);
    }

    private static DiskSpace Of(string key, string folder)
    {
        var drive = new DriveInfo(Path.GetFullPath(folder));
        return new DiskSpace(key, drive.AvailableFreeSpace, drive.TotalSize);
    }
}
