using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

namespace XLive.Server.Traffic.Reports;

/// <summary>An HTTP client for endpoints of the site: it follows nobody and keeps no cookie, and says in a line what went wrong.</summary>
internal sealed class SiteClient(int mostConnections = int.MaxValue, int mostDrained = 1 << 20) : IDisposable
{
    // A receiver that moved is found by its name again.
    private readonly HttpClient _client = Client(TimeSpan.FromMinutes(2), mostConnections, mostDrained);
    private readonly HttpClient _oneByOne = Client(TimeSpan.Zero, mostConnections, mostDrained);
    private volatile bool _endsConnections;

    private static HttpClient Client(TimeSpan connectionsLive, int mostConnections, int mostDrained) => new(new SocketsHttpHandler
    {
        // A redirect would carry the key to whoever it names.
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        MaxResponseHeadersLength = 16,
        MaxConnectionsPerServer = mostConnections,
        MaxResponseDrainSize = mostDrained,
        PooledConnectionLifetime = connectionsLive,
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Its head; of the body nothing is read yet.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken patience)
    {
        var response = await (_endsConnections ? _oneByOne : _client).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience);
        // As HTTP/1.0 does (RFC 9112, 9.3). HttpClient would post the next on the same connection, and often before it sees its end.
        _endsConnections = response.Version == HttpVersion.Version10 && !response.Headers.Connection.Contains("keep-alive", StringComparer.OrdinalIgnoreCase);
        return response;
    }

    public static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider clock) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - clock.GetUtcNow(),
        _ => null,
    };

    /// <summary>What <see cref="SendAsync"/> threw is for the operator's eyes, not the program's failure.</summary>
    public static bool IsFault(Exception e) => e is HttpRequestException or IOException or InvalidOperationException;

    public static string Reason(Exception e) => e switch
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
