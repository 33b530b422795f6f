using XLive.Server.Live;
using XLive.Server.Rtmp;
using XLive.Server.Telemetry;

namespace XLive.Server.Ingest.Pull;

/// <summary>
/// A stream of another server. Held always, or on demand: begun by the first who asks, ended a while after the last has gone. One that is lost is fetched anew, with
/// pauses that grow; on demand only for as long as it is there for its viewers (live.reconnect_grace), and then by the next who asks.
/// </summary>
#pragma warning disable CA1001 // its end is StopAsync, after which nothing is asked of it
internal sealed class Pull(PullEntry entry, Pulls home) : IOnDemandStream
#pragma warning restore CA1001
{
    // A player takes so long for a slow server; after it he is told when to ask again.
    private static readonly TimeSpan ForTheFirst = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);

    private readonly StreamName _name = entry.Name!.Value;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly RelayPause _pause = new();
    private TaskCompletionSource<SourceAnswer>? _first; // while it begins
    private Task _running = Task.CompletedTask;
    private Patience? _patience;
    private SourceAnswer _failure;
    private long _failedAt;
    private long _wantedAt;
    private bool _isRunning;
    private volatile bool _isIdle;
    private volatile bool _isReplaced;

    public PullEntry Entry => entry;
    public StreamName Name => _name;
    public bool IsRunning => Volatile.Read(ref _isRunning);

    /// <summary>Why the last try failed; of a stream that comes, empty.</summary>
    public string Trouble { get; private set; } = "";

    public void Touch() => Volatile.Write(ref _wantedAt, home.Clock.GetTimestamp());

    public ValueTask<SourceAnswer> WantAsync()
    {
        Touch();
        // Somebody else's too, who has just begun.
        if (home.Streams.TryFind(_name, out var stream) && (stream.HasFrames || stream.Publication is { Publisher.Key: not PullFeed.Key }))
            return ValueTask.FromResult(new SourceAnswer(SourceState.There, default));
        lock (_gate)
        {
            if (_first is null)
            {
                // Those who ask again and again do not make us do so.
                if (_failedAt != 0 && _failure.Again - home.Clock.GetElapsedTime(_failedAt) is { Ticks: > 0 } left)
                    return ValueTask.FromResult(_failure with { Again = left });
                Begin();
            }
            return WaitAsync(_first!.Task);
        }
    }

    private async ValueTask<SourceAnswer> WaitAsync(Task<SourceAnswer> first)
    {
        try
        {
            return await first.WaitAsync(ForTheFirst, home.Clock);
        }
        catch (TimeoutException)
        {
            return new SourceAnswer(SourceState.Away, Soon);
        }
    }

    /// <summary>Once a second.</summary>
    public void Look()
    {
        lock (_gate)
        {
            if (!entry.OnDemand)
            {
                if (!_isRunning)
                    Begin();
                return;
            }
            if (!_isRunning)
                return;
            if (home.Streams.TryFind(_name, out var stream) && stream.Viewers > stream.ViewersOf(ViewerKind.Forward) + stream.ViewersOf(ViewerKind.Ladder))
                Touch();
            else if (home.Clock.GetElapsedTime(Volatile.Read(ref _wantedAt)) > home.Options.IdleTimeout)
                _isIdle = true;
            if (_isIdle)
                _patience?.End();
        }
    }

    private void Begin()
    {
        _first ??= new TaskCompletionSource<SourceAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_isRunning || _stop.IsCancellationRequested)
            return;
        (_isRunning, _isIdle) = (true, false);
        _running = home.Supervisor.RunAsync("pull " + entry.Stream, TurnsAsync, _stop.Token);
    }

    private async Task TurnsAsync(SupervisedLoop loop)
    {
        // Not on the thread, and not under the lock, of who asked.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!IsDone())
        {
            loop.Rest();
            if (home.IsPublishedHere(_name))
            {
                // He costs the other side no try, and when he has gone nobody has failed who would have to be spared.
                Trouble = Pulls.PublishedHere;
                End(new SourceAnswer(SourceState.There, default));
                return;
            }
            var (lasted, hasNone, trouble) = await TurnAsync();
            Trouble = trouble;
            var pause = _pause.Next(lasted);
            // Somebody who came while it was asked for, or who has taken it over.
            if (home.IsPublishedHere(_name))
                continue;
            var failure = new SourceAnswer(hasNone ? SourceState.None : SourceState.Away, pause);
            lock (_gate)
            {
                (_failure, _failedAt) = (failure, home.Clock.GetTimestamp());
                Answer(failure);
                if (_isIdle || _stop.IsCancellationRequested || (entry.OnDemand && !home.Streams.TryFind(_name, out _)))
                {
                    _isRunning = false;
                    return;
                }
            }
            if (trouble.Length > 0)
                home.Said(_name, trouble, pause);
            await Task.Delay(pause, home.Clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Nobody wants it any more. Who has asked since that was seen does, and waits.</summary>
    private bool IsDone()
    {
        lock (_gate)
        {
            if (_isIdle && _first is not null)
                _isIdle = false;
            if (!_isIdle && !_stop.IsCancellationRequested)
                return false;
            Answer(new SourceAnswer(SourceState.Away, Soon));
            _isRunning = false;
            return true;
        }
    }

    private void End(SourceAnswer answer)
    {
        lock (_gate)
        {
            Answer(answer);
            _isRunning = false;
        }
    }

    private void Answer(SourceAnswer answer)
    {
        _first?.TrySetResult(answer);
        _first = null;
    }

    private async Task<(TimeSpan Lasted, bool HasNone, string Trouble)> TurnAsync()
    {
        if (await home.WhyNotAsync(_name) is { } why)
            return (default, false, why);
        using var patience = new Patience(home.Clock, _stop.Token);
        lock (_gate)
            _patience = patience;
        var isHttp = entry.Http is not null;
        var address = !isHttp && RtmpAddress.TryParse(entry.Url, out var parsed, out _) ? parsed : null;
        var host = isHttp ? entry.Http!.Authority : address!.Shown;
        using var feed = new PullFeed(home.Streams, _name, host, isHttp ? "http-flv" : address!.IsTls ? "rtmps" : "rtmp", patience, words => home.SaidLeftOut(_name, words));
        var end = PublishEnd.Lost;
        var isThere = false;
        try
        {
            var isOver = isHttp
                ? await PullSource.FetchFlvAsync(entry.Http!, feed, Took, patience)
                : await PullSource.FetchRtmpAsync(address!, feed, Took, home.Clock, patience);
            if (isOver)
                end = PublishEnd.Finished;
            return (feed.Lasted, isOver && !feed.HasFrames, isOver ? "" : $"{host} closed the connection");
        }
        catch (OperationCanceledException)
        {
            var wasEnded = patience.WasEnded;
            if (wasEnded)
                end = _isIdle ? PublishEnd.Finished : _isReplaced ? PublishEnd.Lost : PublishEnd.Stopping;
            return (feed.Lasted, false, wasEnded ? "" : $"nothing came from {host}");
        }
        catch (Exception e) when (RemoteFault.Of(host, e) is { } words)
        {
            return (feed.Lasted, e is RemoteException { HasNone: true }, words);
        }
        finally
        {
            lock (_gate)
                _patience = null;
            feed.End(end);
        }

        void Took()
        {
            // Once a turn: somebody waits for it, or it comes again after a failure that was told.
            if (isThere || !feed.HasFrames)
                return;
            isThere = true;
            IsThere(host);
        }
    }

    private void IsThere(string host)
    {
        lock (_gate)
        {
            Trouble = "";
            _failedAt = 0;
            Answer(new SourceAnswer(SourceState.There, default));
        }
        home.SaidBegun(_name, host);
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    /// <summary>The settings have it come from elsewhere. Its viewers stay, and see the other's next.</summary>
    public async Task HandOverAsync(Pull to)
    {
        var wasRunning = IsRunning;
        _isReplaced = true;
        await StopAsync();
        if (wasRunning)
            to.Resume();
    }

    private void Resume()
    {
        Touch();
        lock (_gate)
            Begin();
    }
}
