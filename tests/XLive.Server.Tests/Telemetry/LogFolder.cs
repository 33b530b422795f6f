using System.Text;
using XLive.Server.Telemetry;

namespace XLive.Server.Tests.Telemetry;

/// <summary>Log files in a folder of their own, a clock that stands still, a console in memory.</summary>
internal sealed class LogFolder : IDisposable
{
    public string Dir { get; } = Directory.CreateTempSubdirectory("xlive-logs-").FullName;
    public LogOptions Options { get; }
    public StoppedClock Clock { get; } = new();
    public MemoryStream Console { get; } = new();
    public LogFiles Files { get; }

    public LogFolder()
    {
        Options = new LogOptions { Dir = Dir };
        Files = new LogFiles(() => Options, Clock, Console);
    }

    public string[] Lines(string file)
    {
        Files.Flush();
        string path = Path.Combine(Dir, file);
        return File.Exists(path) ? File.ReadAllLines(path) : [];
    }

    public string ConsoleText()
    {
        Files.Flush();
        return Encoding.UTF8.GetString(Console.ToArray());
    }

    public void Dispose()
    {
        Files.Dispose();
        Directory.Delete(Dir, recursive: true);
    }
}

internal sealed class StoppedClock : TimeProvider
{
    private long _ticks = new DateTimeOffset(2025, 3, 1, 12, 0, 0, TimeSpan.Zero).UtcTicks;

    public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref _ticks), TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);

    public void Pass(TimeSpan time) => Interlocked.Add(ref _ticks, time.Ticks);
}
