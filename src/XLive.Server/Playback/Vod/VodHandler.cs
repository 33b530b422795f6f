using System.Buffers;
using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Http;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Playback.Vod.Folder;
using XLive.Server.Sending;
using XLive.Server.Telemetry;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.Vod;

/// <summary>A request for a film: the gate, the file, the answer.</summary>
internal sealed class VodHandler(PlaybackGate gate, FolderSource source, KeyPaths keys, AuditLog audit)
{
    public ValueTask AnswerAsync(Exchange exchange)
    {
        // Preflights come without a token, so they are answered before one is asked for.
        if (exchange.Method == HttpMethods.Options)
            return Cors.PreflightAsync(exchange);
        if (exchange.Method != HttpMethods.Get && !exchange.IsHead)
        {
            exchange.Headers.Allow = "GET, HEAD, OPTIONS";
            return MediaErrors.WriteAsync(exchange, StatusCodes.Status405MethodNotAllowed, "media is read with GET or HEAD");
        }
        var admission = gate.Admit(exchange);
        return admission.Pending is { } pending ? AwaitAsync(exchange, pending) : AnswerAsync(exchange, admission);
    }

    private async ValueTask AwaitAsync(Exchange exchange, Task<Admission> pending) => await AnswerAsync(exchange, await pending);

    private ValueTask AnswerAsync(Exchange exchange, in Admission admission)
    {
        if (!admission.Granted)
            return RefuseAsync(exchange, admission);
        var path = exchange.Target.Path;
        if (MediaKind.IsHidden(path) || path[^1] == '/' || FrontDoor.IsReserved(path))
            return MediaErrors.WriteAsync(exchange, StatusCodes.Status404NotFound, "no such file");
        var found = source.FindAsync(path, exchange.Now, exchange.Aborted);
        return found.IsCompletedSuccessfully ? AnswerAsync(exchange, admission, found.Result) : AwaitAsync(exchange, admission, found);
    }

    private ValueTask RefuseAsync(Exchange exchange, in Admission admission)
    {
        exchange.RefusedFor = admission.Reason;
        if (admission.Status == StatusCodes.Status503ServiceUnavailable)
            exchange.Headers.RetryAfter = "10";
        else if (admission.Status != StatusCodes.Status404NotFound)
            audit.Refused(admission.Reason, admission.Kid, exchange.Remote, exchange.Target.Raw);
        if (admission.Status == StatusCodes.Status401Unauthorized)
            exchange.Headers.WWWAuthenticate = "Bearer realm=\"xlive\"";
        return MediaErrors.WriteAsync(exchange, admission.Status, admission.Reason);
    }

    private async ValueTask AwaitAsync(Exchange exchange, Admission admission, ValueTask<FileAnswer> found) =>
        await AnswerAsync(exchange, admission, await found);

    private ValueTask AnswerAsync(Exchange exchange, in Admission admission, FileAnswer answer)
    {
        if (!exchange.IsHead)
            admission.Meter.CountRequest(answer.Entry?.Kind.Counted ?? FileKind.Other, exchange.Remote);
        switch (answer.Fault)
        {
            case FileFault.NotFound:
                return MediaErrors.WriteAsync(exchange, StatusCodes.Status404NotFound, "no such file");
            case FileFault.Forbidden:
                return MediaErrors.WriteAsync(exchange, StatusCodes.Status403Forbidden, "the file is not readable");
            case FileFault.Unavailable or FileFault.NoDescriptor:
                exchange.Headers.RetryAfter = "5";
                return MediaErrors.WriteAsync(exchange, StatusCodes.Status503ServiceUnavailable, "the file cannot be read now");
        }
        var entry = answer.Entry!;
        ValueTask sent;
        // Without a viewer the playlist is the file.
        if (entry.Playlist is { } playlist && (admission.Session is not null || playlist.IsAsWritten))
            sent = admission.IsEntry ? EntryAsync(exchange, admission, entry, playlist) : SharedAsync(exchange, admission, entry, playlist);
        else
            sent = FileAsync(exchange, admission, entry);
        if (!sent.IsCompletedSuccessfully)
            return ReleaseAsync(sent, entry);
        entry.Release();
        return default;
    }

    private static async ValueTask ReleaseAsync(ValueTask sent, FileEntry entry)
    {
        try
        {
            await sent;
        }
        finally
        {
            entry.Release();
        }
    }

    private ValueTask FileAsync(Exchange exchange, in Admission admission, FileEntry entry)
    {
        var cacheControl = entry.Length <= KeyPaths.LargestKey && keys.Contains(entry.Path) ? MediaKind.Never : entry.CacheControl;
        var facts = new FileFacts(entry.Kind.ContentType, cacheControl, entry.ETag, entry.LastModified, entry.ModifiedSeconds);
        return FileResponse.WriteAsync(exchange, facts, entry.Body, admission.Meter);
    }

    /// <summary>Below a session's path, or without a viewer where nothing had to change: the same bytes for everyone, held in both encodings.</summary>
    private static ValueTask SharedAsync(Exchange exchange, in Admission admission, FileEntry entry, HeldPlaylist playlist)
    {
        exchange.Headers.Vary = "Accept-Encoding";
        var gzip = playlist.Gzipped is not null && AcceptEncoding.TakesGzip(exchange.RequestHeaders.AcceptEncoding);
        if (gzip)
            exchange.Headers.ContentEncoding = "gzip";
        var cacheControl = admission.Session is null ? playlist.CacheControl : playlist.PrivateCacheControl;
        var facts = new FileFacts(entry.Kind.ContentType, cacheControl, gzip ? playlist.GzippedTag(entry.ETag) : entry.ETag,
            entry.LastModified, entry.ModifiedSeconds);
        return FileResponse.WriteAsync(exchange, facts, Body.Of(gzip ? playlist.Gzipped : playlist.Shared, FileKind.M3u8), admission.Meter, ranges: false);
    }

    /// <summary>The answer to a link: every child is sent below the viewer's own session path.</summary>
    private async ValueTask EntryAsync(Exchange exchange, Admission admission, FileEntry entry, HeldPlaylist playlist)
    {
        var template = playlist.Template;
        var grant = gate.GrantChildren(exchange, admission, template.CommonScope);
        var length = template.EntryLength(grant.Prefix.Length);
        var rented = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            template.WriteEntry(rented.AsSpan(0, length), grant.Prefix);
            ReadOnlyMemory<byte> body = rented.AsMemory(0, length);
            var tag = entry.ETag[..^1] + "-" + grant.Segment[^8..];
            exchange.Headers.Vary = "Accept-Encoding";
            if (length >= HeldPlaylist.MinGzip && AcceptEncoding.TakesGzip(exchange.RequestHeaders.AcceptEncoding))
            {
                // One viewer's bytes are compressed once, so speed counts more than size; a large one must not hold up an I/O thread.
                if (length > 64 * 1024)
                    await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
                body = HeldPlaylist.Gzip(body, System.IO.Compression.CompressionLevel.Fastest);
                exchange.Headers.ContentEncoding = "gzip";
                tag += "-gz";
            }
            var facts = new FileFacts(entry.Kind.ContentType, playlist.PrivateCacheControl, tag + "\"", entry.LastModified, entry.ModifiedSeconds);
            await FileResponse.WriteAsync(exchange, facts, Body.Of(body, FileKind.M3u8), admission.Meter, ranges: false);
            // No session was opened, so GET will splice other letters, which may not compress to this length.
            if (exchange.IsHead && exchange.Sid.Length == 0 && exchange.Headers.ContentEncoding.Count > 0)
                exchange.Headers.ContentLength = null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
