using System.Net.Sockets;
using System.Text;
using XLive.Server.Operations.Commands;
using XLive.Server.Telemetry;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Telemetry;

/// <summary>A service manager that kills who is silent for nine seconds.</summary>
public sealed class WatchdogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xlive-watchdog-").FullName;
    private readonly Socket _told = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 10_000 };
    private readonly HandClock _clock = new();
    private readonly Supervisor _supervisor;

    public WatchdogTests()
    {
        _told.Bind(new UnixDomainSocketEndPoint(Path.Combine(_folder, "notify")));
        _supervisor = new Supervisor(_clock);
    }

    public void Dispose()
    {
        _told.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private ServiceManager Manager(string? time, string? process)
    {
        var manager = new ServiceManager(name => name switch
        {
            "NOTIFY_SOCKET" => Path.Combine(_folder, "notify"),
            "WATCHDOG_USEC" => time,
            "WATCHDOG_PID" => process,
            _ => null,
        }, process: 4711);
        manager.Watch(_supervisor);
        return manager;
    }

    private string Told()
    {
        var buffer = new byte[4096];
        return Encoding.ASCII.GetString(buffer, 0, _told.Receive(buffer));
    }

    [Theory, InlineData(null), InlineData("4711")]
    public void It_hears_three_times_within_its_time(string? process)
    {
        using var manager = Manager("9000000", process);
        Assert.Equal([TimeSpan.FromSeconds(3)], _clock.Timers);
        _clock.Pass(TimeSpan.FromSeconds(3));
        Assert.Equal("WATCHDOG=1", Told());
        // While it drains too, which may take longer than the watch.
        manager.Stopping(TimeSpan.FromSeconds(30));
        Assert.StartsWith("STOPPING=1\nEXTEND_TIMEOUT_USEC=40000000\n", Told(), StringComparison.Ordinal);
        // More than once: a turn is left out while the one before has not quite ended.
        Until.True(() =>
        {
            _clock.Pass(TimeSpan.FromSeconds(3));
            return _told.Available > 0;
        }, "the next one");
        Assert.Equal("WATCHDOG=1", Told());
    }

    [Theory]
    [InlineData("9000000", "1")] // of another process: this one was only started by it
    [InlineData("0", null), InlineData("-1", null), InlineData("soon", null), InlineData("", null), InlineData(null, null)]
    public void Who_is_not_watched_pats_nobody(string? time, string? process)
    {
        using var manager = Manager(time, process);
        Assert.Empty(_supervisor.Loops);
    }

    [Fact]
    public void A_watch_of_years_is_kept()
    {
        using var manager = Manager(long.MaxValue.ToString(System.Globalization.CultureInfo.InvariantCulture), null);
        Assert.Equal([TimeSpan.FromHours(8)], _clock.Timers);
    }

    [Fact]
    public void After_its_leave_it_is_not_ready_again()
    {
        using var manager = Manager(null, null);
        manager.Ready();
        Assert.StartsWith("READY=1\n", Told(), StringComparison.Ordinal);
        manager.Stopping(TimeSpan.Zero);
        Assert.StartsWith("STOPPING=1\n", Told(), StringComparison.Ordinal);
        manager.Ready();
        manager.Stopping(TimeSpan.Zero);
        Assert.Equal(0, _told.Available);
    }
}
