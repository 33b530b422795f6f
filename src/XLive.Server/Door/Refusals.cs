using System.Buffers;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.WebUtilities;

namespace XLive.Server.Door;

/// <summary>A request that Kestrel refused before it was one: as far as it was read.</summary>
/// <param name="Reason">One of a few words of ours.</param>
/// <param name="Status">0 where an answer had begun already, which is logged and counted as its own.</param>
internal readonly record struct Refusal(
    string RequestId, IPAddress? Remote, string? Method, string? Target, int Status, string Reason, long Bytes, string? UserAgent, string? Referer);

/// <summary>
/// What Kestrel refuses by itself never reaches the door, and its answer is a bare status. It tells of each in a diagnostic event,
/// before the answer, and there we answer in its place: once a response has started it adds nothing.
/// </summary>
internal sealed class Refusals(FrontDoor door) : DiagnosticSource
{
    private const string BadRequest = "Microsoft.AspNetCore.Server.Kestrel.BadRequest";

    public Action<Refusal>? Noted { get; set; }

    public override bool IsEnabled(string name) => name == BadRequest;

    [RequiresUnreferencedCode("the base says so; nothing is looked up by name here")]
    public override void Write(string name, object? value)
    {
        if (value is not IFeatureCollection features || features.Get<IBadRequestExceptionFeature>()?.Error is not BadHttpRequestException fault)
            return;
        var status = fault.StatusCode;
        var request = features.GetRequiredFeature<IHttpRequestFeature>();
        var response = features.GetRequiredFeature<IHttpResponseFeature>();
        if (response.HasStarted)
        {
            // Bytes behind an answer, of a body that nobody read: that request has its line.
            Noted?.Invoke(new Refusal { Reason = ReasonOf(status) });
            return;
        }
        var id = door.NextRequestId();
        // After 505 Kestrel looks whether this was HTTP/2's preface, and answers that in HTTP/2. A stream of HTTP/2 it resets.
        var inOurWords = status != StatusCodes.Status505HttpVersionNotsupported && features.Get<IHttp2StreamIdFeature>() is null;
        var bytes = inOurWords ? Answer(features, response, request, status, id) : 0;
        var headers = request.Headers;
        Noted?.Invoke(new Refusal(id, features.Get<IHttpConnectionFeature>()?.RemoteIpAddress, request.Method, request.RawTarget, status,
            ReasonOf(status), bytes, headers.UserAgent, headers.Referer));
    }

    private static long Answer(IFeatureCollection features, IHttpResponseFeature response, IHttpRequestFeature request, int status, string id)
    {
        var body = Encoding.ASCII.GetBytes($"{status} {ReasonPhrases.GetReasonPhrase(status)}: {DetailOf(status)}\nrequest {id}\n");
        var headers = response.Headers;
        headers.Connection = "close";
        headers.ContentLength = body.Length;
        MediaErrors.WriteHeaders(headers, id);
        // Synchronous: nobody has asked to hear of a response's start before there was a request.
        var started = features.GetRequiredFeature<IHttpResponseBodyFeature>().StartAsync();
        if (!started.IsCompletedSuccessfully)
            return 0;
        // The head lies in this pipe now. Kestrel's own writer for bodies is made with a request's first byte, which may never have come.
        var output = features.GetRequiredFeature<IConnectionTransportFeature>().Transport.Output;
        var isHead = request.Method == HttpMethods.Head;
        if (!isHead)
            output.Write(body);
        // A client that does not read its refusal loses it with the connection, which closes next.
        _ = output.FlushAsync().AsTask();
        return isHead ? 0 : body.Length;
    }

    // A dozen faults share a status; which one it was only a person at a terminal wants to know, and Kestrel tells in its debug log.
    private static string ReasonOf(int status) => status switch
    {
        StatusCodes.Status405MethodNotAllowed => "method_not_for_target",
        StatusCodes.Status408RequestTimeout => "request_too_slow",
        StatusCodes.Status413RequestEntityTooLarge => "body_too_large",
        StatusCodes.Status414UriTooLong => "request_line_too_long",
        StatusCodes.Status431RequestHeaderFieldsTooLarge => "headers_too_large",
        StatusCodes.Status505HttpVersionNotsupported => "http_version",
        _ => "request_form",
    };

    private static string DetailOf(int status) => status switch
    {
        StatusCodes.Status405MethodNotAllowed => "this target is for another method",
        StatusCodes.Status408RequestTimeout => "the request came too slowly",
        StatusCodes.Status413RequestEntityTooLarge => "the body is too long",
        StatusCodes.Status414UriTooLong => "the request line is longer than 8 KiB",
        StatusCodes.Status431RequestHeaderFieldsTooLarge => "more than 100 headers or 32 KiB of them",
        _ => "not well-formed HTTP/1.1",
    };
}
