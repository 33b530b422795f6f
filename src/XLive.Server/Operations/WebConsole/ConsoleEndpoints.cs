using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;
using XLive.Server.Accounts;

namespace XLive.Server.Operations.WebConsole;

/// <summary>
/// GET /monitor and the files that it names, held in memory. They know nothing: what they show, they ask for as whoever signed in.
/// </summary>
public static class ConsoleEndpoints
{
    private const string Prefix = "console/";
    private const string Page = "console.html";

    // Nothing inline, nothing from elsewhere, in nobody's frame. A form is sent by the script or not at all: a page whose script did not
    // load must not put a password anywhere. Trusted types: text of the server's cannot become markup.
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    private static readonly string[] s_methods = ["GET", "HEAD"];

    public static void MapConsole(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/", s_methods, Home).Public();
        foreach (var name in typeof(ConsoleEndpoints).Assembly.GetManifestResourceNames())
        {
            if (!name.StartsWith(Prefix, StringComparison.Ordinal))
                continue;
            var file = new ConsoleFile(name[Prefix.Length..]);
            routes.MapMethods(file.Name == Page ? "/monitor" : "/monitor/" + file.Name, s_methods, file.AnswerAsync).Public();
        }
    }

    private static Task Home(HttpContext http)
    {
        http.Response.Redirect("/monitor");
        return Task.CompletedTask;
    }

    private sealed class ConsoleFile
    {
        private readonly byte[] _bytes;
        private readonly string _contentType;
        private readonly EntityTagHeaderValue _tag;

        public ConsoleFile(string name)
        {
            Name = name;
            using var stream = typeof(ConsoleEndpoints).Assembly.GetManifestResourceStream(Prefix + name)!;
            _bytes = new byte[stream.Length];
            stream.ReadExactly(_bytes);
            _tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(_bytes).AsSpan(0, 8))}\"");
            _contentType = Path.GetExtension(name) switch
            {
                ".html" => "text/html; charset=utf-8",
                ".css" => "text/css; charset=utf-8",
                ".js" => "text/javascript; charset=utf-8",
                ".svg" => "image/svg+xml",
                var other => throw new InvalidOperationException($"no content type for {other}"),
            };
        }

        public string Name { get; }

        public async Task AnswerAsync(HttpContext http)
        {
            var response = http.Response;
            response.Headers.ContentSecurityPolicy = Policy;
            response.Headers.XContentTypeOptions = "nosniff";
            response.Headers["Referrer-Policy"] = "no-referrer";
            response.Headers["Cross-Origin-Opener-Policy"] = "same-origin";
            response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
            // Asked for again each time: a page and a script of two versions must not meet after an update.
            response.Headers.CacheControl = "no-cache";
            response.GetTypedHeaders().ETag = _tag;
            var known = http.Request.GetTypedHeaders().IfNoneMatch;
            if (known.Any(t => t.Compare(_tag, useStrongComparison: false) || t.Equals(EntityTagHeaderValue.Any)))
            {
                response.StatusCode = StatusCodes.Status304NotModified;
                return;
            }
            response.ContentType = _contentType;
            response.ContentLength = _bytes.Length;
            if (!HttpMethods.IsHead(http.Request.Method))
                await response.Body.WriteAsync(_bytes, http.RequestAborted);
        }
    }
}
