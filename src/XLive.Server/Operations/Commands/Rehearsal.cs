using System.Net;
using System.Net.Sockets;
using System.Text;
using XLive.Server.Access;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Door.Tls;
using XLive.Server.Settings;
using XLive.Server.Storage;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Commands;

/// <summary>
/// Before a port opens, a second server in this process answers every kind of request once, over a folder of its own that is gone
/// afterwards. From then on nothing is loaded or compiled for the first time. A runtime that is out of descriptors when it loads an
/// assembly remembers the failure for ever: a Kestrel that met its limit cold never served again in 8 of 8 runs, and 3 of them aborted.
///
/// Not requests to the server itself: it may have no film of each kind, its disk may hang, and what it counts, logs and charges must
/// be viewers'.
/// </summary>
internal static class Rehearsal
{
    private const string Secret = "only-for-the-rehearsal-0123456789";
    private const int LargeFile = 200_000; // sent by sendfile(2)

    private static readonly string[] s_films =
        ["/film/small.ts", "/film/large.ts", "/film/enc.key", "/film/index.m3u8", "/film/master.m3u8", "/film/none.ts"];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static async Task RunAsync(ServerSettings own, Func<ServerSettings, LogFiles, TimeProvider, WebApplication> build)
    {
        var folder = Path.Combine(Path.GetFullPath(own.Of<DataOptions>().Dir), ".rehearsal");
        try
        {
            Clear(folder);
            WriteFilms(Path.Combine(folder, "films"));
            await PlayAsync(folder, own.Of<TlsOptions>(), build).WaitAsync(Patience);
        }
        catch (Exception e) when (e is IOException or SocketException or UnauthorizedAccessException or TimeoutException
            or SettingsException or System.Security.Authentication.AuthenticationException)
        {
            // Better a server that is cold than none: it says so, and the first viewers wait a little longer.
            Console.Error.WriteLine("Warning:      the server starts cold: " + e.Message);
        }
        finally
        {
            Clear(folder);
        }
        // The last answer was heard on the thread that reads the sockets' events, which is not for what comes now.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        StartPoolThreads();
    }

    /// <summary>
    /// The pool's threads are all there from the start, and stay (runtimeconfig: ThreadsToKeepAlive). One that is started while there is no
    /// descriptor throws on a thread where nothing catches it, and the process aborts with "Out of memory": measured, 1 flood in 6. So does
    /// the compiler's (runtimeconfig: BackgroundWorkerTimeoutMs), which otherwise goes after 4 s without work.
    /// </summary>
    private static void StartPoolThreads()
    {
        ThreadPool.GetMaxThreads(out _, out var mostIo);
        ThreadPool.GetMinThreads(out var least, out var leastIo);
        var threads = Math.Max(32, 4 * Environment.ProcessorCount);
        ThreadPool.SetMaxThreads(threads, mostIo);
        ThreadPool.SetMinThreads(threads, leastIo);
        var others = threads - 1; // this one is the pool's too
        using var started = new CountdownEvent(others);
        using var go = new ManualResetEventSlim();
        var ended = new Task[others];
        for (var i = 0; i < others; i++)
        {
            ended[i] = Task.Run(() =>
            {
                started.Signal();
                go.Wait(Patience);
            });
        }
        started.Wait(Patience);
        go.Set();
        Task.WaitAll(ended);
        ThreadPool.SetMinThreads(least, leastIo);
    }

    private static async Task PlayAsync(string folder, TlsOptions own, Func<ServerSettings, LogFiles, TimeProvider, WebApplication> build)
    {
        var tlsPort = own.Port == 0 ? 0 : RehearsalVisitor.FreePort();
        string[] tls = tlsPort == 0 ? [] : [$"--tls.port={tlsPort}", $"--tls.certificate={Path.GetFullPath(own.Certificate!)}",
            .. own.Key is { } key ? [$"--tls.key={Path.GetFullPath(key)}"] : (string[])[]];
        // A file, so that what reads it is loaded: the compiler met it first when it looked at the watch of the settings, out of descriptors.
        var file = Path.Combine(folder, "conf.yaml");
        File.WriteAllText(file, "log:\n  level: info\n");
        var settings = ServerSettings.Load(new SettingsInput
        {
            Args =
            [
                .. tls,
                "--server.host=127.0.0.1", "--server.port=0", "--hls.port=0", "--rtmp.port=0", $"--data.dir={folder}", $"--log.dir={folder}/logs",
                $"--backend.filesystem.root={folder}/films", $"--access.secret={Secret}", "--server.drain_timeout=0s",
            ],
            WorkingDirectory = folder,
            SystemFile = file,
        });
        using var logs = new LogFiles(settings.Of<LogOptions>, TimeProvider.System, Stream.Null);
        await using var app = build(settings, logs, TimeProvider.System);
        app.Services.StartAccounts();
        await app.StartAsync();
        var visitor = new RehearsalVisitor(new Uri(app.Urls.First()).Port);
        // Half of the time is one password's hash, on a core of its own.
        var login = visitor.PostAsync("/login", """{"username":"admin","password":"not this one"}""");
        await FilmsAsync(visitor);
        await RoutesAsync(visitor, app);
        await login;
        if (tlsPort != 0)
            await new RehearsalTls(tlsPort).AskAsync([.. s_films.Select(Link), "/health", "/film/none.ts"]);
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await app.StopAsync(now.Token);
    }

    private static async Task FilmsAsync(RehearsalVisitor visitor)
    {
        foreach (var file in s_films)
        {
            var link = Link(file);
            await visitor.AskAsync("GET", link);
            await visitor.AskAsync("GET", link, "Accept-Encoding: gzip");
            await visitor.AskAsync("HEAD", link);
            await visitor.AskAsync("GET", link, "Range: bytes=5-900");
            await visitor.AskAsync("GET", link, "Range: bytes=0-1,4-5");
            await visitor.AskAsync("GET", link, "Range: bytes=9999999-");
            await visitor.AskAsync("GET", link, "If-None-Match: \"x\", *");
            await visitor.AskAsync("GET", link, "If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT");
        }
        var entry = await visitor.AskAsync("GET", Link("/film/master.m3u8"));
        var start = entry.IndexOf("/~s1.", StringComparison.Ordinal);
        var session = start < 0 ? "/~s1.x.y" : entry[start..entry.IndexOf('/', start + 1)];
        foreach (var file in (string[])["/film/index.m3u8", "/film/small.ts", "/film/large.ts", "/other/x.ts"])
        {
            await visitor.AskAsync("GET", session + file);
            await visitor.AskAsync("GET", session + file, "Accept-Encoding: gzip");
        }
        var key = Encoding.UTF8.GetBytes(Secret);
        await visitor.AskAsync("GET", SignedUrl.SignAsPrefix("/film/small.ts", "u", Expires(1), key));
        await visitor.AskAsync("GET", SignedUrl.Sign("/film/small.ts", "u", Expires(-1), key));
        foreach (var accepted in (string[])["*/*", "text/html"])
        {
            await visitor.AskAsync("GET", SignedUrl.Sign("/watch/live/x", "u", Expires(1), key, scope: "/live/x"), "Accept: " + accepted, "Accept-Encoding: gzip");
            await visitor.AskAsync("GET", "/watch/live/x", "Accept: " + accepted);
        }
        await visitor.AskAsync("GET", "/film/small.ts");
        await visitor.AskAsync("GET", "/film/small.ts?uid=u&expires=1&token=x");
        await visitor.AskAsync("GET", Link("/film/small.ts").Replace("token=", "token=A", StringComparison.Ordinal));
        await visitor.AskAsync("GET", "/~s1.AAAA.BBBB/film/small.ts");
        await visitor.AskAsync("GET", "/film/%2e%2e/x");
        await visitor.AskAsync("GET", Link("/film/a%20%C3%A9.ts"));
        await visitor.AskAsync("OPTIONS", "/film/small.ts", "Origin: http://x", "Access-Control-Request-Method: GET");
        await visitor.AskAsync("OPTIONS", "*");
        await visitor.AskAsync("POST", "/film/small.ts");
        await visitor.SayAsync("GET / HTTP/1.1\n\n");
        await visitor.SayAsync("GET /film/small.ts HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n");
    }

    /// <summary>Every route there is, as a stranger, with a wrong token and as the admin, with a body that is none and one that is empty.</summary>
    private static async Task RoutesAsync(RehearsalVisitor visitor, WebApplication app)
    {
        var link = app.Services.GetRequiredService<Users>().MakeLink(Users.Admin);
        var signedIn = await visitor.PostAsync("/login", $$"""{"once":"{{link[(link.IndexOf("once=", StringComparison.Ordinal) + 5)..]}}"}""");
        var token = RehearsalVisitor.Field(signedIn, "access_token");
        var refresh = RehearsalVisitor.Field(signedIn, "refresh_token");
        string[] whoever = ["X-Nobody: 1", "Authorization: Bearer a.b.c", "Authorization: Bearer " + token];
        foreach (var endpoint in ((IEndpointRouteBuilder)app).DataSources.SelectMany(s => s.Endpoints).OfType<RouteEndpoint>())
        {
            var path = "/" + string.Join('/', endpoint.RoutePattern.PathSegments.Select(s => s.IsSimple && s.Parts[0] is Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart l ? l.Content : "x"));
            var methods = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"];
            // What ends the sign-in comes last.
            if (path == "/logout")
                continue;
            foreach (var who in whoever)
            {
                foreach (var method in methods)
                {
                    if (method is "GET" or "HEAD")
                        await visitor.AskAsync(method, path, who, "Origin: http://x", "Accept-Encoding: gzip");
                    else
                        await visitor.BodyAsync(method, path, "{", who);
                }
            }
            await visitor.AskAsync("TRACE", path);
        }
        await visitor.AskAsync("GET", "/api/v1/none");
        await visitor.AskAsync("GET", "/monitor", "If-None-Match: *");
        await visitor.PostAsync("/refresh", $$"""{"refresh_token":"{{refresh}}"}""");
        await visitor.PostAsync("/login", """{"username":1}""");
        await visitor.PostAsync("/login", "");
        await visitor.BodyAsync("POST", "/logout", "{}", whoever[^1]);
    }

    private static string Link(string path) => SignedUrl.Sign(path, "u", Expires(1), Encoding.UTF8.GetBytes(Secret), scope: "/");

    private static long Expires(int hours) => DateTimeOffset.UtcNow.AddHours(hours).ToUnixTimeSeconds();

    private static void WriteFilms(string root)
    {
        var film = Directory.CreateDirectory(Path.Combine(root, "film")).FullName;
        File.WriteAllBytes(Path.Combine(film, "small.ts"), new byte[1000]);
        File.WriteAllBytes(Path.Combine(film, "large.ts"), new byte[LargeFile]);
        File.WriteAllBytes(Path.Combine(film, "enc.key"), new byte[16]);
        File.WriteAllText(Path.Combine(film, "master.m3u8"), "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\nindex.m3u8\n" + new string('#', 1000) + "\n");
        File.WriteAllText(Path.Combine(film, "index.m3u8"), "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-KEY:METHOD=AES-128,URI=\"enc.key\"\n"
            + string.Concat(Enumerable.Repeat("#EXTINF:4,\nsmall.ts\n", 50)) + "#EXT-X-ENDLIST\n");
    }

    private static void Clear(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not there; or what is left is cleared at the next start.
        }
    }
}
