using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using XLive.Server.Rtmp;

namespace XLive.Server.Ingest.Pull;

/// <summary>
/// Asks an HTTP server for a stream, and goes where it says the stream is: over the same scheme, so often and no oftener, and never further into a network than the
/// server that was asked is itself. Its answer has a URL of our operator's to begin with; where it leads is a stranger's word.
/// </summary>
internal sealed class HttpSource : IDisposable
{
    private const int MostRedirects = 5;
    private static readonly TimeSpan ToConnect = TimeSpan.FromSeconds(5);

    private readonly Uri _url;
    private readonly SocketsHttpHandler _handler;
    private readonly HttpMessageInvoker _client;
    private int? _depth; // of the server that was asked first

    public HttpSource(Uri url)
    {
        _url = url;
        _handler = new SocketsHttpHandler
        {
            ConnectTimeout = ToConnect,
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ActivityHeadersPropagator = null,
            ConnectCallback = ConnectAsync,
        };
        // Fetching a missing intermediate would ask servers that a certificate names.
        _handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck };
        _client = new HttpMessageInvoker(_handler, disposeHandler: false);
    }

    /// <summary>Of the server that answered last.</summary>
    public IPAddress Address { get; private set; } = IPAddress.None;

    /// <returns>The head of an answer that is no redirect.</returns>
    public async Task<HttpResponseMessage> OpenAsync(CancellationToken stop)
    {
        var at = _url;
        for (var redirects = 0; ; redirects++)
        {
            var response = await AskAsync(at, stop);
            if (response.StatusCode is not (HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect))
                return response;
            using (response)
            {
                if (redirects == MostRedirects)
                    throw new RemoteException($"{_url.Authority} redirects more than {MostRedirects} times");
                var to = response.Headers.Location is { } location && Uri.TryCreate(at, location, out var found) ? found : throw new RemoteException($"{_url.Authority} redirects to nowhere");
                if (to.Scheme != _url.Scheme)
                    throw new RemoteException($"{_url.Authority} redirects away from {_url.Scheme}");
                at = to;
            }
        }
    }

    private async Task<HttpResponseMessage> AskAsync(Uri url, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        // What the operator wrote is for the server that he named.
        if (_url.UserInfo.Length > 0 && url.Authority == _url.Authority)
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(_url.UserInfo))));
        request.Headers.UserAgent.ParseAdd("XLive");
        try
        {
            return await _client.SendAsync(request, stop);
        }
        catch (HttpRequestException e) when (e.InnerException is RemoteException)
        {
            throw e.InnerException;
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken stop)
    {
        // Looked up here and not by the socket: what is judged is what is connected to.
        var addresses = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host, stop);
        if (_depth is { } depth)
            addresses = Array.FindAll(addresses, a => NetworkDepth.Of(a) <= depth);
        if (addresses.Length == 0)
            throw new RemoteException($"{_url.Authority} redirects further into the network");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, context.DnsEndPoint.Port, stop);
            var address = ((IPEndPoint)socket.RemoteEndPoint!).Address;
            Address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
            _depth ??= NetworkDepth.Of(Address);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _client.Dispose();
        _handler.Dispose();
    }
}
