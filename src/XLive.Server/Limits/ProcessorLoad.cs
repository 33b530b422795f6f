namespace XLive.Server.Limits;

/// <summary>Shares of processor time, of 1.</summary>
/// <param name="Process">Of what this process's processors have.</param>
/// <param name="Machine">Of the machine's; null: the kernel does not tell.</param>
/// <param name="Group">Of the quota of a control group; null: there is none.</param>
/// <param name="Quota">In processors.</param>
/// <param name="Over">So much time.</param>
public sealed record ProcessorShares(double Process, double? Machine, double? Group, double Quota, TimeSpan Over)
{
    /// <summary>Where it is tightest.</summary>
    public double Tightest => Math.Max(Process, Math.Max(Machine ?? 0, Group ?? 0));
}

/// <summary>
/// How much of the processors was used of late. Busy is who had nothing left for two whole minutes: a crowd that comes, a warm-up and a backup
/// are over by then, and an operator who is told sooner can do nothing with it.
/// </summary>
public sealed class ProcessorLoad(Func<ProcessorReading> read, TimeProvider clock)
{
    public const double BusyAt = 0.95, FreeBelow = 0.90;

    public static readonly TimeSpan Window = TimeSpan.FromMinutes(2);

    // With as many places as that fills, and some: looks come every two seconds.
    private static readonly TimeSpan Apart = TimeSpan.FromSeconds(1.9);

    private readonly (long At, ProcessorReading Reading)[] _past = new (long, ProcessorReading)[80];
    private long _count;
    private volatile ProcessorShares _shares = new(0, null, null, 0, TimeSpan.Zero);
    private volatile bool _isBusy;

    /// <summary>For the tests: what every look finds.</summary>
    internal Func<ProcessorReading>? Instead { get; set; }

    public bool IsBusy => _isBusy;

    /// <summary>As of the last look.</summary>
    public ProcessorShares Shares => _shares;

    /// <summary>By one at a time.</summary>
    public void Look()
    {
        var now = clock.GetTimestamp();
        var reading = (Instead ?? read)();
        var before = Before(now, out var isWhole);
        if (_count > 0)
            _shares = Between(before.Reading, reading, clock.GetElapsedTime(before.At, now));
        _isBusy = isWhole && _shares.Tightest >= (_isBusy ? FreeBelow : BusyAt);
        if (_count == 0 || clock.GetElapsedTime(_past[(_count - 1) % _past.Length].At, now) >= Apart)
            _past[_count++ % _past.Length] = (now, reading);
    }

    /// <summary>The youngest that is as old as the window, or else the oldest.</summary>
    private (long At, ProcessorReading Reading) Before(long now, out bool isWhole)
    {
        isWhole = false;
        (long At, ProcessorReading Reading) found = default;
        for (var i = _count - 1; i >= 0 && i >= _count - _past.Length && !isWhole; i--)
        {
            found = _past[i % _past.Length];
            isWhole = clock.GetElapsedTime(found.At, now) >= Window;
        }
        return found;
    }

    private static ProcessorShares Between(in ProcessorReading before, in ProcessorReading now, TimeSpan over)
    {
        var seconds = Math.Max(over.TotalSeconds, 0.001);
        var all = now.MachineAll - before.MachineAll;
        double? machine = all > 0 ? (double)Math.Max(0, now.Machine - before.Machine) / all : null;
        double? group = now.Quota > 0 && before.Quota > 0 ? Math.Max(0, now.Group - before.Group) / (now.Quota * seconds) : null;
        return new ProcessorShares((now.Process - before.Process) / (Environment.ProcessorCount * seconds), machine, group, now.Quota, over);
    }
}
