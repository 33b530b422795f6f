using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
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

    // A receiver that moved is found by its name again.
    private readonly HttpClient _client = Client(TimeSpan.FromMinutes(2));
    private readonly HttpClient _oneByOne = Client(TimeSpan.Zero);
    private bool _endsConnections;

    private static HttpClient Client(TimeSpan connectionsLive) => new(new SocketsHttpHandler
    {
        // A redirect would carry the key to whoever it names.
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        MaxResponseHeadersLength = 16,
        PooledConnectionLifetime = connectionsLive,
    })
    { Timeout = Timeout.InfiniteTimeSpan };

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
            using var response = await (_endsConnections ? _oneByOne : _client).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            // As HTTP/1.0 does (RFC 9112, 9.3). HttpClient would post the next report on the same connection, and often before it sees its end.
            _endsConnections = response.Version == HttpVersion.Version10 && !response.Headers.Connection.Contains("keep-alive", StringComparer.OrdinalIgnoreCase);
            var status = (int)response.StatusCode;
            var said = "answered " + status.ToString(CultureInfo.InvariantCulture);
            if (status is >= 200 and < 300 or 409)
                return new PostResult(PostEnd.Acknowledged, said, null, await ReadAsync(response, stop));
            return status is 400 or 413 or 415 or 422
                ? new PostResult(PostEnd.Refused, said, null, [])
                : new PostResult(PostEnd.Failed, said, RetryAfter(response), []);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new PostResult(PostEnd.Failed, $"no answer within {Patience.TotalSeconds:0} s", null, []);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidOperationException)
        {
            return new PostResult(PostEnd.Failed, Reason(e), null, []);
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

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - clock.GetUtcNow(),
        _ => null,
    };

    private static string Reason(Exception e) => e switch
    {
        HttpRequestException { InnerException: AuthenticationException tls } => "TLS: " + OneLine(tls.InnerException?.Message ?? tls.Message),
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => "its name is not found",
        HttpRequestException { InnerException: SocketException socket } => OneLine(socket.Message),
        _ => OneLine(e.Message),
    };

    private static string OneLine(string text)
    {
        var line = text.ReplaceLineEndings(" ");
        return line.Length > 200 ? line[..200] : line;
    }

    public void Dispose()
    {
        _client.Dispose();
        _oneByOne.Dispose();
    }
}
