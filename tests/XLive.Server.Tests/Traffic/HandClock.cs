namespace XLive.Server.Tests.Traffic;

/// <summary>A wall clock and a steady one, both moved by hand; the wall clock can be set as well.</summary>
internal sealed class HandClock : TimeProvider
{
    private long _ticks;
    private DateTimeOffset _wall = new(2026, 3, 1, 10, 0, 30, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public long Unix => _wall.ToUnixTimeSeconds();

    public override DateTimeOffset GetUtcNow() => _wall;

    public override long GetTimestamp() => _ticks;

    public void Pass(TimeSpan time)
    {
        _ticks += time.Ticks;
        _wall += time;
    }

    public void Step(TimeSpan step) => _wall += step;
}
