using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace XLive.Server.Tests.Cache;

/// <summary>What an origin was asked, as it came.</summary>
public sealed record Asked(string Method, string Target, IReadOnlyDictionary<string, string> Headers)
{
    public string Range => Headers.GetValueOrDefault("Range", "");

    /// <summary>All of it, for a look whether something stands in it.</summary>
    public string Text => Method + " " + Target + "\n" + string.Join('\n', Headers.Select(static h => h.Key + ": " + h.Value));
}

/// <summary>An origin that does as the test says, and remembers what it was asked.</summary>
public sealed class ScriptedOrigin : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ScriptedOrigin(WebApplication app)
    {
        _app = app;
        Port = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
    }

    public int Port { get; }
    public ConcurrentQueue<Asked> Requests { get; } = new();
    public Func<HttpContext, Task> Answer { get; set; } = static c => NotFound(c);

    public static async Task<ScriptedOrigin> StartAsync(Func<HttpContext, Task>? answer = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static k => k.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        ScriptedOrigin? origin = null;
        app.Run(async context =>
        {
            var request = context.Request;
            var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
            origin!.Requests.Enqueue(new Asked(request.Method, target,
                request.Headers.ToDictionary(static h => h.Key, static h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
            await origin.Answer(context);
        });
        await app.StartAsync();
        origin = new ScriptedOrigin(app);
        if (answer is not null)
            origin.Answer = answer;
        return origin;
    }

    /// <summary>XLive before it.</summary>
    public Task<Delivery.TestServer> FrontAsync(params string[] settings) => FrontAsync(TimeProvider.System, settings);

    public Task<Delivery.TestServer> FrontAsync(TimeProvider clock, params string[] settings) =>
        Delivery.TestServer.StartAsync(clock, ["--backend.mode=http", "--backend.host=127.0.0.1", $"--backend.port={Port}", .. settings]);

    public static Task NotFound(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return context.Response.WriteAsync("nothing here");
    }

    /// <summary>A file with a strong tag, as nginx would answer: whole, or the one range asked for, if If-Range lets it.</summary>
    public static async Task File(HttpContext context, ReadOnlyMemory<byte> bytes, string tag, string control = "max-age=3600")
    {
        var (request, response) = (context.Request, context.Response);
        response.Headers.ETag = tag;
        response.Headers.AcceptRanges = "bytes";
        if (control.Length > 0)
            response.Headers.CacheControl = control;
        if (request.Headers.IfNoneMatch == tag)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        var (first, last) = (0L, bytes.Length - 1L);
        var range = request.Headers.Range.ToString();
        if (range.Length > 0 && (request.Headers.IfRange.Count == 0 || request.Headers.IfRange == tag))
        {
            var dash = range.IndexOf('-');
            first = long.Parse(range.AsSpan(6, dash - 6), CultureInfo.InvariantCulture);
            if (range.Length > dash + 1)
                last = Math.Min(last, long.Parse(range.AsSpan(dash + 1), CultureInfo.InvariantCulture));
            if (first >= bytes.Length)
            {
                response.StatusCode = StatusCodes.Status416RangeNotSatisfiable;
                response.Headers.ContentRange = $"bytes */{bytes.Length}";
                return;
            }
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers.ContentRange = $"bytes {first}-{last}/{bytes.Length}";
        }
        response.ContentLength = last - first + 1;
        if (!HttpMethods.IsHead(request.Method))
            await response.BodyWriter.WriteAsync(bytes.Slice((int)first, (int)(last - first + 1)), context.RequestAborted);
    }

    public async ValueTask DisposeAsync()
    {
        using (var now = new CancellationTokenSource(TimeSpan.FromSeconds(1)))
            await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }
}
