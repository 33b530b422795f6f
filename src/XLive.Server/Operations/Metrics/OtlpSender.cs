using XLive.Server.Telemetry;
using XLive.Server.Traffic.Reports;

namespace XLive.Server.Operations.Metrics;

/// <summary>
/// Posts the figures to telemetry.otlp_endpoint: at the start, so that a wrong address shows there and then, each telemetry.otlp_interval,
/// and at the end. Nothing is kept for later. Counters are sums since the start, so what one post missed stands in the next, and a collector
/// that is away for a day costs a message's memory and a connection every five minutes.
/// </summary>
public sealed partial class OtlpSender : IHostedService, IDisposable
{
    // As OpenTelemetry's own exporters have it.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(2);

    // A collector that comes and goes is worth a line now and then; the counters have it exactly.
    private static readonly TimeSpan BetweenWarnings = TimeSpan.FromHours(1);

    private readonly Func<OtlpOptions> _options;
    private readonly Action<IMetrics> _write;
    private readonly Supervisor _supervisor;
    private readonly TimeProvider _clock;
    private readonly ILogger<OtlpSender> _log;
    private readonly OtlpPost _post;

    private readonly SemaphoreSlim _news = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private int _disposed;

    // The loop's alone, and after its end the stop's.
    private readonly OtlpMessage _message;
    private readonly RetryPauses _pauses = new();
    private long _warnedAt;
    private bool _hasWarned;
    private bool _isTold;

    private readonly long[] _ends = new long[Enum.GetValues<OtlpEnd>().Length];
    private long _rejected;
    private long _bytes;
    private volatile bool _isReset;
    private volatile bool _isTaken;

    internal OtlpSender(Func<OtlpOptions> options, Action<IMetrics> write, string version, string instance, Supervisor supervisor, TimeProvider clock,
        ILogger<OtlpSender> log)
    {
        (_options, _write, _supervisor, _clock, _log) = (options, write, supervisor, clock, log);
        _post = new OtlpPost(clock, version);
        _message = new OtlpMessage(clock.GetUtcNow(), version, instance);
    }

    /// <summary>Points that the collector refused of messages which it took otherwise.</summary>
    public long Rejected => Volatile.Read(ref _rejected);

    /// <summary>Names that found no room.</summary>
    public long LeftOut => _message.LeftOut;

    /// <summary>Of the last message, as it is without gzip.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    internal long Count(OtlpEnd end) => Volatile.Read(ref _ends[(int)end]);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _running = _supervisor.RunAsync("telemetry", RunAsync, _stop.Token);
        return Task.CompletedTask;
    }

    /// <summary>The settings are others now: what was wrong with them need not be any more.</summary>
    internal void Wake()
    {
        _isReset = true;
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
        // Not on the thread that starts the server, nor on the threads of sockets: some figures are read from the disk.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!_stop.IsCancellationRequested)
        {
            loop.Beat();
            if (_isReset)
            {
                _isReset = _hasWarned = _isTold = false;
                _pauses.Reset();
            }
            var options = _options();
            var pause = options.Receiver is null ? Timeout.InfiniteTimeSpan : await ExportAsync(options, Patience, _stop.Token);
            loop.Rest();
            using var due = new CancellationTokenSource(pause, _clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, due.Token);
            await ((Task)_news.WaitAsync(either.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        }
    }

    /// <returns>When the next is due.</returns>
    private async Task<TimeSpan> ExportAsync(OtlpOptions options, TimeSpan limit, CancellationToken stop)
    {
        var begun = _clock.GetTimestamp();
        OtlpReply reply;
        try
        {
            reply = await _post.SendAsync(Message(), options, limit, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return TimeSpan.Zero; // the end
        }
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        Interlocked.Increment(ref _ends[(int)reply.End]);
        Interlocked.Add(ref _rejected, reply.Rejected);
        _isTaken = reply.End is OtlpEnd.Taken or OtlpEnd.Partial;
        Tell(options, reply);
        if (reply.End == OtlpEnd.Failed)
            return _pauses.Next(reply.RetryAfter);
        _pauses.Reset();
        var rest = options.Interval - _clock.GetElapsedTime(begun);
        return rest > TimeSpan.Zero ? rest : TimeSpan.Zero;
    }

    private HttpContent Message()
    {
        _message.Begin(_clock.GetUtcNow());
        _write(_message);
        var message = _message.End();
        Volatile.Write(ref _bytes, message.Length);
        return OtlpPost.Content(message);
    }

    private void Tell(OtlpOptions options, in OtlpReply reply)
    {
        if (reply.End == OtlpEnd.Taken)
        {
            if (_isTold)
                LogTaken(options.Endpoint);
            _isTold = false;
            return;
        }
        if (_hasWarned && _clock.GetElapsedTime(_warnedAt) < BetweenWarnings)
            return;
        (_hasWarned, _isTold, _warnedAt) = (true, true, _clock.GetTimestamp());
        LogNotTaken(options.Endpoint, reply.Said);
    }

    /// <summary>What was counted since the last post goes to a collector that took that one, within two seconds.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        var options = _options();
        if (!_isTaken || options.Receiver is null)
            return;
        try
        {
            await ExportAsync(options, LastPatience, cancellationToken);
        }
        catch (Exception e)
        {
            // Nobody begins this one anew, and a stop must not fail for it.
            LogLast(e);
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
        _news.Dispose();
    }

    [LoggerMessage(LogLevel.Warning, "telemetry: {Endpoint} does not take the figures: {Said}; they are counted on and posted again")]
    private partial void LogNotTaken(string endpoint, string said);

    [LoggerMessage(LogLevel.Information, "telemetry: {Endpoint} takes the figures again")]
    private partial void LogTaken(string endpoint);

    [LoggerMessage(LogLevel.Warning, "telemetry: the last figures could not be posted")]
    private partial void LogLast(Exception e);
}
