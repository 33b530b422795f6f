using System.Globalization;

namespace XLive.EndToEnd.Harness;

/// <summary>A control group with a limit of memory, of whichever version this machine has. Needs root.</summary>
public sealed class ControlGroup : IDisposable
{
    const string First = "/sys/fs/cgroup/memory";

    readonly bool _isFirst = Directory.Exists(First);
    readonly string _path;

    public ControlGroup(long limit)
    {
        _path = Path.Combine(_isFirst ? First : "/sys/fs/cgroup", "xlive-test-" + Guid.NewGuid().ToString("N")[..8]);
        Directory.CreateDirectory(_path);
        File.WriteAllText(Path.Combine(_path, _isFirst ? "memory.limit_in_bytes" : "memory.max"), limit.ToString(CultureInfo.InvariantCulture));
    }

    public string Processes => Path.Combine(_path, "cgroup.procs");

    /// <summary>Processes of the group that the kernel has killed for want of memory.</summary>
    public int Kills => int.Parse(File.ReadLines(Path.Combine(_path, _isFirst ? "memory.oom_control" : "memory.events"))
        .First(l => l.StartsWith("oom_kill ", StringComparison.Ordinal))["oom_kill ".Length..], CultureInfo.InvariantCulture);

    public void Dispose()
    {
        // What ran in it may take a moment to be gone.
        for (var i = 0; i < 50 && Directory.Exists(_path); i++)
        {
            try
            {
                Directory.Delete(_path);
            }
            catch (IOException)
            {
                Thread.Sleep(100);
            }
        }
    }
}
