using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Access;
using XLive.Server.Accounts;
using XLive.Server.Settings;
using XLive.Server.Telemetry;
using XLive.Server.Tests.Telemetry;

namespace XLive.Server.Tests.Gate;

/// <summary>The whole server in this process, on a clock that stands still until the test moves it, over a folder of its own.</summary>
internal sealed class GateServer : IAsyncDisposable
{
    public const string Secret = "gate-tests-secret-0123456789abcdef";
    public const string AdminPassword = "gate-tests-password";

    private readonly bool _ownsFolder;
    private WebApplication _app = null!;
    private LogFiles _logs = null!;

    private GateServer(string folder, bool ownsFolder, StoppedClock clock) => (Folder, _ownsFolder, Clock) = (folder, ownsFolder, clock);

    public string Folder { get; }
    public StoppedClock Clock { get; }
    public MemoryStream Console { get; } = new();
    public ServerSettings Settings { get; private set; } = null!;
    public int Port { get; private set; }
    public IServiceProvider Services => _app.Services;
    public WebApplication App => _app;
    public long Now => Clock.GetUtcNow().ToUnixTimeSeconds();
    public string ConfigFile => Path.Combine(Folder, "conf.yaml");

    /// <param name="access">Lines of the section access, beside the secret.</param>
    /// <param name="rest">Other sections.</param>
    public static async Task<GateServer> StartAsync(string access = "", string rest = "", string? folder = null, StoppedClock? clock = null)
    {
        var server = new GateServer(folder ?? Directory.CreateTempSubdirectory("xlive-gate-").FullName, folder is null, clock ?? new StoppedClock());
        Films.Write(Path.Combine(server.Folder, "media"));
        server.Configure(access, rest);
        server.Settings = ServerSettings.Load(new SettingsInput
        {
            Args =
            [
                "--server.host=127.0.0.1", "--server.port=0", "--hls.port=0", "--rtmp.port=0", $"--data.dir={server.Folder}/data", $"--log.dir={server.Folder}/logs",
                $"--backend.filesystem.root={server.Folder}/media",
            ],
            WorkingDirectory = server.Folder,
            SystemFile = server.Folder + "/none",
        });
        server._logs = new LogFiles(server.Settings.Of<LogOptions>, server.Clock, server.Console);
        server._app = Program.Build(server.Settings, server._logs, server.Clock);
        server._app.Services.StartAccounts();
        await server._app.StartAsync();
        server.Port = new Uri(server._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
        return server;
    }

    /// <summary>Writes the file; a running server is told by <see cref="Reload"/> or finds out itself.</summary>
    public void Configure(string access = "", string rest = "", string? secret = Secret)
    {
        var own = secret is null ? "" : $"  secret: {secret}\n";
        var lines = string.Concat(access.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => "  " + l + "\n"));
        File.WriteAllText(ConfigFile, (own + lines).Length == 0 ? rest : $"access:\n{own}{lines}{rest}\n");
    }

    public void Reload(string access = "", string rest = "", string? secret = Secret)
    {
        Configure(access, rest, secret);
        Assert.Empty(Settings.Reload());
    }

    public string Link(string path, string uid = "u1", long lasts = 3600, string kid = "", string secret = Secret, string? scope = null) =>
        SignedUrl.Sign(path, uid, Now + lasts, Encoding.UTF8.GetBytes(secret), kid, scope);

    public string PathLink(string path, string uid = "u1", long lasts = 3600, string kid = "", string secret = Secret, string? scope = null) =>
        SignedUrl.SignAsPrefix(path, uid, Now + lasts, Encoding.UTF8.GetBytes(secret), kid, scope);

    public Task<Reply> Get(string target, params string[] headers) => Reply.Of(Port, "GET", target, null, headers);

    public Task<Reply> GetFrom(string address, string target, params string[] headers) => Reply.Of(Port, "GET", target, address, headers);

    public Task<Reply> Ask(string method, string target, params string[] headers) => Reply.Of(Port, method, target, null, headers);

    /// <summary>The status, and for a refusal the reason in the body: "403 outside_scope".</summary>
    public async Task<string> Verdict(string target, params string[] headers) => VerdictOf(await Get(target, headers));

    public static string VerdictOf(Reply reply)
    {
        if (reply.Status < 400)
            return reply.Status.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var line = reply.Text.Split('\n')[0];
        return $"{reply.Status} {line[(line.IndexOf(": ", StringComparison.Ordinal) + 2)..]}";
    }

    /// <summary>"/~s1...." of the children that an entry names.</summary>
    public async Task<string> SessionPath(string link, params string[] headers) => SessionPathOf(await Get(link, headers));

    public static string SessionPathOf(Reply entry)
    {
        Assert.Equal(200, entry.Status);
        var at = entry.Text.IndexOf("/~s1.", StringComparison.Ordinal);
        Assert.True(at >= 0, entry.Text);
        return entry.Text[at..entry.Text.IndexOf('/', at + 1)];
    }

    public string[] LogLines(string file)
    {
        _logs.Flush();
        var path = Path.Combine(Folder, "logs", file);
        return File.Exists(path) ? File.ReadAllLines(path) : [];
    }

    /// <summary>A request's line is written after its answer, by the thread that answered: it may be a moment behind who reads it.</summary>
    public async Task<string> AccessLine(Func<string, bool> which)
    {
        for (var until = DateTime.UtcNow.AddSeconds(10); DateTime.UtcNow < until; await Task.Delay(10))
        {
            if (LogLines("access.log").LastOrDefault(which) is { } line)
                return line;
        }
        throw new Xunit.Sdk.XunitException("no such line in access.log:\n" + string.Join('\n', LogLines("access.log")));
    }

    /// <summary>Everything the server has put out: all log files and the console.</summary>
    public string AllOutput()
    {
        _logs.Flush();
        return string.Concat(Directory.GetFiles(Path.Combine(Folder, "logs")).Select(File.ReadAllText)) + Encoding.UTF8.GetString(Console.ToArray());
    }

    public async Task StopAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        _logs.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_ownsFolder)
            Directory.Delete(Folder, recursive: true);
    }
}
