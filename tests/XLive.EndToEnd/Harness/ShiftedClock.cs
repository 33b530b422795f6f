using System.Globalization;

namespace XLive.EndToEnd.Harness;

/// <summary>A wall clock that a test sets while the server runs (../shared/faults/clockshift.c); its monotonic clock is left alone.</summary>
public sealed class ShiftedClock : IDisposable
{
    static readonly Lazy<Task<string>> Library = new(() => SharedSource.Compile("faults/clockshift.c", "clockshift.so", "-shared", "-fPIC", "-ldl"));
    readonly TempFolder _folder = new();
    readonly string _library;

    ShiftedClock(string library) => _library = library;

    public static async Task<ShiftedClock> Make()
    {
        var clock = new ShiftedClock(await Library.Value);
        clock.Set(TimeSpan.Zero);
        return clock;
    }

    public Surroundings Around => new(Environment: new() { ["LD_PRELOAD"] = _library, ["CLOCKSHIFT"] = _folder["shift"] });

    public TimeSpan Shift { get; private set; }

    /// <summary>What the server takes for now.</summary>
    public DateTimeOffset Now => DateTimeOffset.UtcNow + Shift;

    public void Set(TimeSpan shift)
    {
        Shift = shift;
        // In one step: the server may read at any moment.
        File.WriteAllText(_folder["shift.new"], ((long)shift.TotalSeconds).ToString(CultureInfo.InvariantCulture));
        File.Move(_folder["shift.new"], _folder["shift"], overwrite: true);
    }

    public void Dispose() => _folder.Dispose();
}
