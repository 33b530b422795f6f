using Microsoft.Extensions.Logging;
using XLive.Server.Telemetry;

namespace XLive.Server.Playback.Vod.Origin;

/// <summary>
/// Asks the origins. Above it nobody needs to know how many there are, or which of them are well.
///
///     OpenAsync:   choose one -> ask it, and a second beside it when it is slow -> a reply
///                     ^                |
///                     +--- budget <----+ no answer, or 502, 503, 504 and there is another
///     ReadAsync:   broke off -> ResumeAsync: choose one -> ask for the rest of that version -> read on
/// </summary>
internal sealed partial class OriginClient : IDisposable
{
    /// <summary>Retries by all requests at most; more of them turn an origin that stumbles into one that lies down.</summary>
    private const double RetryShare = 0.20;

    /// <summary>Second requests beside slow ones.</summary>
    private const double HedgeShare = 0.05;

    private const int QuietRetries = 10;
    private const int QuietHedges = 2;

    /// <summary>Requests that may wait for a connection, for each that may have one.</summary>
    private const int WaitingPerConnection = 10;

    private static readonly TimeSpan LeastPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan MostPause = TimeSpan.FromMilliseconds(200);

    private readonly Func<OriginOptions> _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly OriginServer[] _servers;
    private readonly Budget _retryBudget;
    private readonly Budget _hedgeBudget;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationToken _stop;
    private uint _turn;

    public OriginClient(Func<OriginOptions> options, Supervisor supervisor, TimeProvider clock, ILogger<OriginClient> log)
    {
        _options = options;
        _clock = clock;
        _log = log;
        _stop = _stopping.Token;
        _retryBudget = new Budget(RetryShare, QuietRetries, clock);
        _hedgeBudget = new Budget(HedgeShare, QuietHedges, clock);
        var now = options();
        Connections = new Turns(now.ConnectorLimit, now.ConnectorLimit * WaitingPerConnection);
        _servers = [.. now.Addresses.Select((a, i) => new OriginServer(a, i, options, Connections, clock) { BreakerChanged = Tell })];
        _ = supervisor.RunAsync("origins", ProbeAsync, _stop);
    }

    public IReadOnlyList<OriginServer> Servers => _servers;

    /// <summary>Requests under way to all origins, and those that wait.</summary>
    public Turns Connections { get; }

    /// <summary>Retries that were not made, because there were too many.</summary>
    public long RetriesRefused => _retryBudget.Refused;

    public long HedgesRefused => _hedgeBudget.Refused;

    /// <exception cref="OriginException">No origin gave an answer that will do.</exception>
    public async ValueTask<OriginReply> OpenAsync(OriginRequest request, CancellationToken cancel)
    {
        Check(request);
        var options = _options();
        _retryBudget.Asked();
        _hedgeBudget.Asked();
        var began = _clock.GetTimestamp();
        OriginException? last = null;
        uint asked = 0, unfit = 0;
        for (var left = options.Retries + 1; ; left--)
        {
            var server = Choose(asked, unfit) ?? throw last ?? NoneIsWell();
            if (last is not null)
            {
                if ((asked & server.Bit) != 0)
                    await Task.Delay(Jittered(), _clock, cancel);
                server.Stats.Retried();
            }
            asked |= server.Bit;
            var rest = options.TotalTimeout - _clock.GetElapsedTime(began);
            if (rest <= TimeSpan.Zero)
                throw last ?? new OriginException(OriginFault.TimedOut, server.Name + " did not answer in time");
            try
            {
                // A share of the time for each try: one that hangs must leave some to the others. Who holds a request on purpose may.
                var answer = await AskAsync(server, Asking.Of(request), request.MayBlock ? rest : rest / left, asked, cancel);
                if (answer.Head.Status is not (502 or 503 or 504) || left == 1 || Choose(asked, asked, onlyLook: true) is null || !_retryBudget.TryTake())
                    return new OriginReply(this, request, answer);
                answer.Dispose();
                unfit |= server.Bit;
                last = new OriginException(OriginFault.BadAnswer, $"{server.Name} answered {answer.Head.Status}");
            }
            catch (OriginException e)
            {
                last = e;
                // It would say the same again, and a queue that is full grows no shorter by asking.
                if (e.Fault is OriginFault.Changed or OriginFault.Busy)
                    unfit |= server.Bit;
                if (left == 1 || Choose(asked, unfit, onlyLook: true) is null || !_retryBudget.TryTake())
                    throw;
            }
        }
    }

    private static void Check(OriginRequest request)
    {
        if (!request.Path.StartsWith('/'))
            throw new ArgumentException("A path begins with a slash.", nameof(request));
    }

    private OriginException NoneIsWell() =>
        new(OriginFault.Busy, "no origin is well: " + string.Join(", ", _servers.Select(static s => s.Name)) + " are asked again when a probe is answered");

    private static TimeSpan Jittered() => LeastPause + (MostPause - LeastPause) * Random.Shared.NextDouble();

    private void Tell(OriginServer server, BreakerState state)
    {
        if (state == BreakerState.Open)
            LogOpen(server.Name, server.LastFault);
        else if (state == BreakerState.Closed)
            LogClosed(server.Name);
    }

    [LoggerMessage(LogLevel.Warning, "origin {Name} is not asked until a probe is answered: {Why}")]
    private partial void LogOpen(string name, string why);

    [LoggerMessage(LogLevel.Warning, "origin {Name} answers again")]
    private partial void LogClosed(string name);

    public void Dispose()
    {
        if (_stop.IsCancellationRequested)
            return;
        _stopping.Cancel();
        _stopping.Dispose();
        foreach (var server in _servers)
            server.Dispose();
    }
}
