using Microsoft.Extensions.Hosting;
using XLive.Server.Telemetry;

namespace XLive.Server.Traffic;

/// <summary>What looks after counters and ledger while the server runs, and their last cut when it ends.</summary>
internal sealed partial class TrafficLoops(Ledger ledger, LedgerStart start, Supervisor supervisor, ILogger<TrafficLoops> log) : IHostedService, IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly List<SupervisedLoop> _loops = [];
    private string? _said;
    private string? _saidOfCounters;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var warning in start.Warnings)
            LogWarned(warning);
        // Apart, for a disk that takes its time over one must not hold up the other.
        _loops.Add(supervisor.Every("traffic counters", Second, Sync));
        _loops.Add(supervisor.Every("traffic ledger", Second, Look));
        return Task.CompletedTask;
    }

    // A disk that fails is no fault of the loop's: health tells of it while it lasts, and the log when it begins and ends.
    private void Sync()
    {
        string? fault = null;
        try
        {
            ledger.Sync();
        }
        catch (IOException e)
        {
            fault = e.Message;
        }
        if (fault == _saidOfCounters)
            return;
        _saidOfCounters = fault;
        if (fault is not null)
            LogUnsynced(fault);
        else
            LogSynced();
    }

    private void Look()
    {
        ledger.Look();
        var fault = ledger.Fault;
        if (fault == _said)
            return;
        _said = fault;
        if (fault is not null)
            LogFailed(fault);
        else
            LogRecovered();
    }

    /// <summary>The server's transfers are over, and its reporter's loop runs yet.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Task.Run(() =>
    {
        Dispose();
        try
        {
            ledger.Finish();
        }
        catch (Exception e) when (e is IOException or Storage.DatabaseException)
        {
            // The counters have it, and the next start takes it from there.
            LogFailed(e.Message);
        }
    }, CancellationToken.None);

    public void Dispose()
    {
        foreach (var loop in _loops)
            loop.Dispose();
    }

    [LoggerMessage(LogLevel.Warning, "traffic: {What}")]
    private partial void LogWarned(string what);

    [LoggerMessage(LogLevel.Error, "the counters could not be synced, a power failure would lose what comes now and it is tried again each second: {Fault}")]
    private partial void LogUnsynced(string fault);

    [LoggerMessage(LogLevel.Information, "the counters are synced again")]
    private partial void LogSynced();

    [LoggerMessage(LogLevel.Error, "the ledger could not be written, the counters go on and it is tried again each second: {Fault}")]
    private partial void LogFailed(string fault);

    [LoggerMessage(LogLevel.Information, "the ledger is written again")]
    private partial void LogRecovered();
}
