namespace XLive.Server.Playback.Vod.Origin;

/// <summary>Which origin, and when a second one beside it.</summary>
internal sealed partial class OriginClient
{
    private static readonly TimeSpan LeastHedgeDelay = TimeSpan.FromMilliseconds(50);

    /// <summary>One that was not asked yet before one that was; one that is well before one that may be tried.</summary>
    /// <param name="unfit">Not these, whatever else.</param>
    /// <param name="onlyLook">The trial of one that is half open is left to who comes.</param>
    private OriginServer? Choose(uint asked, uint unfit, bool onlyLook = false) =>
        Closed(asked | unfit) ?? Trial(asked | unfit, onlyLook) ?? Closed(~asked | unfit);

    private OriginServer? Closed(uint without)
    {
        OriginServer? best = null;
        var isFirst = _options().Balance == OriginBalance.First;
        // Among equals each in its turn: a quiet server would ask the first alone.
        var start = isFirst ? 0 : (int)(Interlocked.Increment(ref _turn) % (uint)_servers.Length);
        for (var i = 0; i < _servers.Length; i++)
        {
            var server = _servers[(start + i) % _servers.Length];
            if ((server.Bit & without) != 0 || server.Breaker.State != BreakerState.Closed)
                continue;
            if (isFirst)
                return server;
            if (best is null || server.Pending < best.Pending)
                best = server;
        }
        return best;
    }

    private OriginServer? Trial(uint without, bool onlyLook)
    {
        foreach (var server in _servers)
        {
            if ((server.Bit & without) == 0 && (onlyLook ? server.Breaker.State == BreakerState.HalfOpen : server.Breaker.TryTrial()))
                return server;
        }
        return null;
    }

    /// <summary>
    /// Asks one; when the head of its answer takes longer than 95 of 100 did, a second request goes over another connection, and who is
    /// first is read. The other is cancelled.
    /// </summary>
    private async Task<OriginAnswer> AskAsync(OriginServer server, Asking asking, TimeSpan patience, uint asked, CancellationToken cancel)
    {
        var request = asking.Request;
        if (request.Kind == OriginKind.Small || request.IsHead || request.MayBlock || server.Latency.P95 is not { } usual || usual >= patience)
            return await server.AskAsync(asking, patience, cancel);
        using var stopFirst = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var stopSecond = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var first = server.AskAsync(asking, patience, stopFirst.Token);
        Task<OriginAnswer>? second = null, read = first;
        try
        {
            var delay = usual > LeastHedgeDelay ? usual : LeastHedgeDelay;
            await ((Task)first).WaitAsync(delay, _clock, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (first.IsCompleted || cancel.IsCancellationRequested)
                return await first;
            var other = Closed(asked) ?? (_options().Http2 != OriginHttp2.On && server.Breaker.State == BreakerState.Closed ? server : null);
            if (other is null || !_hedgeBudget.TryTake())
                return await first;
            other.Stats.Hedged();
            second = other.AskAsync(asking with { IsHedge = true }, patience, stopSecond.Token);
            read = await Task.WhenAny(first, second);
            if (!read.IsCompletedSuccessfully)
                await ((Task)(read == first ? second : first)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            read = second.IsCompletedSuccessfully && !first.IsCompletedSuccessfully ? second : first;
            if (read == second)
                other.Stats.HedgeWon();
            return await read;
        }
        finally
        {
            if (read != first)
                Drop(first, stopFirst);
            if (second is not null && read != second)
                Drop(second, stopSecond);
        }
    }

    private static void Drop(Task<OriginAnswer> loser, CancellationTokenSource stop)
    {
        stop.Cancel();
        _ = DropAsync(loser);
    }

    private static async Task DropAsync(Task<OriginAnswer> loser)
    {
        try
        {
            (await loser).Dispose();
        }
        catch (Exception e) when (e is OriginException or OperationCanceledException)
        {
            // What it came to is counted where it failed.
        }
    }
}
