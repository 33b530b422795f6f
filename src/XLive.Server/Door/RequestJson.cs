using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace XLive.Server.Door;

/// <summary>A small JSON body, read whole. Faults name the field and never its value.</summary>
public static class RequestJson
{
    // The name is the sender's, and may be anything: only what looks like one of ours is repeated.
    private static readonly SearchValues<char> FieldCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_.[]");

    private const int FirstRead = 256;

    public static async ValueTask<T> ReadAsync<T>(HttpContext http, JsonTypeInfo<T> type, int mostBytes) where T : class
    {
        if (http.Request.ContentLength > mostBytes)
        {
            throw TooLong(mostBytes);
        }
        // It grows with what has come, not with what was announced: thousands who announce 8 KiB and send nothing made the collector
        // copy it all, in pauses of 100 ms.
        byte[] body = new byte[FirstRead];
        int length = 0;
        try
        {
            int read;
            while (length <= mostBytes && (read = await http.Request.Body.ReadAsync(body.AsMemory(length), http.RequestAborted)) > 0)
            {
                length += read;
                if (length == body.Length)
                {
                    Array.Resize(ref body, Math.Min(2 * length, mostBytes + 1));
                }
            }
        }
        catch (IOException fault) when (fault is not BadHttpRequestException)
        {
            throw new ProblemException(400, "bad_request", "The body broke off.");
        }
        if (length > mostBytes)
        {
            throw TooLong(mostBytes);
        }
        if (length == 0)
        {
            throw new ProblemException(400, "bad_request", "A JSON body is needed.");
        }
        try
        {
            return JsonSerializer.Deserialize(body.AsSpan(0, length), type) ?? throw new ProblemException(400, "bad_request", "The body is null.");
        }
        catch (JsonException fault)
        {
            string field = fault.Path is { Length: > 2 } path && path.StartsWith("$.", StringComparison.Ordinal) ? path[2..] : "";
            throw new ProblemException(400, "bad_request",
                field.Length is > 0 and < 100 && !field.AsSpan().ContainsAnyExcept(FieldCharacters) ? $"{field}: not of the right type, or given twice" : "The body is not well-formed JSON.");
        }
    }

    private static ProblemException TooLong(int mostBytes) => new(413, "too_large", $"The body is longer than {mostBytes} bytes.");
}
