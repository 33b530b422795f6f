using XLive.Server.Limits;

namespace XLive.Server.Tests.Limits;

/// <summary>Control groups as /proc and the kernel's files describe them, both versions, inside a container and out.</summary>
public sealed class MemoryGroupTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly string _folder = Directory.CreateTempSubdirectory("xlive-groups-").FullName;

    [Fact]
    public void Version_1_in_use_is_what_is_charged_less_the_cache_but_for_what_is_mapped_or_queued()
    {
        First("/app", usage: 500 * MiB, limit: 512 * MiB, inactive: 300 * MiB, active: 100 * MiB, mapped: 20 * MiB);
        First("", usage: 900 * MiB, limit: 0x7FFFFFFFFFFFF000, inactive: 0, active: 0, mapped: 0);
        using var group = Find("4:memory:/app\n0::/\n", $"35 31 0:32 / {_folder} rw,relatime - cgroup cgroup rw,memory\n");
        Assert.Equal(new MemoryUse(120 * MiB, 512 * MiB), group.Read(0));
        Assert.Equal(new MemoryUse(170 * MiB, 512 * MiB), group.Read(50 * MiB));
        // More queued than there is cache cannot be.
        Assert.Equal(new MemoryUse(500 * MiB, 512 * MiB), group.Read(5000 * MiB));
    }

    [Fact]
    public void Version_2_knows_max_and_a_tighter_group_above()
    {
        Second("/pod/app", usage: 90 * MiB, limit: "max", inactive: 10 * MiB);
        Second("/pod", usage: 190 * MiB, limit: (200 * MiB).ToString(null, null), inactive: 30 * MiB);
        using var group = Find("0::/pod/app\n", $"35 31 0:32 / {_folder} rw shared:4 - cgroup2 cgroup2 rw\n");
        Assert.Equal(new MemoryUse(160 * MiB, 200 * MiB), group.Read(0));
    }

    [Fact]
    public void A_container_that_sees_its_own_group_as_the_root()
    {
        First("", usage: 100 * MiB, limit: 128 * MiB, inactive: 0, active: 0, mapped: 0);
        using var group = Find("4:memory:/docker/abc\n", $"35 31 0:32 /docker/abc {_folder} rw - cgroup cgroup rw,memory\n");
        Assert.Equal(new MemoryUse(100 * MiB, 128 * MiB), group.Read(0));
    }

    [Fact]
    public void Shared_memory_that_is_mapped_counts_once()
    {
        // 60 of the usage are cache, of which 10 are mapped; 36 more are mapped that are no cache.
        First("", usage: 200 * MiB, limit: 256 * MiB, inactive: 40 * MiB, active: 20 * MiB, mapped: 46 * MiB, shared: 36 * MiB);
        using var group = Find("4:memory:/\n", $"35 31 0:32 / {_folder} rw - cgroup cgroup rw,memory\n");
        Assert.Equal(new MemoryUse(150 * MiB, 256 * MiB), group.Read(0));
    }

    [Fact]
    public void A_limit_that_changes_is_seen()
    {
        First("", usage: 100 * MiB, limit: 128 * MiB, inactive: 0, active: 0, mapped: 0);
        using var group = Find("4:memory:/\n", $"35 31 0:32 / {_folder} rw - cgroup cgroup rw,memory\n");
        Assert.True(group.HasLimit);
        Write("", "memory.limit_in_bytes", "1073741824\n");
        Assert.Equal(1 << 30, group.Read(0).Limit);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("0::/\n", "35 31 0:32 / /nowhere rw - cgroup2 cgroup2 rw\n")]
    [InlineData("garbage", "garbage - x\n")]
    public void No_group_is_no_limit(string groups, string mounts)
    {
        using var group = Find(groups, mounts);
        Assert.False(group.HasLimit);
        Assert.Equal(0, group.Read(1 << 20).Share);
    }

    private MemoryGroup Find(string groups, string mounts)
    {
        File.WriteAllText(_folder + "/groups", groups);
        File.WriteAllText(_folder + "/mounts", mounts);
        return MemoryGroup.Find(_folder + "/groups", _folder + "/mounts");
    }

    private void First(string group, long usage, long limit, long inactive, long active, long mapped, long shared = 0)
    {
        Write(group, "memory.usage_in_bytes", $"{usage}\n");
        Write(group, "memory.limit_in_bytes", $"{limit}\n");
        Write(group, "memory.stat", $"cache 1\ninactive_file 7\ntotal_shmem {shared}\ntotal_mapped_file {mapped}\ntotal_inactive_file {inactive}\ntotal_active_file {active}\n");
    }

    private void Second(string group, long usage, string limit, long inactive)
    {
        Write(group, "memory.current", $"{usage}\n");
        Write(group, "memory.max", limit + "\n");
        Write(group, "memory.stat", $"anon 1\nfile_mapped 0\ninactive_file {inactive}\nactive_file 0\n");
    }

    private void Write(string group, string name, string text)
    {
        Directory.CreateDirectory(_folder + group);
        File.WriteAllText($"{_folder}{group}/{name}", text);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
