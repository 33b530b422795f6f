using System.Globalization;
using Microsoft.AspNetCore.Http;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Playback.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Sending;

namespace XLive.Server.Playback.Vod;

/// <summary>What came of an origin as the response to one viewer: its header fields, and those that are the edge's own to say.</summary>
internal sealed class OriginAnswers(OriginCache cache, PlaylistAnswers playlists, KeyPaths keys)
{
    // A reply for one viewer is read in pieces of this; measured with 1 MiB bodies beside nginx.
    private const int PieceSize = 128 * 1024;

    /// <param name="source">With the first piece in hand; null: what is sent first is here.</param>
    public ValueTask WriteAsync(Exchange exchange, in Admission admission, StoredObject found, string cacheStatus, ObjectSource? source = null)
    {
        var head = found.Head;
        if (!exchange.IsHead)
            admission.Meter.CountRequest(found.Kind.Counted, exchange.Remote);
        exchange.Headers["Cache-Status"] = cacheStatus;
        if (found.Playlist is { } playlist)
        {
            found.UsedOnDisk();
            // Another cache before the viewers counts on from here: half a target duration at each would be too old.
            if (found.IsLive)
                exchange.Headers.Age = head.Age(cache.Now).ToString(CultureInfo.InvariantCulture);
            var facts = new FileFacts(found.Kind.ContentType, "", found.PlaylistTag, head.LastModified, head.ModifiedSeconds);
            return playlists.WriteAsync(exchange, admission, playlist, facts);
        }
        CopyFields(exchange.Headers, head);
        exchange.Headers.Age = head.Age(cache.Now).ToString(CultureInfo.InvariantCulture);
        var body = Body.Of(source ?? new ObjectSource(cache.Fetcher, found), 0, found.Length, found.Kind.Counted);
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
    public async ValueTask PassAsync(Exchange exchange, Admission admission, Wanted wanted, Fetched fetched)
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
