using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace XLive.Server.Door;

/// <summary>
/// The one form of an error: application/problem+json (RFC 9457) with type, title, status, detail and request_id, never stored.
/// A detail says what is wrong and where; it repeats no value that was sent, since that may be a password or a grant.
/// </summary>
public static class Problem
{
    /// <param name="code">One word for programs, such as "expired"; the last part of the type.</param>
    public static async Task Write(HttpContext http, int status, string code, string detail)
    {
        HttpResponse response = http.Response;
        if (response.HasStarted)
        {
            http.Abort(); // a length was promised: a cut connection is the only honest end left
            return;
        }
        response.StatusCode = status;
        // Not Clear(): what CORS, the request id and WWW-Authenticate set stands on errors too.
        IHeaderDictionary headers = response.Headers;
        headers.Remove(HeaderNames.ETag);
        headers.Remove(HeaderNames.LastModified);
        headers.Remove(HeaderNames.ContentEncoding);
        headers.Remove(HeaderNames.AcceptRanges);
        headers.Remove(HeaderNames.Expires);
        headers.CacheControl = "no-store";
        byte[] body = Body(status, code, detail, http.TraceIdentifier);
        response.ContentType = "application/problem+json";
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await response.Body.WriteAsync(body, http.RequestAborted);
        }
    }

    internal static byte[] Body(int status, string code, string detail, string requestId)
    {
        using MemoryStream body = new(256);
        using (Utf8JsonWriter json = new(body))
        {
            json.WriteStartObject();
            json.WriteString("type"u8, $"urn:xlive:problem:{code}");
            json.WriteString("title"u8, ReasonPhrases.GetReasonPhrase(status) is { Length: > 0 } phrase ? phrase : "Error");
            json.WriteNumber("status"u8, status);
            json.WriteString("detail"u8, detail);
            json.WriteString("request_id"u8, requestId);
            json.WriteEndObject();
        }
        return body.ToArray();
    }
}

/// <summary>Thrown by a handler that cannot go on; <see cref="ProblemResponses"/> answers it.</summary>
public sealed class ProblemException(int status, string code, string detail, TimeSpan? retryAfter = null) : Exception(detail)
{
    public int Status => status;

    public string ProblemCode => code;

    public TimeSpan? RetryAfter => retryAfter;
}
