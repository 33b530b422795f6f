using Microsoft.AspNetCore.Http;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Playback.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Sending;

namespace XLive.Server.Playback.Vod;

/// <summary>A film that lies on another server: from the cache, or from there.</summary>
internal sealed class OriginHandler(OriginCache cache, OriginAnswers answers)
{
    public ValueTask AnswerAsync(Exchange exchange, in Admission admission)
    {
        var query = CacheKey.QueryOf(exchange.Target);
        var path = exchange.Target.Path;
        var known = query.Length == 0 ? cache.Find(path, exchange.RequestHeaders) : cache.Find(CacheKey.Of(path, query), exchange.RequestHeaders);
        if (known is not null)
        {
            var now = cache.Now;
            if (known.Head.IsFresh(now))
            {
                cache.Figures.Hit();
                if (TryAnswer(exchange, admission, known, "XLive; hit", out var sent))
                    return sent;
                if (!known.IsIndivisible)
                    return BringOrAskAsync(exchange, admission, query, known, "XLive; hit");
                known = null;
            }
            else if (!known.IsLive && known.Head.MayServeWhileRevalidating(now))
            {
                cache.Figures.ServedStale();
                cache.Refresh(WantedBy(exchange, admission, query), known);
                if (TryAnswer(exchange, admission, known, "XLive; hit; fwd=stale", out var sent))
                    return sent;
                if (!known.IsIndivisible)
                    return BringOrAskAsync(exchange, admission, query, known, "XLive; hit; fwd=stale");
                known = null;
            }
        }
        return AskAsync(exchange, admission, WantedBy(exchange, admission, query), known);
    }

    private Wanted WantedBy(Exchange exchange, in Admission admission, string query)
    {
        var request = exchange.RequestHeaders;
        // One that let the viewer in here is used up here: nothing of it goes on, and the answer hangs on nothing of it.
        var isGrant = admission.Session is not null && exchange.Target.Grant.IsEmpty && !exchange.Target.Query.Contains("token=", StringComparison.Ordinal);
        long first = 0, last = -1;
        if (request.Range.Count == 1 && request.IfRange.Count == 0 && !exchange.IsHead)
            ByteRanges.TrySimple(request.Range.ToString(), out first, out last);
        // No file is so long; what is asked for beyond its end is told by its length.
        if (first > 1L << 53)
            (first, last) = (0, -1);
        return new Wanted(exchange.Target.Path.ToString(), query, request)
        {
            IsAuthorized = request.Authorization.Count > 0 && !isGrant,
            First = first,
            Last = last,
            Purges = cache.Purges,
        };
    }

    private async ValueTask AskAsync(Exchange exchange, Admission admission, Wanted wanted, StoredObject? known)
    {
        for (var attempt = 0; ; attempt++)
        {
            Fetched fetched;
            try
            {
                fetched = await cache.AskAsync(wanted, known, exchange.Aborted);
            }
            catch (OperationCanceledException)
            {
                exchange.Abort();
                return;
            }
            if (fetched.Fault is { } fault)
            {
                await FailAsync(exchange, admission, fault);
                return;
            }
            if (fetched.Reply is not null)
            {
                await answers.PassAsync(exchange, admission, wanted, fetched);
                return;
            }
            if (fetched.IsPinned)
            {
                try
                {
                    await answers.WriteAsync(exchange, admission, fetched.Object!, fetched.CacheStatus);
                }
                finally
                {
                    fetched.Object!.Unpin();
                }
                return;
            }
            if (TryAnswer(exchange, admission, fetched.Object!, fetched.CacheStatus, out var sent))
            {
                await sent;
                return;
            }
            if (!fetched.Object!.IsIndivisible && await BringAsync(exchange, admission, fetched.Object, fetched.CacheStatus))
                return;
            // It went again before it could be sent: it broke off, or there is more wanted at once than cache.memory holds.
            known = null;
            if (attempt == 2)
            {
                await FailAsync(exchange, admission, fetched.Object!.IsBroken ? OriginFault.BrokenOff : OriginFault.Busy);
                return;
            }
        }
    }

    private static ValueTask FailAsync(Exchange exchange, in Admission admission, OriginFault fault)
    {
        if (!exchange.IsHead)
            admission.Meter.CountRequest(MediaKind.Of(exchange.Target.Path).Counted, exchange.Remote);
        switch (fault)
        {
            case OriginFault.TimedOut:
                return MediaErrors.WriteAsync(exchange, StatusCodes.Status504GatewayTimeout, "the origin did not answer in time");
            case OriginFault.Busy:
                exchange.Headers.RetryAfter = "2";
                return MediaErrors.WriteAsync(exchange, StatusCodes.Status503ServiceUnavailable, "no origin can be asked now");
            default:
                return MediaErrors.WriteAsync(exchange, StatusCodes.Status502BadGateway, "the origin gave no answer that will do");
        }
    }

    private bool TryAnswer(Exchange exchange, in Admission admission, StoredObject found, string cacheStatus, out ValueTask sent)
    {
        sent = default;
        if (!found.IsIndivisible)
        {
            // Once the head is sent an origin that fails can only cut the viewer off.
            if (!(exchange.RequestHeaders.Range.Count == 0 && found.IsHere(0)) && FirstByte(exchange, found) is var first and >= 0 && !found.IsHere(first))
                return false;
            sent = answers.WriteAsync(exchange, admission, found, cacheStatus);
            return true;
        }
        if (!found.TryPin())
            return false;
        try
        {
            sent = answers.WriteAsync(exchange, admission, found, cacheStatus);
        }
        catch
        {
            found.Unpin();
            throw;
        }
        if (sent.IsCompletedSuccessfully)
            found.Unpin();
        else
            sent = SendThenUnpinAsync(sent, found);
        return true;
    }

    /// <summary>Where what is to be sent begins; -1: no byte of it is.</summary>
    private static long FirstByte(Exchange exchange, StoredObject found)
    {
        if (exchange.IsHead || found.Length == 0 || found.Playlist is not null)
            return -1;
        var (request, head) = (exchange.RequestHeaders, found.Head);
        if (head.Status != StatusCodes.Status200OK)
            return 0;
        if (Preconditions.Evaluate(request, head.ETag, head.ModifiedSeconds) != Precondition.Proceed)
            return -1;
        if (request.Range.Count == 0 || !Preconditions.RangeStands(request.IfRange, head.ETag, head.ModifiedSeconds))
            return 0;
        Span<ByteRange> ranges = stackalloc ByteRange[ByteRanges.MaxRanges];
        return ByteRanges.Parse(request.Range, found.Length, ranges, out var count) switch
        {
            RangeAnswer.Unsatisfiable => -1,
            RangeAnswer.Whole => 0,
            _ => count > 0 ? ranges[0].First : 0,
        };
    }

    private async ValueTask BringOrAskAsync(Exchange exchange, Admission admission, string query, StoredObject known, string cacheStatus)
    {
        if (!await BringAsync(exchange, admission, known, cacheStatus))
            await AskAsync(exchange, admission, WantedBy(exchange, admission, query), null);
    }

    /// <summary>Answers when the first byte has come, or says that it does not.</summary>
    /// <returns>False: the origin has another version now, and nothing was answered.</returns>
    private async ValueTask<bool> BringAsync(Exchange exchange, Admission admission, StoredObject found, string cacheStatus)
    {
        using var source = new ObjectSource(cache.Fetcher, found);
        if (FirstByte(exchange, found) is var first and >= 0)
        {
            try
            {
                await source.BringAsync(first, found.Length - first);
            }
            catch (IOException e)
            {
                if (found.IsGone)
                    return false;
                await FailAsync(exchange, admission, (e.InnerException as OriginException)?.Fault ?? OriginFault.BrokenOff);
                return true;
            }
        }
        await answers.WriteAsync(exchange, admission, found, cacheStatus, source);
        return true;
    }

    private static async ValueTask SendThenUnpinAsync(ValueTask sent, StoredObject found)
    {
        try
        {
            await sent;
        }
        finally
        {
            found.Unpin();
        }
    }
}
