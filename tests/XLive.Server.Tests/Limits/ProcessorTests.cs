using System.Globalization;
using System.Text;
using XLive.Server.Limits;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Limits;

/// <summary>Processor time as the kernel tells it, and what counts as busy.</summary>
public sealed class ProcessorTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xlive-processors-").FullName;
    private readonly HandClock _clock = new();
    private double _process;
    private long _machine, _machineAll;
    private double _group, _quota;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private ProcessorLoad Load() => new(() => new ProcessorReading(_process, _machine, _machineAll, _group, _quota), _clock);

    /// <summary>Looks each two seconds, in which so much of a machine of 100 ticks a second is used.</summary>
    private void Pass(ProcessorLoad load, double seconds, double share, double processors = 0)
    {
        for (var i = 0; i < seconds / 2; i++)
        {
            load.Look();
            _clock.Pass(TimeSpan.FromSeconds(2));
            _machine += (long)(200 * share);
            _machineAll += 200;
            _process += 2 * processors;
            _group += 2 * processors;
        }
        load.Look();
    }

    [Fact]
    public void A_peak_is_not_busy_and_two_minutes_are()
    {
        var load = Load();
        Pass(load, 300, 0.5);
        Pass(load, 100, 1);
        Assert.False(load.IsBusy);
        // 0.95 of two minutes, and the rest at a half.
        Pass(load, 6, 1);
        Assert.False(load.IsBusy);
        Pass(load, 14, 1);
        Assert.True(load.IsBusy);
        Assert.Equal(1, load.Shares.Machine!.Value, 1);
        Assert.InRange(load.Shares.Over.TotalSeconds, 120, 123);
        // A breath does not end it: it would come and go.
        Pass(load, 6, 0.5);
        Assert.True(load.IsBusy);
        Pass(load, 40, 0.5);
        Assert.False(load.IsBusy);
    }

    [Fact]
    public void What_is_not_told_yet_is_not_busy()
    {
        var load = Load();
        Pass(load, 118, 1);
        Assert.False(load.IsBusy);
        Assert.Equal(1, load.Shares.Tightest, 2);
        Pass(load, 4, 1);
        Assert.True(load.IsBusy);
    }

    [Fact]
    public void Whatever_is_tightest_counts()
    {
        var own = Load();
        Pass(own, 130, 0, processors: Environment.ProcessorCount);
        Assert.True(own.IsBusy);
        Assert.Equal(1, own.Shares.Process, 2);
        Assert.Null(own.Shares.Group);
        // Half a processor is a tenth of the machine, and all of the quota.
        _quota = 0.5;
        var group = Load();
        Pass(group, 130, 0.1, processors: 0.5);
        Assert.True(group.IsBusy);
        Assert.Equal((1, 0.5), (Math.Round(group.Shares.Group!.Value, 2), group.Shares.Quota));
    }

    [Fact]
    public void A_kernel_that_tells_nothing_of_the_machine()
    {
        var load = new ProcessorLoad(() => new ProcessorReading(_process += 0.1, 0, 0, 0, 0), _clock);
        load.Look();
        _clock.Pass(TimeSpan.FromMinutes(3));
        load.Look();
        Assert.Null(load.Shares.Machine);
        Assert.False(load.IsBusy);
    }

    [Theory]
    [InlineData("cpu  100 20 30 400 50 6 7 8 90 10\ncpu0 1 2 3 4\n", 151, 621)] // nice, idle and waiting are not used; a guest's time is in user
    [InlineData("cpu  1 2 3 4\n", 4, 10)]
    [InlineData("cpu  1 2 3 4 5 6 7 8", 25, 36)]
    [InlineData("cpu  1 2 x 4\n", 0, 0)]
    [InlineData("cpu  -1 2 3 4\n", 0, 0)]
    [InlineData("cpu  \n", 0, 0)]
    [InlineData("intr 1 2 3 4 5 6 7 8\n", 0, 0)]
    [InlineData("", 0, 0)]
    public void The_machines_line(string stat, long used, long all) => Assert.Equal((used, all), ProcessorTimes.Machine(Encoding.ASCII.GetBytes(stat)));

    [Fact]
    public void This_machine_and_one_without_proc()
    {
        using var times = ProcessorTimes.OfProcess();
        var reading = times.Read();
        Assert.True(reading.Process > 0);
        Assert.InRange(reading.Machine, 0, Math.Max(0, reading.MachineAll));
        using var none = new ProcessorTimes(_folder + "/none", ProcessorGroup.Find(_folder + "/none", _folder + "/none"));
        var left = none.Read();
        Assert.True(left.Process > 0);
        Assert.Equal((0, 0, 0, 0), (left.Machine, left.MachineAll, left.Group, left.Quota));
    }

    [Fact]
    public void Quotas_of_both_versions_the_tightest()
    {
        Second("/pod/app", "max 100000", 5_000_000);
        Second("/pod", "150000 100000", 7_500_000);
        using (var second = Find("0::/pod/app\n", $"35 31 0:32 / {_folder} rw - cgroup2 cgroup2 rw\n"))
            Assert.Equal((1.5, 7.5), second.Read());
        First("/app", "50000", "100000", 3_500_000_000);
        First("", "-1", "100000", 9_000_000_000);
        using var first = Find("4:cpu,cpuacct:/app\n", $"35 31 0:32 / {_folder} rw - cgroup cgroup rw,cpu,cpuacct\n");
        Assert.Equal((0.5, 3.5), first.Read());
        // One that is lifted.
        File.WriteAllText(_folder + "/app/cpu.cfs_quota_us", "-1\n");
        Assert.Equal((0, 0), first.Read());
        File.WriteAllText(_folder + "/app/cpu.cfs_quota_us", "50000\n");
        // Mounted each by itself.
        Directory.CreateDirectory(_folder + "/count/app");
        File.Move(_folder + "/app/cpuacct.usage", _folder + "/count/app/cpuacct.usage");
        using var apart = Find("3:cpuacct:/app\n4:cpu:/app\n",
            $"35 31 0:32 / {_folder} rw - cgroup cgroup rw,cpu\n36 31 0:33 / {_folder}/count rw - cgroup cgroup rw,cpuacct\n");
        Assert.Equal((0.5, 3.5), apart.Read());
    }

    private ProcessorGroup Find(string groups, string mounts)
    {
        File.WriteAllText(_folder + "/groups", groups);
        File.WriteAllText(_folder + "/mounts", mounts);
        return ProcessorGroup.Find(_folder + "/groups", _folder + "/mounts");
    }

    private void Second(string group, string most, long microseconds)
    {
        Directory.CreateDirectory(_folder + group);
        File.WriteAllText($"{_folder}{group}/cpu.max", most + "\n");
        File.WriteAllText($"{_folder}{group}/cpu.stat", string.Create(CultureInfo.InvariantCulture, $"usage_usec {microseconds}\nuser_usec 1\n"));
    }

    private void First(string group, string quota, string period, long nanoseconds)
    {
        Directory.CreateDirectory(_folder + group);
        File.WriteAllText($"{_folder}{group}/cpu.cfs_quota_us", quota + "\n");
        File.WriteAllText($"{_folder}{group}/cpu.cfs_period_us", period + "\n");
        File.WriteAllText($"{_folder}{group}/cpuacct.usage", string.Create(CultureInfo.InvariantCulture, $"{nanoseconds}\n"));
    }
}
