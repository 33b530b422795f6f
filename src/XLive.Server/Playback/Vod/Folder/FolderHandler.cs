using Microsoft.AspNetCore.Http;
using XLive.Server.Door;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.Vod.Folder;

internal sealed class FolderHandler(FolderSource source)
{
    public ValueTask AnswerAsync(Exchange exchange, Meter? meter)
    {
        var path = exchange.Target.Path;
        if (MediaKind.IsHidden(path))
            return MediaErrors.WriteAsync(exchange, StatusCodes.Status404NotFound, "no such file");
        var found = source.FindAsync(path, exchange.Now, exchange.Aborted);
        return found.IsCompletedSuccessfully ? AnswerAsync(exchange, found.Result, meter) : AwaitAsync(exchange, found, meter);
    }

    private static async ValueTask AwaitAsync(Exchange exchange, ValueTask<FileAnswer> found, Meter? meter) => await AnswerAsync(exchange, await found, meter);

    private static ValueTask AnswerAsync(Exchange exchange, FileAnswer answer, Meter? meter)
    {
        if (answer.Entry is not { } entry)
            return MediaErrors.WriteAsync(exchange, 404, "no such file");
        var sent = FileResponse.WriteAsync(exchange, new FileFacts(entry.Kind.ContentType, entry.CacheControl, entry.ETag, entry.LastModified, entry.ModifiedSeconds), entry.Body, meter);
        if (sent.IsCompletedSuccessfully)
        {
            entry.Release();
            return default;
        }
        return ReleaseAsync(sent, entry);
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
}
