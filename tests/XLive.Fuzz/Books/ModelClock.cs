namespace XLive.Fuzz.Books;

internal sealed class ModelClock : TimeProvider
{
    private long _steady;
    private long _wall = new DateTimeOffset(2026, 3, 1, 10, 0, 30, TimeSpan.Zero).ToUnixTimeSeconds();

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public long Unix => _wall;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(_wall);

    public override long GetTimestamp() => _steady;

    public void Pass(int seconds)
    {
        _steady += seconds * TimeSpan.TicksPerSecond;
        _wall += seconds;
    }

    public void Step(int seconds) => _wall += seconds;
}
