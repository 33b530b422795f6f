using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using XLive.Server.Traffic.Reports;

namespace XLive.Server.Hooks;

/// <param name="Status">0: none.</param>
/// <param name="Said">For the operator: never longer than a line, never with a secret in it.</param>
/// <param name="RetryAfter">What the site asks for.</param>
/// <param name="Keep">How long it says that its answer holds.</param>
internal readonly record struct HookReply(int Status, string Said, TimeSpan? RetryAfter, TimeSpan? Keep)
{
    public bool IsYes => Status is >= 200 and < 300;

    /// <summary>A status that a site chooses, and not one that befalls it.</summary>
    public bool IsNo => Status is >= 400 and < 500 and not (408 or 429);

    public bool IsHeard => IsYes || IsNo;
}

/// <summary>
/// One attempt to hand an event or a question over. The site is another's program: it may answer late, with anything, or never. Its status
/// says all; of its body nothing is read but what it takes to use the connection again.
/// </summary>
internal sealed class HookPost(TimeProvider clock, HookEndpoint endpoint) : IDisposable
{
    public const string SignatureHeader = "X-XLive-Signature";

    // Questions beside events.
    private const int MostConnections = 64;
    private const int MostAnswer = 4 << 10;

    private readonly SiteClient _client = new(MostConnections, MostAnswer);

    public async Task<HookReply> SendAsync(string id, string word, byte[] body, HookOptions options, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, options.Receiver);
        request.Content = new ByteArrayContent(body);
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.TryAddWithoutValidation("Idempotency-Key", id);
        request.Headers.TryAddWithoutValidation("X-XLive-Event", word);
        request.Headers.TryAddWithoutValidation(SignatureHeader, Signature(body, options.Secret, clock.GetUtcNow().ToUnixTimeSeconds()));
        using var late = new CancellationTokenSource(options.Timeout, clock);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop, late.Token);
        var reply = await TryAsync(request, options, patience.Token, stop).ConfigureAwait(false);
        if (reply.IsHeard)
            endpoint.Heard();
        else
            endpoint.Unheard(reply.Said, reply.RetryAfter);
        return reply;
    }

    private async Task<HookReply> TryAsync(HttpRequestMessage request, HookOptions options, CancellationToken patience, CancellationToken stop)
    {
        try
        {
            using var response = await _client.SendAsync(request, patience).ConfigureAwait(false);
            var status = (int)response.StatusCode;
            var cache = response.Headers.CacheControl;
            return new HookReply(status, "answered " + status.ToString(CultureInfo.InvariantCulture), SiteClient.RetryAfter(response, clock),
                cache is { NoStore: true } ? TimeSpan.Zero : cache?.MaxAge);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new HookReply(0, string.Create(CultureInfo.InvariantCulture, $"no answer within {options.Timeout.TotalSeconds:0.###} s"), null, null);
        }
        catch (Exception e) when (SiteClient.IsFault(e))
        {
            return new HookReply(0, SiteClient.Reason(e), null, null);
        }
    }

    /// <summary>t=TIME,v1=HEX: HMAC-SHA256 of the time, a dot and the body. The time is the attempt's, so that what was overheard is of no use later.</summary>
    internal static string Signature(byte[] body, string secret, long time)
    {
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret));
        mac.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{time}.")));
        mac.AppendData(body);
        return string.Create(CultureInfo.InvariantCulture, $"t={time},v1={Convert.ToHexStringLower(mac.GetHashAndReset())}");
    }

    public void Dispose() => _client.Dispose();
}
