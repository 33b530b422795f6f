using System.Text;

namespace XLive.Server.Telemetry;

/// <summary>What a block device did since the machine began, Documentation/admin-guide/iostats.rst.</summary>
internal readonly record struct DeviceCounters(long Reads, long ReadBytes, long Writes, long WrittenBytes, double BusySeconds)
{
    // The kernel counts in these whatever the device's own are.
    private const int Sector = 512;

    private const int Fields = 10;

    /// <summary>"254:0" of the file system that the folder is on, by /proc/self/mountinfo; null: it is on no device, or not to be told.</summary>
    public static string? DeviceOf(string folder, ReadOnlySpan<byte> mounts)
    {
        string? device = null;
        var longest = -1;
        foreach (var range in mounts.Split((byte)'\n'))
        {
            // 36 35 98:0 /root /mnt ...
            var words = new Words(mounts[range]);
            if (!words.Next(out _) || !words.Next(out _) || !words.Next(out var number) || !words.Next(out _) || !words.Next(out var at) || at.Length > 4096)
                continue;
            var mount = Encoding.UTF8.GetString(at).Replace("\\040", " ", StringComparison.Ordinal);
            // Of two at one place the later lies on top.
            if (mount.Length < longest || !IsBelow(folder, mount))
                continue;
            (longest, device) = (mount.Length, Encoding.ASCII.GetString(number));
        }
        // tmpfs, overlayfs, NFS: no device has 0 for its major number.
        return device is null || device.StartsWith("0:", StringComparison.Ordinal) ? null : device;
    }

    private static bool IsBelow(string folder, string mount) =>
        mount == "/" || folder.StartsWith(mount, StringComparison.Ordinal) && (folder.Length == mount.Length || folder[mount.Length] == '/');

    /// <summary>Null: /proc/diskstats has no such device.</summary>
    public static DeviceCounters? Read(ReadOnlySpan<byte> stats, string device)
    {
        Span<long> field = stackalloc long[Fields];
        foreach (var range in stats.Split((byte)'\n'))
        {
            var words = new Words(stats[range]);
            if (words.Number() is not { } major || words.Number() is not { } minor || device != $"{major}:{minor}" || !words.Next(out _))
                continue;
            var count = 0;
            while (count < Fields && words.Number() is { } number)
                field[count++] = number;
            // Reads, merged, sectors, ms; writes, merged, sectors, ms; in flight, ms at work.
            return count < Fields ? null : new DeviceCounters(field[0], field[2] * Sector, field[4], field[6] * Sector, field[9] / 1000.0);
        }
        return null;
    }
}
