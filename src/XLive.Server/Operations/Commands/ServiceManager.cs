using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using XLive.Server.Door;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Commands;

/// <summary>
/// What a service manager is told, by sd_notify(3): that the ports listen, that the settings are read again, that the server goes, and that it
/// lives. Each is one datagram to the socket that $NOTIFY_SOCKET names; without that nothing is said.
/// </summary>
internal sealed class ServiceManager : IDisposable
{
    private const string SocketName = "NOTIFY_SOCKET", WatchdogTime = "WATCHDOG_USEC", WatchdogProcess = "WATCHDOG_PID";

    // A day, in microseconds; a timer takes no more than 49.
    private const long LongestWatch = 86_400_000_000;

    // Beyond the drain: the last report of traffic is tried for 10 s.
    private static readonly TimeSpan AfterDrain = TimeSpan.FromSeconds(10);

    private readonly Socket? _socket;
    private readonly UnixDomainSocketEndPoint? _manager;
    private readonly TimeSpan _watchdog;
    private readonly Lock _gate = new();
    private PosixSignalRegistration? _hangUp;
    private CancellationTokenRegistration _stop;
    private SupervisedLoop? _pats;
    private bool _stopping;

    /// <param name="variable">A variable of the environment by its name.</param>
    internal ServiceManager(Func<string, string?> variable, int process)
    {
        // A path, or a name in the abstract namespace; the third form, vsock:, is for whole machines.
        if (variable(SocketName) is not { Length: > 1 } name || name[0] is not ('/' or '@'))
            return;
        try
        {
            _manager = new UnixDomainSocketEndPoint(name[0] == '@' ? '\0' + name[1..] : name);
        }
        catch (ArgumentOutOfRangeException)
        {
            return; // longer than a socket's name can be: there is nothing at it
        }
        // Held from here on: when there is no descriptor left is no time to be taken for dead.
        _socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { SendTimeout = 1000 };
        if (variable(WatchdogProcess) is { Length: > 0 } whose && whose != process.ToString(CultureInfo.InvariantCulture))
            return;
        if (WholeNumber.TryRead(variable(WatchdogTime), out long microseconds) && microseconds > 0)
            _watchdog = TimeSpan.FromMicroseconds(Math.Min(microseconds, LongestWatch));
    }

    /// <summary>That of this process; told of its end by itself, and of its life.</summary>
    public static ServiceManager Of(IServiceProvider services)
    {
        var manager = new ServiceManager(Environment.GetEnvironmentVariable, Environment.ProcessId);
        // Encoders that are started later are not whom it waits to hear of.
        foreach (var name in (string[])[SocketName, WatchdogTime, WatchdogProcess])
            Environment.SetEnvironmentVariable(name, null);
        manager.Watch(services.GetRequiredService<Supervisor>());
        var settings = services.GetRequiredService<ServerSettings>();
        manager._stop = services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(() => manager.Stopping(settings.Of<DoorOptions>().DrainTimeout));
        // With a terminal the signal says that it was closed.
        if (Console.IsInputRedirected)
        {
            manager._hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
            {
                signal.Cancel = true;
                manager.Reload(settings);
            });
        }
        return manager;
    }

    /// <summary>
    /// The manager kills who has been silent for its time. A pat comes from a timer and a thread of the pool, as all that viewers wait for does; two may be
    /// late. A disk that hangs holds up neither, and starting the server anew would not mend it.
    /// </summary>
    internal void Watch(Supervisor supervisor)
    {
        if (_watchdog > TimeSpan.Zero)
            _pats = supervisor.Every("watchdog", _watchdog / 3, () => Send("WATCHDOG=1"));
    }

    public void Ready() => Tell($"READY=1\nSTATUS=XLive {Api.ServerVersion.Text} is ready");

    /// <summary>What is wrong in a file is in the log, and the old values stay; it is ready again in any case.</summary>
    internal void Reload(ServerSettings settings)
    {
        // systemd takes only a READY=1 that is later than this for the answer. The clock is CLOCK_MONOTONIC.
        var now = Stopwatch.GetElapsedTime(0).Ticks / TimeSpan.TicksPerMicrosecond;
        Tell(string.Create(CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={now}\nSTATUS=Reading the settings again"));
        settings.Reload();
        Ready();
    }

    internal void Stopping(TimeSpan drain)
    {
        var most = (drain + AfterDrain).Ticks / TimeSpan.TicksPerMicrosecond;
        lock (_gate)
        {
            TellLocked(string.Create(CultureInfo.InvariantCulture, $"STOPPING=1\nEXTEND_TIMEOUT_USEC={most}\nSTATUS=Draining"));
            _stopping = true;
        }
    }

    private void Tell(string state)
    {
        lock (_gate)
            TellLocked(state);
    }

    // After STOPPING=1 nothing may say READY=1 again.
    private void TellLocked(string state)
    {
        if (_stopping)
            return;
        try
        {
            Send(state);
        }
        catch (SocketException e)
        {
            // It will think what it thinks; viewers are served all the same.
            Console.Error.WriteLine($"The service manager could not be told: {e.Message}");
        }
    }

    private void Send(string state) => _socket?.SendTo(Encoding.ASCII.GetBytes(state), SocketFlags.None, _manager!);

    public void Dispose()
    {
        _hangUp?.Dispose();
        _stop.Dispose();
        _pats?.Dispose();
        _socket?.Dispose();
    }
}
