namespace XLive.Server.Operations.Health;

/// <summary>The file systems that are written to, each once: a full one shows here before the parts that write say so.</summary>
internal static class DiskCheck
{
    // SQLite's own journal may take as much while a day's books are cut.
    private const long Least = 64 << 20;

    public static (HealthState, string) Look(params ReadOnlySpan<(string Key, string Folder)> places)
    {
        var state = HealthState.Healthy;
        var said = new List<string>(places.Length);
        foreach (var (key, folder) in places)
        {
            var free = new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
            var isLow = free < Least;
            if (isLow)
                state = HealthState.Degraded;
            said.Add($"{key}: {free >> 20} MiB {(isLow ? "left" : "free")}");
        }
        return (state, string.Join("; ", said));
    }
}
