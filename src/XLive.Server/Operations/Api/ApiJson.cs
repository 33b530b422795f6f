using System.Text.Json;

namespace XLive.Server.Operations.Api;

/// <summary>An answer of the API: one object, whole, never stored.</summary>
internal static class ApiJson
{
    public static async Task WriteAsync(HttpContext http, Action<Utf8JsonWriter> write)
    {
        using var body = new MemoryStream();
        await using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        http.Response.ContentType = "application/json";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
            await http.Response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length), http.RequestAborted);
    }
}
