using Microsoft.Win32.SafeHandles;
using XLive.Server.Settings;

namespace XLive.Server.Limits;

/// <summary>Processor time that was used since some time or other, in seconds but for the machine's, which is in ticks of its own.</summary>
/// <param name="Machine">By all, but for what gives way to any other (nice).</param>
/// <param name="MachineAll">With the time in which there was nothing to do; 0: the kernel does not tell.</param>
/// <param name="Group">By all in the control group that has a quota.</param>
/// <param name="Quota">Its quota in processors; 0: there is none.</param>
public readonly record struct ProcessorReading(double Process, long Machine, long MachineAll, double Group, double Quota);

/// <summary>What the kernel tells of processor time: of this process, of the machine, and of a control group with a quota.</summary>
public sealed class ProcessorTimes : IDisposable
{
    // proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal. What follows is in user already.
    private const int Fields = 8, Nice = 1, Idle = 3, Waiting = 4;

    private readonly ProcessorGroup _group;
    private readonly SafeFileHandle? _machine;
    private readonly byte[] _text = new byte[512];

    public ProcessorTimes(string machine, ProcessorGroup group)
    {
        _group = group;
        try
        {
            _machine = File.OpenHandle(machine);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Then there is no figure of the machine's.
        }
    }

    public static ProcessorTimes OfProcess() => new("/proc/stat", ProcessorGroup.OfProcess());

    /// <summary>By one at a time.</summary>
    public ProcessorReading Read()
    {
        var (used, all) = _machine is null ? default : Machine(_text.AsSpan(0, RandomAccess.Read(_machine, _text, 0)));
        var (quota, group) = _group.Read();
        return new ProcessorReading(Environment.CpuUsage.TotalTime.TotalSeconds, used, all, group, quota);
    }

    internal static (long Used, long All) Machine(ReadOnlySpan<byte> stat)
    {
        if (!stat.StartsWith("cpu "u8))
            return default;
        stat = stat[4..];
        if (stat.IndexOf((byte)'\n') is >= 0 and var end)
            stat = stat[..end];
        long used = 0, all = 0;
        var field = 0;
        foreach (var range in stat.Split((byte)' '))
        {
            var word = stat[range];
            if (word.IsEmpty)
                continue;
            if (field == Fields || !WholeNumber.TryRead(word, out var ticks))
                break;
            all += ticks;
            used += field is Nice or Idle or Waiting ? 0 : ticks;
            field++;
        }
        return field < Waiting ? default : (used, all);
    }

    public void Dispose()
    {
        _machine?.Dispose();
        _group.Dispose();
    }
}
