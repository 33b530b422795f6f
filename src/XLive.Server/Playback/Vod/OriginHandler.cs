using System.Globalization;
using Microsoft.AspNetCore.Http;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Playback.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Sending;

namespace XLive.Server.Playback.Vod;

/// <summary>A film that lies on another server: from the cache, or from there.</summary>
internal sealed class OriginHandler(OriginCache cache, PlaylistAnswers playlists, KeyPaths keys)
{
    // A reply for one viewer is read in pieces of this; measured with 1 MiB bodies beside nginx.
    private const int PieceSize = 128 * 1024;

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
                known = null;
            }
            else if (!known.IsLive && known.Head.MayServeWhileRevalidating(now))
            {
                cache.Figures.ServedStale();
                cache.Refresh(WantedBy(exchange, admission, query), known);
                if (TryAnswer(exchange, admission, known, "XLive; hit; fwd=stale", out var sent))
                    return sent;
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
                await PassAsync(exchange, admission, wanted, fetched);
                return;
            }
            if (fetched.IsPinned)
            {
                try
                {
                    await WriteAsync(exchange, admission, fetched.Object!, fetched.CacheStatus);
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
        if (!found.IsIndivisible)
        {
            sent = WriteAsync(exchange, admission, found, cacheStatus);
            return true;
        }
        sent = default;
        if (!found.TryPin())
            return false;
        try
        {
            sent = WriteAsync(exchange, admission, found, cacheStatus);
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

    private ValueTask WriteAsync(Exchange exchange, in Admission admission, StoredObject found, string cacheStatus)
    {
        var head = found.Head;
        if (!exchange.IsHead)
            admission.Meter.CountRequest(found.Kind.Counted, exchange.Remote);
        exchange.Headers["Cache-Status"] = cacheStatus;
        if (found.Playlist is { } playlist)
        {
            var facts = new FileFacts(found.Kind.ContentType, "", found.PlaylistTag, head.LastModified, head.ModifiedSeconds);
            return playlists.WriteAsync(exchange, admission, playlist, facts);
        }
        CopyFields(exchange.Headers, head);
        exchange.Headers.Age = head.Age(cache.Now).ToString(CultureInfo.InvariantCulture);
        var body = Body.Of(new ObjectSource(cache.Fetcher, found), 0, found.Length, found.Kind.Counted);
        if (head.Status == StatusCodes.Status200OK)
            return FileResponse.WriteAsync(exchange, FactsOf(exchange, head, found.Kind, found.Length), body, admission.Meter);
        return OtherStatusAsync(exchange, admission, head, found.Kind, body);
    }

    private static ValueTask OtherStatusAsync(Exchange exchange, in Admission admission, StoredHead head, MediaKind kind, in Body body)
    {
        exchange.Status = head.Status;
        var headers = exchange.Headers;
        Cors.Apply(headers);
        headers.ContentType = head.Find("Content-Type") ?? kind.ContentType;
        headers.XContentTypeOptions = "nosniff";
        if (head.ETag.Length > 0)
            headers.ETag = head.ETag;
        if (head.LastModified.Length > 0)
            headers.LastModified = head.LastModified;
        // An error is for no other cache, unless the origin itself lets it.
        if (head.HasControl)
        {
            if (Joined(head, "Cache-Control") is { Length: > 0 } control)
                headers.CacheControl = control;
        }
        else if (head.Status >= 400)
            headers.CacheControl = "no-store";
        if (head.Status == StatusCodes.Status204NoContent)
            return default;
        // Errors are nobody's traffic.
        return exchange.SendAsync(body, head.Status >= 400 ? null : admission.Meter);
    }

    private FileFacts FactsOf(Exchange exchange, StoredHead head, MediaKind kind, long length)
    {
        string control;
        // A file of exactly one AES block is a key whatever its name (RFC 8216 section 5).
        if (kind.IsKey || length == 16 || (length <= KeyPaths.LargestKey && keys.Contains(exchange.Target.Path)))
            control = MediaKind.Never;
        else
            control = !head.HasControl ? kind.CacheControl : Joined(head, "Cache-Control");
        return new FileFacts(head.Find("Content-Type") ?? kind.ContentType, control, head.ETag, head.LastModified, head.ModifiedSeconds);
    }

    private static string Joined(StoredHead head, string name)
    {
        string? all = null;
        foreach (var header in head.Headers)
        {
            if (header.Key.Equals(name, StringComparison.OrdinalIgnoreCase))
                all = all is null ? header.Value : all + ", " + header.Value;
        }
        return all ?? "";
    }

    // Those four are facts of the file, and answered with as such.
    private static bool IsFact(string name) =>
        name.Equals("Cache-Control", StringComparison.OrdinalIgnoreCase) || name.Equals("ETag", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Last-Modified", StringComparison.OrdinalIgnoreCase) || name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase);

    private static void CopyFields(IHeaderDictionary headers, StoredHead head)
    {
        var stored = head.Headers;
        for (var i = 0; i < stored.Count; i++)
        {
            if (!IsFact(stored[i].Key))
                headers.Append(stored[i].Key, stored[i].Value);
        }
    }

    /// <summary>A reply for this viewer alone: as it comes.</summary>
    private async ValueTask PassAsync(Exchange exchange, Admission admission, Wanted wanted, Fetched fetched)
    {
        await using var reply = fetched.Reply!;
        var head = fetched.Head!;
        if (!exchange.IsHead)
            admission.Meter.CountRequest(wanted.Kind.Counted, exchange.Remote);
        exchange.Headers["Cache-Status"] = fetched.CacheStatus;
        CopyFields(exchange.Headers, head);
        if (reply.Header("Age") is not null)
            exchange.Headers.Age = head.Age(cache.Now).ToString(CultureInfo.InvariantCulture);
        var source = new ReplySource(reply, (int)Math.Min(PieceSize, Math.Max(1, reply.Length)), exchange.Aborted);
        var body = Body.Of(source, 0, reply.Length, wanted.Kind.Counted);
        if (head.Status != StatusCodes.Status200OK)
        {
            await OtherStatusAsync(exchange, admission, head, wanted.Kind, body);
            return;
        }
        var facts = FactsOf(exchange, head, wanted.Kind, reply.Total >= 0 ? reply.Total : reply.Length);
        if (reply.Status == StatusCodes.Status206PartialContent && reply.Length != reply.Total)
        {
            exchange.Status = StatusCodes.Status206PartialContent;
            var total = reply.Total < 0 ? "*" : reply.Total.ToString(CultureInfo.InvariantCulture);
            exchange.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {reply.First}-{reply.First + reply.Length - 1}/{total}");
        }
        await FileResponse.WriteAsync(exchange, facts, body, admission.Meter, ranges: false);
    }
}
