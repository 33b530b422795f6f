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

/// <summary>A request for a film: the file or the origin, the answer.</summary>
internal sealed class VodHandler(FolderSource? source, OriginHandler? origin, PlaylistAnswers playlists, KeyPaths keys) : IMediaSource
{
    /// <summary>Whatever is asked for: what is no film is not found.</summary>
    public bool TryAnswer(Exchange exchange, in Admission admission, out ValueTask answer)
    {
        answer = AnswerAsync(exchange, admission);
        return true;
    }

    private ValueTask AnswerAsync(Exchange exchange, in Admission admission)
    {
        var path = exchange.Target.Path;
        if (source is null)
            return origin!.AnswerAsync(exchange, admission);
        var found = source.FindAsync(path, exchange.Now, exchange.Aborted);
        return found.IsCompletedSuccessfully ? AnswerAsync(exchange, admission, found.Result) : AwaitAsync(exchange, admission, found);
    }

    private async ValueTask AwaitAsync(Exchange exchange, Admission admission, ValueTask<FileAnswer> found) =>
        await AnswerAsync(exchange, admission, await found);

    private ValueTask AnswerAsync(Exchange exchange, in Admission admission, FileAnswer answer)
    {
        if (answer.Fault == FileFault.NotFound && origin is not null)
            return origin.AnswerAsync(exchange, admission);
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
            sent = playlists.WriteAsync(exchange, admission, playlist, new FileFacts(entry.Kind.ContentType, "", entry.ETag, entry.LastModified, entry.ModifiedSeconds));
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
}
