using Microsoft.Win32.SafeHandles;
using XLive.Server.Settings;

namespace XLive.Server.Limits;

/// <summary>
/// The control groups above this process that have a quota of processor time, version 1 or 2. Their files are opened once: they are read again
/// when there may be no descriptor left.
/// </summary>
public sealed class ProcessorGroup : IDisposable
{
    private readonly List<Level> _levels = [];
    private readonly byte[] _text = new byte[512];

    private ProcessorGroup()
    {
    }

    public static ProcessorGroup OfProcess() => Find("/proc/self/cgroup", "/proc/self/mountinfo");

    internal static ProcessorGroup Find(string groups, string mounts)
    {
        var found = new ProcessorGroup();
        // Version 1 has the quota and the count in two controllers, most often mounted together, and a process is in the same group of both.
        using var counts = ControlGroups.Of("cpuacct", groups, mounts).Where(static g => !g.IsSecond).Select(static g => g.Folder).GetEnumerator();
        foreach (var (folder, isSecond) in ControlGroups.Of("cpu", groups, mounts))
        {
            if (isSecond)
                found.Add(folder + "/cpu.max", null, folder + "/cpu.stat");
            else if (counts.MoveNext())
                found.Add(folder + "/cpu.cfs_quota_us", folder + "/cpu.cfs_period_us", counts.Current + "/cpuacct.usage");
        }
        return found;
    }

    private void Add(string quota, string? period, string usage)
    {
        var opened = new List<SafeFileHandle>(3);
        try
        {
            opened.Add(File.OpenHandle(quota));
            opened.Add(File.OpenHandle(usage));
            if (period is not null)
                opened.Add(File.OpenHandle(period));
            _levels.Add(new Level(opened[0], opened[1], opened.Count > 2 ? opened[2] : null));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Version 2's root has none of them; a group above a container's may be out of sight.
            foreach (var file in opened)
                file.Dispose();
        }
    }

    /// <summary>Of the group with the smallest quota: the quota in processors, and the seconds that all in it have used. 0 processors: none has one.</summary>
    public (double Processors, double Used) Read()
    {
        (double Processors, double Used) tightest = default;
        foreach (var level in _levels)
        {
            var processors = Quota(level);
            if (processors > 0 && (tightest.Processors == 0 || processors < tightest.Processors))
                tightest = (processors, Used(level));
        }
        return tightest;
    }

    private double Quota(Level level)
    {
        if (level.Period is null)
        {
            // "max 100000": none.
            var text = Text(level.Quota);
            var space = text.IndexOf((byte)' ');
            return space > 0 ? Share(text[..space], text[(space + 1)..]) : 0;
        }
        // -1: none.
        return WholeNumber.TryRead(Text(level.Quota), out var quota) && WholeNumber.TryRead(Text(level.Period), out var period) && period > 0 ? (double)quota / period : 0;
    }

    private static double Share(ReadOnlySpan<byte> quota, ReadOnlySpan<byte> period) =>
        WholeNumber.TryRead(quota, out var microseconds) && WholeNumber.TryRead(period, out var of) && of > 0 ? (double)microseconds / of : 0;

    private double Used(Level level)
    {
        var text = Text(level.Usage);
        if (level.Period is not null)
            return WholeNumber.TryRead(text, out var nanoseconds) ? nanoseconds / 1e9 : 0;
        foreach (var range in text.Split((byte)'\n'))
        {
            var line = text[range];
            if (line.StartsWith("usage_usec "u8))
                return WholeNumber.TryRead(line["usage_usec ".Length..], out var microseconds) ? microseconds / 1e6 : 0;
        }
        return 0;
    }

    private ReadOnlySpan<byte> Text(SafeFileHandle file) => _text.AsSpan(0, RandomAccess.Read(file, _text, 0)).TrimEnd((byte)'\n');

    public void Dispose()
    {
        foreach (var level in _levels)
            level.Dispose();
    }

    private sealed record Level(SafeFileHandle Quota, SafeFileHandle Usage, SafeFileHandle? Period) : IDisposable
    {
        public void Dispose()
        {
            Quota.Dispose();
            Usage.Dispose();
            Period?.Dispose();
        }
    }
}
