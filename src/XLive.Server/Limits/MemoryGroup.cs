using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace XLive.Server.Limits;

/// <summary>What of a control group's memory is in use and cannot be had back, and how much there may be.</summary>
public readonly record struct MemoryUse(long Used, long Limit)
{
    public double Share => Limit > 0 ? (double)Used / Limit : 0;
}

/// <summary>
/// The control groups above this process that have a limit of memory, version 1 or 2. Their files are opened once: they are read again
/// when there may be no descriptor left.
///
/// In use is what the kernel charges less its page cache, which is most of it on a server of files and is given back when it is wanted.
/// Two parts of the cache are not: what is mapped (the program itself) and what lies in the send queues of viewers, whom sendfile(2)
/// gave pages instead of copies. The latter is not told by any file; <c>queued</c> is what the way out knows of it.
/// </summary>
public sealed class MemoryGroup : IDisposable
{
    // Version 1 says "none" with the largest whole number of pages.
    private const long None = long.MaxValue / 2;

    private readonly List<Level> _levels = [];
    private readonly byte[] _text = new byte[8192];

    private MemoryGroup()
    {
    }

    public bool HasLimit => _levels.Count > 0 && Read(0).Limit > 0;

    public static MemoryGroup OfProcess() => Find("/proc/self/cgroup", "/proc/self/mountinfo");

    internal static MemoryGroup Find(string groups, string mounts)
    {
        var found = new MemoryGroup();
        foreach (var (folder, isSecond) in ControlGroups.Of("memory", groups, mounts))
        {
            if (isSecond)
                found.AddLevel(folder + "/memory.current", folder + "/memory.max", folder + "/memory.stat", "");
            else
                found.AddLevel(folder + "/memory.usage_in_bytes", folder + "/memory.limit_in_bytes", folder + "/memory.stat", "total_");
        }
        return found;
    }

    private void AddLevel(string usage, string limit, string stat, string prefix)
    {
        try
        {
            _levels.Add(new Level(File.OpenHandle(usage), File.OpenHandle(limit), File.OpenHandle(stat), prefix));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Version 2's root has none of them; a group above a container's may be out of sight.
        }
    }

    /// <summary>The tightest of the groups; a limit of 0 where none has one.</summary>
    public MemoryUse Read(long queued)
    {
        var worst = default(MemoryUse);
        foreach (var level in _levels)
        {
            var limit = Number(ReadText(level.Limit));
            if (limit is <= 0 or >= None)
                continue;
            var usage = Number(ReadText(level.Usage));
            var stat = ReadText(level.Stat);
            var cache = Value(stat, level.Prefix, "inactive_file") + Value(stat, level.Prefix, "active_file");
            // Shared memory counts as mapped, and is on no list of the cache: what the runtime compiles lies there, 36 MiB.
            var mapped = Math.Max(0, Value(stat, level.Prefix, level.Prefix.Length > 0 ? "mapped_file" : "file_mapped") - Value(stat, level.Prefix, "shmem"));
            var use = new MemoryUse(Math.Max(0, usage - Math.Max(0, cache - mapped - queued)), limit);
            if (worst.Limit == 0 || use.Share > worst.Share)
                worst = use;
        }
        return worst;
    }

    private ReadOnlySpan<byte> ReadText(SafeFileHandle file) => _text.AsSpan(0, RandomAccess.Read(file, _text, 0));

    /// <summary>"max" is no number and no limit.</summary>
    private static long Number(ReadOnlySpan<byte> text) =>
        long.TryParse(text.TrimEnd((byte)'\n'), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 0;

    private static long Value(ReadOnlySpan<byte> stat, string prefix, string name)
    {
        Span<byte> key = stackalloc byte[64];
        var length = Encoding.ASCII.GetBytes(prefix, key);
        length += Encoding.ASCII.GetBytes(name, key[length..]);
        key[length++] = (byte)' ';
        foreach (var range in stat.Split((byte)'\n'))
        {
            var line = stat[range];
            if (line.StartsWith(key[..length]))
                return Number(line[length..]);
        }
        return 0;
    }

    public void Dispose()
    {
        foreach (var level in _levels)
            level.Dispose();
    }

    private sealed record Level(SafeFileHandle Usage, SafeFileHandle Limit, SafeFileHandle Stat, string Prefix) : IDisposable
    {
        public void Dispose()
        {
            Usage.Dispose();
            Limit.Dispose();
            Stat.Dispose();
        }
    }
}
