using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using XLive.Server.Door;
using XLive.Server.Sending;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.Http;

/// <summary>The facts that a response to a file needs, wherever its bytes come from.</summary>
internal readonly struct FileFacts(string contentType, string cacheControl, string etag, string lastModified, long modifiedSeconds)
{
    public string ContentType => contentType;
    public string CacheControl => cacheControl;
    public string ETag => etag;
    public string LastModified => lastModified;
    public long ModifiedSeconds => modifiedSeconds;
}

/// <summary>Answers GET and HEAD for a body with validators: conditions first, then ranges, then the bytes (RFC 9110 section 13.2.2).</summary>
internal static class FileResponse
{
    public static ValueTask WriteAsync(Exchange exchange, in FileFacts facts, in Body body, Meter? meter, bool ranges = true)
    {
        var request = exchange.RequestHeaders;
        var headers = exchange.Headers;
        // An origin may leave any of them out.
        if (facts.CacheControl.Length > 0)
            headers.CacheControl = facts.CacheControl;
        if (facts.ETag.Length > 0)
            headers.ETag = facts.ETag;
        if (facts.LastModified.Length > 0)
            headers.LastModified = facts.LastModified;
        Cors.Apply(headers);
        switch (Preconditions.Evaluate(request, facts.ETag, facts.ModifiedSeconds))
        {
            case Precondition.NotModified:
                headers.ContentEncoding = default;
                exchange.Status = StatusCodes.Status304NotModified;
                return default;
            case Precondition.Failed:
                // Of the file that is not sent; left here, a player would unzip the error's text.
                headers.ContentEncoding = default;
                headers.ETag = default;
                headers.LastModified = default;
                return MediaErrors.WriteAsync(exchange, StatusCodes.Status412PreconditionFailed, "the file is another version than the request asks for");
        }
        headers.ContentType = facts.ContentType;
        headers.XContentTypeOptions = "nosniff";
        if (!ranges)
            return exchange.SendAsync(body, meter);
        headers.AcceptRanges = "bytes";
        var range = request.Range;
        // Range is defined for GET alone.
        if (range.Count == 0 || exchange.IsHead || !Preconditions.RangeStands(request.IfRange, facts.ETag, facts.ModifiedSeconds))
            return exchange.SendAsync(body, meter);
        return RangedAsync(exchange, facts, body, meter);
    }

    private static ValueTask RangedAsync(Exchange exchange, in FileFacts facts, in Body body, Meter? meter)
    {
        Span<ByteRange> ranges = stackalloc ByteRange[ByteRanges.MaxRanges];
        var headers = exchange.Headers;
        switch (ByteRanges.Parse(exchange.RequestHeaders.Range, body.Length, ranges, out var count))
        {
            case RangeAnswer.Unsatisfiable:
                headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{body.Length}");
                headers.ContentEncoding = default;
                headers.ETag = default;
                headers.LastModified = default;
                return MediaErrors.WriteAsync(exchange, StatusCodes.Status416RangeNotSatisfiable, "the file has no such bytes");
            case RangeAnswer.Whole:
                return exchange.SendAsync(body, meter);
        }
        exchange.Status = StatusCodes.Status206PartialContent;
        if (count > 1)
            return MultipartAsync(exchange, facts.ContentType, body, ranges[..count].ToArray(), meter);
        headers.ContentRange = ContentRange(ranges[0], body.Length);
        return exchange.SendAsync(body.Slice(ranges[0].First, ranges[0].Length), meter);
    }

    private static string ContentRange(ByteRange range, long length) =>
        string.Create(CultureInfo.InvariantCulture, $"bytes {range.First}-{range.Last}/{length}");

    /// <summary>multipart/byteranges (RFC 9110 section 14.6), in the order asked for.</summary>
    private static async ValueTask MultipartAsync(Exchange exchange, string contentType, Body body, ByteRange[] ranges, Meter? meter)
    {
        var boundary = "xlive-" + exchange.RequestId;
        var heads = new byte[ranges.Length][];
        var tail = Encoding.ASCII.GetBytes($"\r\n--{boundary}--\r\n");
        long length = tail.Length;
        for (var i = 0; i < ranges.Length; i++)
        {
            var between = i == 0 ? "" : "\r\n";
            heads[i] = Encoding.ASCII.GetBytes(
                $"{between}--{boundary}\r\nContent-Type: {contentType}\r\nContent-Range: {ContentRange(ranges[i], body.Length)}\r\n\r\n");
            length += heads[i].Length + ranges[i].Length;
        }
        exchange.Headers.ContentType = "multipart/byteranges; boundary=" + boundary;
        await exchange.StartAsync(length);
        for (var i = 0; i < ranges.Length; i++)
        {
            if (!await exchange.SendPieceAsync(Body.Of(heads[i], body.Kind), meter)
                || !await exchange.SendPieceAsync(body.Slice(ranges[i].First, ranges[i].Length), meter))
                return;
        }
        await exchange.SendPieceAsync(Body.Of(tail, body.Kind), meter);
    }
}
