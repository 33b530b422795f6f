using System.Runtime.InteropServices;
using Perfolizer.Horology;

namespace XLive.Benchmarks;

/// <summary>
/// The processor time of the thread that measures. Beside other programs on a small machine the wall clock says mostly how often the
/// thread had to wait for them.
/// </summary>
internal sealed partial class ThreadClock : IClock
{
    private const int ThreadCpuTime = 3; // CLOCK_THREAD_CPUTIME_ID

    public string Title => "processor time of the thread";
    public bool IsAvailable => OperatingSystem.IsLinux();
    public Frequency Frequency => new(1e9);

    public long GetTimestamp() => ClockGetTime(ThreadCpuTime, out var time) == 0
        ? time.Seconds * 1_000_000_000 + time.Nanoseconds
        : throw new InvalidOperationException("no clock of the thread's processor time");

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, out TimeSpec time);

    private readonly record struct TimeSpec(long Seconds, long Nanoseconds);
}
