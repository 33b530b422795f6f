using Microsoft.Extensions.Hosting;
using XLive.Server.Storage;
using XLive.Server.Telemetry;
using XLive.Server.Traffic.Quotas;

namespace XLive.Server.Traffic.Reports;

/// <summary>
/// Posts what lies in the outbox, oldest first and one at a time, until each report is acknowledged or parked. The bytes come from the
/// outbox at every attempt: nothing is ever built anew, and a process that dies between the receiver's answer and the row's end only
/// posts the same report once more.
/// </summary>
public sealed partial class Reporter(
    Ledger ledger, Verdicts verdicts, Func<ReportOptions> options, Supervisor supervisor, TimeProvider clock, ILogger<Reporter> log)
    : IHostedService, IDisposable
{
    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(10);

    private readonly ReportPost _post = new(clock);
    private readonly SemaphoreSlim _news = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _hurry = new();
    private Task _running = Task.CompletedTask;
    private readonly RetryPauses _pauses = new();
    private int _disposed;
    private volatile string? _trouble;

    public bool IsConfigured => options().ReportUrl.Length > 0;

    /// <summary>Why reports wait; null while nothing keeps them.</summary>
    public string? Trouble => _trouble;

    /// <summary>Reports that wait for an operator.</summary>
    public int Parked { get; private set; }

    /// <summary>Where they go, without what a query may hold.</summary>
    public string Receiver => options().Receiver?.GetLeftPart(UriPartial.Path) ?? "";

    public Task StartAsync(CancellationToken cancellationToken)
    {
        ledger.IsReporting = () => IsConfigured;
        ledger.Outbox.Filled += Wake;
        _running = supervisor.RunAsync("traffic reports", RunAsync, _stop.Token);
        return Task.CompletedTask;
    }

    private void Wake()
    {
        try
        {
            _news.Release();
        }
        catch (SemaphoreFullException)
        {
            // It has been told.
        }
    }

    private async Task RunAsync(SupervisedLoop loop)
    {
        // Not on the thread that starts the server, nor on the threads of sockets: reading the outbox may wait for the disk.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!_stop.IsCancellationRequested)
        {
            loop.Beat();
            var report = IsConfigured ? ledger.Outbox.Oldest() : null;
            if (report is null)
            {
                Parked = ledger.Outbox.Depth().Parked;
                _trouble = null;
                loop.Rest();
                // Looked at without news too: another process, the operator's command, may have replayed one.
                await ((Task)_news.WaitAsync(TimeSpan.FromSeconds(2), _stop.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
                continue;
            }
            var pause = await PostAsync(report, _stop.Token);
            loop.Rest();
            if (pause > TimeSpan.Zero)
                await PauseAsync(pause);
        }
    }

    /// <summary>One attempt and what comes of it; the pause before the next.</summary>
    private async Task<TimeSpan> PostAsync(Report report, CancellationToken stop)
    {
        PostResult result;
        try
        {
            result = await _post.SendAsync(report, options(), stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return TimeSpan.Zero;
        }
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        switch (result.End)
        {
            case PostEnd.Acknowledged:
                var said = Acknowledgement.Parse(result.Answer, out var fault);
                if (fault is not null)
                    LogAnswer(report.Id, fault);
                // First what it says: repeated, a verdict is the same, and the report may be posted again.
                verdicts.Take(said);
                ledger.Outbox.Acknowledge(report);
                if (_trouble is not null)
                    LogTaken(Receiver);
                _trouble = null;
                _pauses.Reset();
                return TimeSpan.Zero;
            case PostEnd.Refused:
                ledger.Outbox.Park(report, result.Said);
                LogParked(report.Id, result.Said);
                _pauses.Reset();
                return TimeSpan.Zero;
            default:
                ledger.Outbox.Failed(report, result.Said);
                if (_trouble != result.Said)
                    LogFailed(Receiver, result.Said);
                _trouble = result.Said;
                return _pauses.Next(result.RetryAfter);
        }
    }

    private async Task PauseAsync(TimeSpan pause)
    {
        // At the end it is tried each second: a pause that the end cuts short must not become none, and a receiver in need a thousand posts.
        var isEnd = _hurry.IsCancellationRequested;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, isEnd ? CancellationToken.None : _hurry.Token);
        await Task.Delay(isEnd ? RetryPauses.First : pause, clock, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>The last window has been cut: it has ten seconds to be taken, and waits in the outbox for the next start if it is not.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        var until = clock.GetTimestamp();
        await _hurry.CancelAsync();
        Wake();
        while (IsConfigured && !_running.IsCompleted && clock.GetElapsedTime(until) < LastPatience && HasMore())
            await Task.Delay(TimeSpan.FromMilliseconds(20), CancellationToken.None);
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private bool HasMore()
    {
        try
        {
            return ledger.Outbox.Depth().Waiting > 0;
        }
        catch (DatabaseException)
        {
            return false;
        }
    }

    // It is registered as itself and as what the host runs, and so disposed of twice.
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
            return;
        _stop.Cancel();
        _post.Dispose();
        _stop.Dispose();
        _hurry.Dispose();
        _news.Dispose();
    }

    [LoggerMessage(LogLevel.Warning, "traffic: {Receiver} does not take reports: {Said}; they wait in the outbox and are posted again")]
    private partial void LogFailed(string receiver, string said);

    [LoggerMessage(LogLevel.Information, "traffic: {Receiver} takes reports again")]
    private partial void LogTaken(string receiver);

    [LoggerMessage(LogLevel.Error, "traffic: report {Id} was refused ({Said}) and is parked: `traffic reports` lists it, `traffic replay {Id}` posts it again")]
    private partial void LogParked(string id, string said);

    [LoggerMessage(LogLevel.Warning, "traffic: what the receiver answered to report {Id} is not understood and was passed over: {Fault}")]
    private partial void LogAnswer(string id, string fault);
}
