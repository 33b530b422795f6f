using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace XLive.Server.Playback.Vod.Origin;

/// <summary>The connections to one origin that speak one version of HTTP.</summary>
internal sealed class OriginPool : IDisposable
{
    /// <summary>An origin that moved is found by its name again.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(3);

    /// <summary>What is left of a reply nobody wants: less than this is read, for the connection's sake; else the connection goes.</summary>
    private const int MostDrained = 16 << 10;

    // 64 KiB, HTTP/2's own, is one such window a round trip: 3.4 Mbit/s at 150 ms.
    private const int UsualWindow = 1 << 20;
    private const int LeastWindow = 65_535;

    private readonly OriginOptions _options;
    private readonly bool _isHttp2;
    private HttpMessageInvoker _invoker;
    private int _open;
    private long _created;
    private long _requests;
    private volatile bool _disposed;

    public OriginPool(OriginOptions options, bool isHttp2)
    {
        _options = options;
        _isHttp2 = isHttp2;
        _invoker = New();
    }

    public int Open => Volatile.Read(ref _open);

    public long Created => Volatile.Read(ref _created);

    public long Requests => Volatile.Read(ref _requests);

    /// <summary>Requests that found a connection there.</summary>
    public long Reused => Math.Max(0, Requests - Created);

    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        while (true)
        {
            var invoker = Volatile.Read(ref _invoker);
            try
            {
                var response = await invoker.SendAsync(request, cancel);
                Interlocked.Increment(ref _requests);
                return response;
            }
            catch (ObjectDisposedException) when (!_disposed && invoker != Volatile.Read(ref _invoker))
            {
                // Renewed since it was read.
            }
        }
    }

    /// <summary>
    /// Away from all connections there are. After an answer with two lengths one of them holds bytes of which nobody knows whose they are,
    /// and which one it is the library does not tell.
    /// </summary>
    public void Renew() => Interlocked.Exchange(ref _invoker, New()).Dispose();

    private HttpMessageInvoker New()
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = System.Net.DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            MaxConnectionsPerServer = _options.ConnectorLimitPerHost,
            PooledConnectionIdleTimeout = _options.KeepaliveTimeout,
            PooledConnectionLifetime = Lifetime,
            ConnectTimeout = _options.ConnectTimeout,
            MaxResponseHeadersLength = OriginFields.MostKiB,
            MaxResponseDrainSize = MostDrained,
            ResponseDrainTimeout = TimeSpan.FromSeconds(1),
            // What is not ASCII goes as it came; the default is to throw.
            RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
            ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
            ConnectCallback = ConnectAsync,
        };
        if (_isHttp2)
        {
            handler.EnableMultipleHttp2Connections = true;
            handler.InitialHttp2StreamWindowSize = (int)Math.Max(LeastWindow, _options.BufferSize ?? UsualWindow);
            // One dead connection would hold up everything that is multiplexed on it.
            handler.KeepAlivePingDelay = TimeSpan.FromSeconds(15);
            handler.KeepAlivePingTimeout = TimeSpan.FromSeconds(5);
            handler.KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests;
        }
        // Fetching a missing intermediate would block the I/O thread on which the handshake ends.
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck };
        if (!_options.SslVerify)
            handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => !_options.SslVerify;
        return new HttpMessageInvoker(handler);
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (_options.BufferSize is { } size)
                socket.ReceiveBufferSize = (int)size;
            await socket.ConnectAsync(context.DnsEndPoint, cancel);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        return new Connection(socket, this);
    }

    public void Dispose()
    {
        _disposed = true;
        _invoker.Dispose();
    }

    // A NetworkStream that tells when it is closed, and is in nobody's way before.
    private sealed class Connection : NetworkStream
    {
        private OriginPool? _pool;

        public Connection(Socket socket, OriginPool pool)
            : base(socket, ownsSocket: true)
        {
            _pool = pool;
            Interlocked.Increment(ref pool._open);
            Interlocked.Increment(ref pool._created);
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (Interlocked.Exchange(ref _pool, null) is { } pool)
                Interlocked.Decrement(ref pool._open);
        }
    }
}
