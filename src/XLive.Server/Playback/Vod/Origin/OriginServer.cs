using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

namespace XLive.Server.Playback.Vod.Origin;

/// <summary>One origin: its connections, and how it has answered so far.</summary>
internal sealed class OriginServer : IDisposable
{
    private readonly OriginAddress _address;
    private readonly Func<OriginOptions> _options;
    private readonly TimeProvider _clock;
    private int _pending;

    public OriginServer(OriginAddress address, Func<OriginOptions> options, TimeProvider clock)
    {
        _address = address;
        _options = options;
        _clock = clock;
        Http1 = new OriginPool(options(), isHttp2: false);
    }

    /// <summary>Host and port.</summary>
    public string Name => _address.Name;

    public OriginPool Http1 { get; }

    /// <summary>Requests whose answer has not ended.</summary>
    public int Pending => Volatile.Read(ref _pending);

    /// <exception cref="OriginException">There is no answer that will do.</exception>
    public async Task<OriginAnswer> AskAsync(OriginRequest request, long first, string? tag, TimeSpan patience, CancellationToken cancel)
    {
        var options = _options();
        var pool = Http1;
        using var message = Message(request, first, tag, options, out var asked);
        Interlocked.Increment(ref _pending);
        HttpResponseMessage? response = null;
        try
        {
            using var late = new CancellationTokenSource(patience, _clock);
            using (cancel.UnsafeRegister(static l => ((CancellationTokenSource)l!).Cancel(), late))
                response = await pool.SendAsync(message, late.Token);
            var head = AnswerHead.Read(response, asked);
            var body = await response.Content.ReadAsStreamAsync(CancellationToken.None);
            var answer = new OriginAnswer(this, response, body, head, _clock, options.IdleTimeout) { Release = Ended };
            response = null;
            return answer;
        }
        catch (Exception e) when (e is not OriginException)
        {
            Ended();
            cancel.ThrowIfCancellationRequested();
            throw Told(e);
        }
        catch (OriginException e)
        {
            Ended();
            if (e.IsLie)
                pool.Renew();
            throw new OriginException(e.Fault, Name + ": " + e.Message);
        }
        finally
        {
            response?.Dispose();
        }
    }

    private void Ended() => Interlocked.Decrement(ref _pending);

    private HttpRequestMessage Message(OriginRequest request, long first, string? tag, OriginOptions options, out Asked asked)
    {
        var message = new HttpRequestMessage(request.IsHead ? HttpMethod.Head : HttpMethod.Get, _address.UriOf(request.Path, request.Query))
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        var headers = message.Headers;
        if (!string.IsNullOrEmpty(options.HostHeader))
            headers.Host = options.HostHeader;
        var isNamed = false;
        if (request.Headers is { } further)
        {
            for (var i = 0; i < further.Count && i < OriginFields.Most; i++)
            {
                if (!OriginFields.MayPass(further[i].Key))
                    continue;
                headers.TryAddWithoutValidation(further[i].Key, further[i].Value);
                isNamed |= further[i].Key.Equals("Accept-Encoding", StringComparison.OrdinalIgnoreCase);
            }
        }
        if (!isNamed)
            headers.TryAddWithoutValidation("Accept-Encoding", "identity");
        headers.Remove("User-Agent");
        headers.TryAddWithoutValidation("User-Agent", "XLive");
        foreach (var (name, value) in options.Headers)
        {
            headers.Remove(name);
            headers.TryAddWithoutValidation(name, value);
        }
        asked = new Asked(first, request.Last, tag, request.IsHead, request.IsConditional, isNamed);
        if (asked.HasRange)
        {
            headers.TryAddWithoutValidation("Range", request.Last < 0
                ? string.Create(CultureInfo.InvariantCulture, $"bytes={first}-")
                : string.Create(CultureInfo.InvariantCulture, $"bytes={first}-{request.Last}"));
            if (tag is not null)
                headers.TryAddWithoutValidation("If-Range", tag);
        }
        if (request.IfNoneMatch is { } none)
            headers.TryAddWithoutValidation("If-None-Match", none);
        if (request.IfModifiedSince is { } since)
            headers.TryAddWithoutValidation("If-Modified-Since", since);
        return message;
    }

    private OriginException Told(Exception e)
    {
        var words = Name + ": " + Words(e);
        return e switch
        {
            OperationCanceledException { InnerException: TimeoutException } => new(OriginFault.TimedOut, Name + " does not take a connection") { WhileConnecting = true },
            OperationCanceledException => new(OriginFault.TimedOut, Name + " did not answer in time"),
            HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError } =>
                new(OriginFault.Refused, words) { WhileConnecting = true },
            HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded
                or HttpRequestError.VersionNegotiationError } => new(OriginFault.BadAnswer, words),
            _ => new(OriginFault.BrokenOff, words),
        };
    }

    /// <summary>Why, in a line.</summary>
    public static string Words(Exception e) => e switch
    {
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => "its name is not found",
        HttpRequestException { InnerException: AuthenticationException tls } => "TLS: " + OneLine(tls.InnerException?.Message ?? tls.Message),
        HttpRequestException { InnerException: { } inner } => OneLine(inner.Message),
        _ => OneLine(e.Message),
    };

    private static string OneLine(string text)
    {
        var line = text.ReplaceLineEndings(" ");
        return line.Length > 200 ? line[..200] : line;
    }

    public void Dispose() => Http1.Dispose();
}
