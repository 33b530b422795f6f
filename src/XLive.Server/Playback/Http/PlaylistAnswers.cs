using System.Buffers;
using System.Globalization;
using XLive.Media.Hls;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Sending;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.Http;

/// <summary>A playlist's two answers, wherever it comes from: spliced for who came with a link, the same bytes for all below their sessions.</summary>
internal sealed class PlaylistAnswers(PlaybackGate gate)
{
    /// <param name="from">The file's; what is said of caching follows from the playlist.</param>
    public ValueTask WriteAsync(Exchange exchange, in Admission admission, HeldPlaylist playlist, in FileFacts from) =>
        admission.IsEntry ? EntryAsync(exchange, admission, playlist, from) : SharedAsync(exchange, admission, playlist, from);

    /// <summary>One of many texts of a stream, each of which few ever see as an entry.</summary>
    /// <param name="path">The playlist's own.</param>
    /// <param name="scope">What a session that begins with it may play.</param>
    /// <param name="age">Seconds for which a cache may keep it.</param>
    public ValueTask WriteAsync(Exchange exchange, in Admission admission, PlaylistForms forms, string path, string scope, int age, string tag)
    {
        var facts = new FileFacts("application/vnd.apple.mpegurl", "", tag, "", 0);
        if (admission.IsEntry)
            return EntryAsync(exchange, admission, new HeldPlaylist(PlaylistTemplate.Parse(forms.Plain, path, []), forms.Plain.Span, scope, age), facts);
        exchange.Headers.Vary = "Accept-Encoding";
        var gzip = forms.Plain.Length >= HeldPlaylist.MinGzip && AcceptEncoding.TakesGzip(exchange.RequestHeaders.AcceptEncoding);
        if (gzip)
            exchange.Headers.ContentEncoding = "gzip";
        var cacheControl = string.Create(CultureInfo.InvariantCulture, $"{(admission.Session is null ? "public" : "private")}, max-age={age}");
        facts = new FileFacts(facts.ContentType, cacheControl, gzip ? tag[..^1] + "-gz\"" : tag, "", 0);
        return FileResponse.WriteAsync(exchange, facts, Body.Of(gzip ? forms.Gzip : forms.Plain, FileKind.M3u8), admission.Meter, ranges: false);
    }

    /// <summary>Below a session's path, or without a viewer where nothing had to change: the same bytes for everyone, held in both encodings.</summary>
    private static ValueTask SharedAsync(Exchange exchange, in Admission admission, HeldPlaylist playlist, in FileFacts from)
    {
        exchange.Headers.Vary = "Accept-Encoding";
        var gzip = playlist.Gzipped is not null && AcceptEncoding.TakesGzip(exchange.RequestHeaders.AcceptEncoding);
        if (gzip)
            exchange.Headers.ContentEncoding = "gzip";
        var cacheControl = admission.Session is null ? playlist.CacheControl : playlist.PrivateCacheControl;
        var facts = new FileFacts(from.ContentType, cacheControl, gzip ? playlist.GzippedTag(from.ETag) : from.ETag,
            from.LastModified, from.ModifiedSeconds);
        return FileResponse.WriteAsync(exchange, facts, Body.Of(gzip ? playlist.Gzipped : playlist.Shared, FileKind.M3u8), admission.Meter, ranges: false);
    }

    /// <summary>The answer to a link: every child is sent below the viewer's own session path.</summary>
    private async ValueTask EntryAsync(Exchange exchange, Admission admission, HeldPlaylist playlist, FileFacts from)
    {
        var template = playlist.Template;
        var grant = gate.GrantChildren(exchange, admission, playlist.Scope);
        var length = template.EntryLength(grant.Prefix.Length);
        var rented = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            template.WriteEntry(rented.AsSpan(0, length), grant.Prefix);
            ReadOnlyMemory<byte> body = rented.AsMemory(0, length);
            var tag = from.ETag[..^1] + "-" + grant.Segment[^8..];
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
            var facts = new FileFacts(from.ContentType, playlist.PrivateCacheControl, tag + "\"", from.LastModified, from.ModifiedSeconds);
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
