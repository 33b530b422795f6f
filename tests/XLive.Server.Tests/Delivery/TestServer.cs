using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Access;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Playback.Vod.Folder;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Tests.Delivery;

/// <summary>
/// The whole server on a port of its own, with a folder of films that the test fills. Links are signed for everything below /,
/// for what a link covers is the concern of other tests.
/// </summary>
public sealed class TestServer : IAsyncDisposable
{
    public const string Secret = "delivery-tests-secret-0123456789";

    private readonly WebApplication _app;
    private readonly LogFiles _logs;
    private readonly MemoryStream _console;

    private TestServer(string folder, WebApplication app, LogFiles logs, MemoryStream console)
    {
        (Folder, _app, _logs, _console) = (folder, app, logs, console);
        Port = new Uri(Get<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
    }

    /// <summary>Holds media, data and logs; a file written here lies beside the media root.</summary>
    public string Folder { get; }
    public string Media => Path.Combine(Folder, "media");
    public int Port { get; }

    public static Task<TestServer> StartAsync(params string[] settings) => StartAsync(TimeProvider.System, settings);

    public static async Task<TestServer> StartAsync(TimeProvider clock, params string[] settings)
    {
        var folder = Directory.CreateTempSubdirectory("xlive-delivery-").FullName;
        var media = Directory.CreateDirectory(Path.Combine(folder, "media")).FullName;
        var input = new SettingsInput
        {
            // What the test gives comes last and holds.
            Args = ["--server.host=127.0.0.1", "--server.port=0", "--hls.port=0", "--rtmp.port=0", $"--data.dir={folder}/data", $"--log.dir={folder}/logs",
                $"--backend.filesystem.root={media}", $"--access.secret={Secret}", "--server.drain_timeout=0s", .. settings],
            WorkingDirectory = folder,
            SystemFile = Path.Combine(folder, "none.yaml"),
        };
        var loaded = ServerSettings.Load(input);
        var console = new MemoryStream();
        var logs = new LogFiles(loaded.Of<LogOptions>, clock, console);
        var app = Program.Build(loaded, logs, clock);
        app.Services.StartAccounts();
        await app.StartAsync();
        // Tests block on their sockets; that must never happen on a thread that moves the server's.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return new TestServer(folder, app, logs, console);
    }

    public T Get<T>() where T : notnull => _app.Services.GetRequiredService<T>();

    internal FileTable Files => Get<FolderSource>().Table;

    public int ConnectionsOpen => Get<ConnectionCount>().Open;

    public string PathOf(string name) => Path.Combine(Media, name.TrimStart('/'));

    public string Write(string name, ReadOnlySpan<byte> bytes)
    {
        var path = PathOf(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public string Write(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>The query that opens every path.</summary>
    public static string Grant(string uid = "u1", string scope = "/") =>
        SignedUrl.Sign("/", uid, Expires, System.Text.Encoding.UTF8.GetBytes(Secret), scope: scope)[2..];

    /// <summary>The same grant as the first segment of a path, without a slash at its end.</summary>
    public static string Prefix(string uid = "u1", string scope = "/") =>
        SignedUrl.SignAsPrefix("/", uid, Expires, System.Text.Encoding.UTF8.GetBytes(Secret), scope: scope)[..^1];

    private static long Expires => DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds();

    public static string Signed(string target) => target + (target.Contains('?') ? "&" : "?") + Grant();

    /// <param name="receiveBuffer">Bytes of the viewer's receive buffer; 0 leaves the kernel's.</param>
    public RawClient Connect(int receiveBuffer = 0) => new(new IPEndPoint(IPAddress.Loopback, Port), receiveBuffer);

    /// <summary>One request on a connection of its own, with a link that covers it.</summary>
    /// <param name="target">As it goes over the wire, without a grant.</param>
    public Answer Ask(string method, string target, params string[] headers)
    {
        using var client = Connect();
        return client.Ask(method, Signed(target), headers);
    }

    public Answer Fetch(string target, params string[] headers) => Ask("GET", target, headers);

    /// <summary>A further playlist of a session: the same bytes for everyone.</summary>
    public string SessionPathOf(string entry)
    {
        var text = Fetch(entry).Text;
        var start = text.IndexOf("/~s1.", StringComparison.Ordinal);
        Assert.True(start >= 0, "the entry names no session path:\n" + text);
        return text[start..text.IndexOf('/', start + 1)];
    }

    public string Log(string file = "xlive.log")
    {
        _logs.Flush();
        var path = Path.Combine(Folder, "logs", file);
        return File.Exists(path) ? File.ReadAllText(path) : "";
    }

    /// <summary>Descriptors of this process on files below the media root.</summary>
    public int HandlesOpen
    {
        get
        {
            var open = 0;
            foreach (var descriptor in Directory.EnumerateFileSystemEntries("/proc/self/fd"))
            {
                try
                {
                    if (new FileInfo(descriptor).LinkTarget?.StartsWith(Media + "/", StringComparison.Ordinal) == true)
                        open++;
                }
                catch (IOException)
                {
                    // Closed by another test meanwhile.
                }
            }
            return open;
        }
    }

    public async ValueTask DisposeAsync()
    {
        using (var now = new CancellationTokenSource(TimeSpan.FromSeconds(2)))
            await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        _logs.Dispose();
        await _console.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
    }
}
