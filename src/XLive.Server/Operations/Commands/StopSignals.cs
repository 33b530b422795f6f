using System.Runtime.InteropServices;
using XLive.Server.Door;

namespace XLive.Server.Operations.Commands;

/// <summary>SIGTERM and Ctrl-C: the first drains, a second one ends at once.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly PosixSignalRegistration[] _registrations;
    private readonly IServiceProvider _services;
    private int _count;

    public StopSignals(IServiceProvider services)
    {
        _services = services;
        _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop), PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop)];
    }

    private void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        if (Interlocked.Increment(ref _count) > 1)
            Environment.Exit(1);
        // Balancers see it before the ports close.
        _services.GetRequiredService<Drain>().Begin();
        _services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
    }
}

/// <summary>No lines and no signal handlers of the framework's own: ours know of a second signal.</summary>
internal sealed class QuietLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
