using System.Globalization;
using System.IO.Compression;
using XLive.Server.Traffic.Reports;

namespace XLive.Server.Operations.Metrics;

/// <summary>Taken; taken but for some points; not wanted, now or later; not taken now.</summary>
internal enum OtlpEnd { Taken, Partial, Refused, Failed }

/// <param name="Said">For the operator: a line at most, without what telemetry.otlp_headers holds.</param>
/// <param name="Rejected">Points that were refused of those that came.</param>
internal readonly record struct OtlpReply(OtlpEnd End, string Said, TimeSpan? RetryAfter, long Rejected);

/// <summary>One attempt to hand a message to the collector, by OTLP over HTTP. A collector is another's program: it may answer late, with anything, or never.</summary>
internal sealed class OtlpPost(TimeProvider clock, string version) : IDisposable
{
    // Below that it is one packet either way.
    private const int WorthZipping = 1400;

    // What it may say of an error; more is not read.
    private const int MostAnswer = 4 << 10;
    private const int LongestLine = 200;

    private readonly SiteClient _client = new(mostConnections: 1, MostAnswer);

    public async Task<OtlpReply> SendAsync(HttpContent message, OtlpOptions options, TimeSpan limit, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, options.Receiver) { Content = message };
        request.Headers.TryAddWithoutValidation("User-Agent", "XLive/" + version);
        foreach (var (name, value) in options.Headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using var late = new CancellationTokenSource(limit, clock);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop, late.Token);
        try
        {
            using var response = await _client.SendAsync(request, patience.Token).ConfigureAwait(false);
            var body = await ReadAsync(response, patience.Token).ConfigureAwait(false);
            return Reply(response, body, options);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new OtlpReply(OtlpEnd.Failed, string.Create(CultureInfo.InvariantCulture, $"no answer within {limit.TotalSeconds:0.###} s"), null, 0);
        }
        catch (Exception e) when (SiteClient.IsFault(e))
        {
            return new OtlpReply(OtlpEnd.Failed, SiteClient.Reason(e), null, 0);
        }
    }

    /// <summary>A copy: of a post that was given up somebody may still read.</summary>
    public static HttpContent Content(ReadOnlySpan<byte> message)
    {
        var isZipped = message.Length > WorthZipping;
        byte[] bytes;
        if (isZipped)
        {
            using var zipped = new MemoryStream(message.Length / 4);
            using (var zip = new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true))
                zip.Write(message);
            bytes = zipped.ToArray();
        }
        else
        {
            bytes = message.ToArray();
        }
        var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = new("application/x-protobuf");
        if (isZipped)
            content.Headers.ContentEncoding.Add("gzip");
        return content;
    }

    private OtlpReply Reply(HttpResponseMessage response, ReadOnlySpan<byte> body, OtlpOptions options)
    {
        var status = (int)response.StatusCode;
        if (status is >= 200 and < 300)
        {
            var (rejected, why) = OtlpAnswer.Partial(body);
            // Without a point refused it is a word of advice, which is for nobody here.
            return rejected == 0 ? new OtlpReply(OtlpEnd.Taken, "", null, 0)
                : new OtlpReply(OtlpEnd.Partial, Line(string.Create(CultureInfo.InvariantCulture, $"{rejected} points refused"), why, options), null, rejected);
        }
        var said = Line(string.Create(CultureInfo.InvariantCulture, $"answered {status}"), OtlpAnswer.Message(body), options);
        // What is worth another attempt is said in full by OTLP 1.0, "Retryable Response Codes".
        return status is 429 or 502 or 503 or 504
            ? new OtlpReply(OtlpEnd.Failed, said, SiteClient.RetryAfter(response, clock), 0)
            : new OtlpReply(OtlpEnd.Refused, said, null, 0);
    }

    private static async Task<byte[]> ReadAsync(HttpResponseMessage response, CancellationToken patience)
    {
        var answer = new byte[MostAnswer];
        using var body = await response.Content.ReadAsStreamAsync(patience).ConfigureAwait(false);
        var read = await body.ReadAtLeastAsync(answer, MostAnswer, throwOnEndOfStream: false, patience).ConfigureAwait(false);
        return answer[..read];
    }

    private static string Line(string ours, string theirs, OtlpOptions options)
    {
        // It may say what it was given.
        foreach (var value in options.Headers.Values)
        {
            if (value.Length > 0)
                theirs = theirs.Replace(value, "***", StringComparison.Ordinal);
        }
        theirs = string.Concat(theirs.Select(static c => char.IsControl(c) ? ' ' : c)).Trim();
        if (theirs.Length > LongestLine)
            theirs = theirs[..LongestLine];
        return theirs.Length == 0 ? ours : $"{ours}: {theirs}";
    }

    public void Dispose() => _client.Dispose();
}
