using System.Net;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using XLive.Server.Door.Clients;
using XLive.Server.Limits;
using XLive.Server.Sending;
using XLive.Server.Traffic;

namespace XLive.Server.Door;

/// <summary>
/// One request and its response, as the media path sees them: Kestrel's own features, fetched once a connection (HTTP/1.1) or once a
/// pooled stream (HTTP/2), and no HttpContext. The API goes through ASP.NET Core as usual.
/// </summary>
public sealed partial class Exchange : IMediaRequest
{
    // RFC 9112 section 7.1.
    private static readonly byte[] LastChunk = "0\r\n\r\n"u8.ToArray(), LastOfChunks = "\r\n0\r\n\r\n"u8.ToArray();

    private readonly IFeatureCollection _features;
    private readonly IHttpRequestFeature _request;
    private readonly IHttpResponseFeature _response;
    private readonly IHttpResponseBodyFeature _body;
    private readonly BodyOutput? _output;
    private readonly StreamBodies? _streams;
    private StreamBody? _stream;
    private readonly IPAddress _peer;
    private readonly bool _isHttps;
    private Forwarded? _forwarded;
    private ulong _id;
    private bool _isChunked;
    private bool _hasChunks;

    internal Exchange(IFeatureCollection features)
    {
        _features = features;
        _request = features.GetRequiredFeature<IHttpRequestFeature>();
        _response = features.GetRequiredFeature<IHttpResponseFeature>();
        _body = features.GetRequiredFeature<IHttpResponseBodyFeature>();
        // HTTP/2 frames what it sends, so a body cannot pass it by.
        _output = _request.Protocol.StartsWith("HTTP/1", StringComparison.Ordinal) ? features.Get<BodyOutput>() : null;
        _streams = _output is null ? features.Get<StreamBodies>() : null;
        Connection = features.Get<OpenConnection>();
        IsTls = features.Get<ITlsHandshakeFeature>() is not null;
        IsHttps = _isHttps = IsTls || features.Get<ClientOverTls>() is not null;
        var connection = features.Get<IHttpConnectionFeature>();
        LocalPort = connection?.LocalPort ?? 0;
        var peer = connection?.RemoteIpAddress ?? IPAddress.None;
        Remote = _peer = peer.IsIPv4MappedToIPv6 ? peer.MapToIPv4() : peer;
    }

    internal void Begin(long now, ulong id)
    {
        Now = now;
        _id = id;
        Target = default;
        Uid = Sid = RefusedFor = "";
        Viewer = null;
        Paces = null;
        BodyBytes = 0;
        End = SendEnd.Done;
        _isChunked = _hasChunks = false;
        _webSocket = null;
    }

    /// <summary>Whose request it is: the peer's, or that of whom trusted proxies name.</summary>
    internal void FindClient(CidrSet proxies)
    {
        if (proxies.Count == 0 && _forwarded is null)
            return;
        _forwarded ??= new Forwarded(_peer, _isHttps);
        _forwarded.Read(_request.Headers, proxies);
        (Remote, IsHttps) = (_forwarded.Client, _forwarded.IsHttps);
    }

    internal IFeatureCollection Features => _features;
    internal OpenConnection? Connection { get; }

    /// <summary>A reading of the monotonic clock at the request's start.</summary>
    public long Now { get; private set; }

    public RequestTarget Target { get; internal set; }
    public string Method => _request.Method;
    public bool IsHead => (object)_request.Method == (object)HttpMethods.Head || _request.Method == HttpMethods.Head;
    internal string RawTarget => _request.RawTarget;
    public string Protocol => _request.Protocol;
    public IHeaderDictionary RequestHeaders => _request.Headers;
    public IHeaderDictionary Headers => _response.Headers;

    /// <summary>This connection is encrypted, whatever the client speaks to a proxy.</summary>
    public bool IsTls { get; }

    /// <summary>The client speaks https, to us or to a trusted proxy: what URLs of our own and redirects must go by.</summary>
    public bool IsHttps { get; private set; }

    /// <summary>The client's address, behind trusted proxies too. The requests of one connection may have different ones.</summary>
    public IPAddress Remote { get; private set; }

    /// <summary>Whoever is at the other end asks for himself.</summary>
    internal bool IsPeers => Remote.Equals(_peer);

    /// <summary>A trusted proxy's connection: the next request may be another client's.</summary>
    public bool IsShared => _forwarded is { IsShared: true };

    internal int LocalPort { get; }

    /// <summary>Console, API and health details answer this client at this port.</summary>
    internal bool ReachesManagement { get; set; }

    public int Status
    {
        get => _response.StatusCode;
        set => _response.StatusCode = value;
    }

    /// <summary>499 where the viewer left before the end, as nginx writes it; nothing of ours failed.</summary>
    public int LoggedStatus => End is SendEnd.ViewerLeft or SendEnd.Idle ? 499 : Status;

    public bool HasStarted => _response.HasStarted;

    public string RequestId => _id.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
    internal ulong Id => _id;

    public CancellationToken Aborted => _features.Get<IHttpRequestLifetimeFeature>()?.RequestAborted ?? default;

    /// <summary>Kept with the connection, for whoever judges its requests.</summary>
    public object? Note { get; set; }

    // For the log and the sessions.
    public string Uid { get; set; } = "";
    public string Sid { get; set; } = "";

    public ConnectionPlaces? Places => Connection?.Places;

    public SharedPaces? Paces
    {
        get;
        set
        {
            field = value;
            _output?.Paces = value;
        }
    }

    /// <summary>The session that plays, for whoever hears of the exchange's end.</summary>
    public object? Viewer { get; set; }

    /// <summary>The reason word of a refusal, for the audit log and the metrics.</summary>
    public string RefusedFor { get; set; } = "";
    public long BodyBytes { get; private set; }
    public SendEnd End { get; private set; }

    /// <summary>Sends the head with its Content-Length and, unless this is HEAD, the body.</summary>
    public ValueTask SendAsync(in Body body, Meter? meter)
    {
        Headers.ContentLength = body.Length;
        if (IsHead)
            return default;
        var start = _body.StartAsync();
        if (!start.IsCompletedSuccessfully)
            return StartThenSendAsync(start, body, meter);
        var sent = SendBodyAsync(body, meter);
        if (!sent.IsCompletedSuccessfully)
            return FinishAsync(sent);
        Ended(sent.Result);
        return default;
    }

    private ValueTask<Sent> SendBodyAsync(in Body body, Meter? meter)
    {
        if (_output is not null)
            return Sender.SendAsync(_webSocket ?? _body, _output, body, meter);
        if (_stream is null && meter is not null && _streams is not null)
            _stream = _streams.Begin(
                _features.GetRequiredFeature<IHttp2StreamIdFeature>().StreamId, meter, body.Kind, Paces, _features.GetRequiredFeature<IHttpRequestLifetimeFeature>());
        return Sender.SendAsync(_webSocket ?? _body, _stream, body);
    }

    /// <summary>Nothing is sent for this request any more.</summary>
    internal void Finish()
    {
        _stream?.End();
        _stream = null;
    }

    private async ValueTask StartThenSendAsync(Task start, Body body, Meter? meter)
    {
        await start;
        Ended(await SendBodyAsync(body, meter));
    }

    private async ValueTask FinishAsync(ValueTask<Sent> sent) => Ended(await sent);

    /// <summary>A body in several pieces: start it with its whole length, then send each.</summary>
    public async ValueTask StartAsync(long contentLength)
    {
        Headers.ContentLength = contentLength;
        await _body.StartAsync();
    }

    public async ValueTask<bool> SendPieceAsync(Body piece, Meter? meter)
    {
        if (_isChunked)
        {
            ChunkHead.Write(_body.Writer, piece.Length, isFirst: !_hasChunks);
            _hasChunks = true;
        }
        else if (_webSocket is not null)
        {
            BeginMessage(piece.Length);
        }
        Ended(await SendBodyAsync(piece, meter));
        return End == SendEnd.Done;
    }

    /// <summary>A body whose end nobody knows yet: pieces until <see cref="EndAsync"/>.</summary>
    public Task StartEndlessAsync()
    {
        if (HttpProtocol.IsHttp11(Protocol))
        {
            // Kestrel frames what it copies; pieces that are sent from where they lie are framed here (RFC 9112 section 7.1).
            _isChunked = true;
            Headers.TransferEncoding = "chunked";
        }
        return _body.StartAsync();
    }

    /// <summary>For a live body that was begun, on a connection in clear: who drives it sends by this, and nobody by <see cref="SendPieceAsync"/>. Null: it cannot be had.</summary>
    internal PieceSender? TakePieces(Meter meter, FileKind kind) =>
        _isChunked && _output is SocketOutput output ? PieceSender.Chunked(output, meter, kind, _hasChunks) : null;

    /// <summary>Nobody drives it any more.</summary>
    internal bool Return(PieceSender pieces)
    {
        pieces.GiveBack();
        Ended(new Sent(pieces.End, pieces.Sent));
        return End == SendEnd.Done;
    }

    /// <summary>The body that was begun without a length is whole.</summary>
    public async ValueTask EndAsync()
    {
        if (_isChunked)
            await _body.Writer.WriteAsync(_hasChunks ? LastOfChunks : LastChunk);
    }

    private void Ended(Sent sent)
    {
        // What left before an early end counts for the log as it did for the meter.
        BodyBytes = sent.End == SendEnd.Done || _stream is null ? BodyBytes + sent.Bytes : _stream.Sent;
        End = sent.End;
        if (sent.End != SendEnd.Done)
            Abort();
    }

    /// <summary>An answer of the API, whose body ASP.NET Core has written.</summary>
    internal void AnsweredByApi()
    {
        if (!IsHead && Headers.ContentLength is { } length)
            BodyBytes = length;
    }

    /// <summary>Ends the connection (HTTP/1.1) or the stream (HTTP/2) so that a short body cannot look whole.</summary>
    public void Abort() => _features.Get<IHttpRequestLifetimeFeature>()?.Abort();
}
