using System.Text;
using Microsoft.AspNetCore.Http;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Live;
using XLive.Server.Playback.Http;
using XLive.Server.Sending;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.Watch;

/// <summary>
/// /watch/{app}/{stream}: a page that plays a live stream, for browsers and for frames in other sites' pages. Its grant is the stream's, judged as if the stream
/// were asked for. Its scripts, /watch/{name}-{hash}.js, are everybody's.
/// </summary>
internal sealed class WatchPage(PlaybackGate gate, MediaRefusals refusals, UserMeters meters) : IPageSource
{
    private const string Folder = "/watch/";

    // Stands for every stream: which one it shows it reads from its own address.
    private const string Page = "stream/index.html";

    // Nothing inline, nothing from elsewhere, in anybody's frame; media comes through Media Source, whose URLs are blobs. Trusted types: what a server or a
    // publisher says cannot become markup.
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors *; require-trusted-types-for 'script'; trusted-types 'none'";

    private static readonly byte[] s_refusedMark = Encoding.ASCII.GetBytes("data-refused=\"");

    /// <summary>What was built of it. Tests bring their own.</summary>
    internal BuiltPages Files { get; set; } = BuiltPages.Of("watch");

    public bool IsBuilt => Files.Find(Page) is not null;

    public bool TryAnswer(Exchange exchange, out ValueTask answer)
    {
        answer = default;
        var path = exchange.Target.Path;
        if (!path.StartsWith(Folder, StringComparison.Ordinal))
            return false;
        var name = path[Folder.Length..];
        if (!name.Contains('/'))
        {
            // A film's folder may have the name too.
            if (Files.Find(name) is not { } file)
                return false;
            answer = FileAsync(exchange, file);
            return true;
        }
        var stream = gate.Rules.Grants.LiveApps.ShownAt(path);
        if (stream.IsEmpty || !StreamName.IsPart(stream[(stream.LastIndexOf('/') + 1)..]))
            return false;
        answer = PageAsync(exchange, gate.Admit(new PageVisit(exchange, exchange.Target.From(path.Length - stream.Length))));
        return true;
    }

    private ValueTask FileAsync(Exchange exchange, PageFile file)
    {
        var body = Encoded(exchange, file, out var tag);
        return FileResponse.WriteAsync(exchange, new FileFacts(file.ContentType, MediaKind.Immutable, tag, "", Preconditions.NoDate), Body.Of(body), meters.Nobody, ranges: false);
    }

    private ValueTask PageAsync(Exchange exchange, in Admission admission)
    {
        // People are told what to do now, in the page; programs get the word, as everywhere.
        var refused = !admission.Granted;
        var page = Files.Find(Page);
        if (refused && (page is null || !exchange.RequestHeaders.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)))
            return refusals.WriteAsync(exchange, admission);
        if (page is null)
        {
            return MediaErrors.WriteAsync(exchange, StatusCodes.Status503ServiceUnavailable,
                "this server was built without its pages; they need node and npm (Debian: nodejs, npm), then ./run builds them. The stream is at "
                + $"{exchange.Target.Path[(Folder.Length - 1)..]}.m3u8, with the same grant");
        }
        var headers = exchange.Headers;
        headers.ContentSecurityPolicy = Policy;
        // The page's address has the token in it: who is asked for something, ourselves included, hears the origin alone.
        headers["Referrer-Policy"] = "strict-origin";
        headers.CacheControl = MediaKind.Never;
        headers.ContentType = page.ContentType;
        headers.XContentTypeOptions = "nosniff";
        Cors.Apply(headers);
        if (refused)
        {
            refusals.Note(exchange, admission);
            headers["X-Request-Id"] = exchange.RequestId;
            exchange.Status = admission.Status;
            return exchange.SendAsync(Body.Of(Refused(page.Plain, $"{admission.Status} {admission.Reason}")), null);
        }
        var body = Encoded(exchange, page, out _);
        if (!exchange.IsHead)
            admission.Meter.CountRequest(FileKind.Other, exchange.Remote);
        return exchange.SendAsync(Body.Of(body), admission.Meter);
    }

    private static ReadOnlyMemory<byte> Encoded(Exchange exchange, PageFile file, out string tag)
    {
        tag = file.ETag;
        exchange.Headers.Vary = "Accept-Encoding";
        if (file.Gzipped.IsEmpty || !AcceptEncoding.TakesGzip(exchange.RequestHeaders.AcceptEncoding))
            return file.Plain;
        exchange.Headers.ContentEncoding = "gzip";
        tag = file.ETag[..^1] + "-gz\"";
        return file.Gzipped;
    }

    /// <summary>The page with the refusal in it: a number, and a word that is one of ours.</summary>
    private static ReadOnlyMemory<byte> Refused(ReadOnlyMemory<byte> page, string refusal)
    {
        var at = page.Span.IndexOf(s_refusedMark);
        if (at < 0)
            return page;
        at += s_refusedMark.Length;
        var body = new byte[page.Length + refusal.Length];
        page.Span[..at].CopyTo(body);
        Encoding.ASCII.GetBytes(refusal, body.AsSpan(at));
        page.Span[at..].CopyTo(body.AsSpan(at + refusal.Length));
        return body;
    }
}
