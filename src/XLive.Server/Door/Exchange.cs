using System.Net;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using XLive.Server.Sending;
using XLive.Server.Traffic;

namespace XLive.Server.Door;

/// <summary>
/// One request and its response, as the media path sees them: Kestrel's own features, fetched once a connection (HTTP/1.1) or once a
/// pooled stream (HTTP/2), and no HttpContext. The API goes through ASP.NET Core as usual.
/// </summary>
public sealed class Exchange
{
    private readonly IFeatureCollection _features;
    private readonly IHttpRequestFeature _request;
    private readonly IHttpResponseFeature _response;
    private readonly IHttpResponseBodyFeature _body;
    private readonly BodyOutput? _output;
    private readonly IPAddress _remote;
    private ulong _id;

    internal Exchange(IFeatureCollection features)
    {
        _features = features;
        _request = features.GetRequiredFeature<IHttpRequestFeature>();
        _response = features.GetRequiredFeature<IHttpResponseFeature>();
        _body = features.GetRequiredFeature<IHttpResponseBodyFeature>();
        // HTTP/2 frames what it sends, so a body cannot pass it by.
        _output = _request.Protocol.StartsWith("HTTP/1", StringComparison.Ordinal) ? features.Get<BodyOutput>() : null;
        IsTls = features.Get<ITlsHandshakeFeature>() is not null;
        var remote = features.Get<IHttpConnectionFeature>()?.RemoteIpAddress ?? IPAddress.None;
        _remote = remote.IsIPv4MappedToIPv6 ? remote.MapToIPv4() : remote;
    }

    internal void Begin(long now, ulong id)
    {
        Now = now;
        _id = id;
        Target = default;
        Uid = Sid = RefusedFor = "";
        BodyBytes = 0;
        End = SendEnd.Done;
    }

    internal IFeatureCollection Features => _features;

    /// <summary>A reading of the monotonic clock at the request's start.</summary>
    public long Now { get; private set; }

    public RequestTarget Target { get; internal set; }
    public string Method => _request.Method;
    public bool IsHead => (object)_request.Method == (object)HttpMethods.Head || _request.Method == HttpMethods.Head;
    internal string RawTarget => _request.RawTarget;
    public string Protocol => _request.Protocol;
    public IHeaderDictionary RequestHeaders => _request.Headers;
    public IHeaderDictionary Headers => _response.Headers;
    public bool IsTls { get; }
    public IPAddress Remote => _remote;

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
        var sent = Sender.SendAsync(_body, _output, body, meter);
        if (!sent.IsCompletedSuccessfully)
            return FinishAsync(sent);
        Ended(sent.Result);
        return default;
    }

    private async ValueTask StartThenSendAsync(Task start, Body body, Meter? meter)
    {
        await start;
        Ended(await Sender.SendAsync(_body, _output, body, meter));
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
        Ended(await Sender.SendAsync(_body, _output, piece, meter));
        return End == SendEnd.Done;
    }

    private void Ended(Sent sent)
    {
        // What left before an early end counts for the log as it did for the meter.
        BodyBytes += sent.Bytes;
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
