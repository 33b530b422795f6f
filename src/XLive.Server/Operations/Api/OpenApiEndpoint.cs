using XLive.Server.Accounts;

namespace XLive.Server.Operations.Api;

/// <summary>
/// GET /api/v1/openapi.json: the file of that name beside this one. It lies in the program itself, is read when somebody asks, and held by
/// nobody. What it says of paths, permissions and answers the tests compare with the routes and with what they answer.
/// </summary>
internal static class OpenApiEndpoint
{
    public const string Resource = "openapi.json";

    private static readonly string[] GetAndHead = [HttpMethods.Get, HttpMethods.Head];

    public static void Map(IEndpointRouteBuilder routes) => routes.MapMethods("/api/v1/openapi.json", GetAndHead, (RequestDelegate)AnswerAsync).Public();

    private static async Task AnswerAsync(HttpContext http)
    {
        await using var file = typeof(OpenApiEndpoint).Assembly.GetManifestResourceStream(Resource)!;
        http.Response.ContentType = "application/json";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.ContentLength = file.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
            await file.CopyToAsync(http.Response.Body, http.RequestAborted);
    }
}
