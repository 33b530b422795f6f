using System.Globalization;
using System.Security.Cryptography;

namespace XLive.Server.Traffic.Reports;

internal enum PostEnd
{
    /// <summary>The receiver has it, from this attempt or an earlier one.</summary>
    Acknowledged,
    /// <summary>It says that it will never take it as it is.</summary>
    Refused,
    Failed,
}

/// <param name="Said">For the operator: never longer than a line, never with a secret in it.</param>
/// <param name="RetryAfter">What the receiver asks for.</param>
/// <param name="Answer">The body of an acknowledgement, as far as it came.</param>
internal readonly record struct PostResult(PostEnd End, string Said, TimeSpan? RetryAfter, byte[] Answer);

/// <summary>One attempt to hand a report over. The receiver is another's program: it may answer late, with anything, or never.</summary>
internal sealed class ReportPost(TimeProvider clock) : IDisposable
{
    // A receiver that applies 5,000 items in one transaction has time for it; the answer's head ends the wait.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan BodyPatience = TimeSpan.FromSeconds(10);

    /// <summary>A verdict on each of 5,000 users fits twice.</summary>
    public const int MostAnswer = 1 << 20;

    private readonly SiteClient _client = new();

    public async Task<PostResult> SendAsync(Report report, ReportOptions options, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, options.Receiver);
        request.Content = new ByteArrayContent(report.Body);
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.TryAddWithoutValidation("Idempotency-Key", report.Id);
        if (options.ApiKey.Length > 0)
        {
            request.Headers.TryAddWithoutValidation("X-API-Key", options.ApiKey);
            request.Headers.TryAddWithoutValidation("X-Signature", Signature(report.Body, options.ApiKey));
        }
        using var late = new CancellationTokenSource(Patience, clock);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop, late.Token);
        try
        {
            using var response = await _client.SendAsync(request, patience.Token);
            var status = (int)response.StatusCode;
            var said = "answered " + status.ToString(CultureInfo.InvariantCulture);
            if (status is >= 200 and < 300 or 409)
                return new PostResult(PostEnd.Acknowledged, said, null, await ReadAsync(response, stop));
            return status is 400 or 413 or 415 or 422
                ? new PostResult(PostEnd.Refused, said, null, [])
                : new PostResult(PostEnd.Failed, said, SiteClient.RetryAfter(response, clock), []);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new PostResult(PostEnd.Failed, $"no answer within {Patience.TotalSeconds:0} s", null, []);
        }
        catch (Exception e) when (SiteClient.IsFault(e))
        {
            return new PostResult(PostEnd.Failed, SiteClient.Reason(e), null, []);
        }
    }

    /// <summary>HMAC-SHA256 of the body, in lower-case hex.</summary>
    internal static string Signature(byte[] body, string apiKey) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(System.Text.Encoding.UTF8.GetBytes(apiKey), body));

    // The status alone acknowledges: an answer that is too long, too slow or cut is one without verdicts.
    private async Task<byte[]> ReadAsync(HttpResponseMessage response, CancellationToken stop)
    {
        using var late = new CancellationTokenSource(BodyPatience, clock);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop, late.Token);
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(patience.Token);
            using var read = new MemoryStream();
            var piece = new byte[16 * 1024];
            while (await body.ReadAsync(piece, patience.Token) is var n and > 0)
            {
                if (read.Length + n > MostAnswer)
                    return [];
                read.Write(piece, 0, n);
            }
            return read.ToArray();
        }
        catch (Exception e) when (e is OperationCanceledException or HttpRequestException or IOException)
        {
            return [];
        }
    }

    public void Dispose() => _client.Dispose();
}
