#pragma warning disable CA1823, CS0169, CS0649 // fields nobody uses are what is tested

namespace XLive.Server.Tests.Architecture;

internal sealed class ClockByNow
{
    public DateTime Go() => DateTime.UtcNow;
}

internal sealed class ClockByWatch
{
    private readonly System.Diagnostics.Stopwatch? _watch;
}

internal sealed class ClockByProvider
{
    public void Go(TimeProvider time) => _ = time;
}

internal sealed class ClockByTicks
{
    public long Go() => Environment.TickCount64;
}

internal sealed class ClockByDelay
{
    public async Task Go() => await Task.Delay(1);
}

internal sealed class WireBySocket
{
    private readonly System.Net.Sockets.Socket? _socket;
}

internal sealed class PureDate
{
    public DateTime Go(long seconds) => DateTime.UnixEpoch.AddSeconds(seconds);
}
