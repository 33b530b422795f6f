using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace XLive.EndToEnd.Harness;

/// <summary>What is unusual about the world that a server is started in: its network namespace, variables of its environment.</summary>
public readonly record struct Surroundings(string? Namespace = null, Dictionary<string, string>? Environment = null, string[]? Within = null);

/// <summary>
/// The built program, started as a user starts it, over folders of its own and on ports that were free. Stopped by SIGTERM,
/// and killed, by its id, if that does not help.
/// </summary>
public sealed class ServerProcess : IAsyncDisposable
{
    public const string Secret = "end-to-end-secret-0123456789abcdef";

    static readonly ConcurrentDictionary<ServerProcess, bool> Running = new();
    readonly TempFolder _folder;
    readonly bool _ownsFolder;
    readonly ConcurrentQueue<string> _lines = new();
    readonly TaskCompletionSource<bool> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    static ServerProcess() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        foreach (var server in Running.Keys)
        {
            Tool.Signal(server.Process, Tool.SigKill);
        }
    };

    ServerProcess(TempFolder folder, bool ownsFolder, IEnumerable<string> options, Surroundings around)
    {
        _folder = folder;
        _ownsFolder = ownsFolder;
        (Port, RtmpPort) = (FreePort.Next(), FreePort.Next());
        // Options given later win, so that a test can set any of these anew.
        // Likewise prlimit, and a shell that joins a control group: the last thing they do.
        string[] within = around.Namespace is null ? around.Within ?? [] : ["ip", "netns", "exec", around.Namespace];
        string[] command = [.. within, Repository.Server];
        // "ip netns exec" becomes the program that it starts, so the process is the server's either way.
        var start = new ProcessStartInfo(command[0], [.. command[1..], $"--server.port={Port}", "--hls.port=0", $"--rtmp.port={RtmpPort}", $"--access.secret={Secret}",
            $"--data.dir={DataFolder}", $"--log.dir={LogFolder}", .. options])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder.Path,
        };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("XLIVE_", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }
        foreach (var (name, value) in around.Environment ?? [])
        {
            start.Environment[name] = value;
        }
        Process = new Process { StartInfo = start };
        Process.OutputDataReceived += (_, line) => Heard(line.Data);
        Process.ErrorDataReceived += (_, line) => Heard(line.Data);
        Process.Start();
        Running[this] = true;
        Process.StandardInput.Close();
        Process.BeginOutputReadLine();
        Process.BeginErrorReadLine();
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false })
        {
            BaseAddress = new Uri($"http://127.0.0.1:{Port}"),
            Timeout = TimeSpan.FromSeconds(30),
        };
    }

    public Process Process { get; }
    public int Port { get; }
    public int RtmpPort { get; }
    public HttpClient Http { get; }
    public string DataFolder => _folder["data"];
    public string LogFolder => _folder["logs"];

    /// <summary>All it has written to standard output and standard error so far.</summary>
    public string Output => string.Join('\n', _lines);

    /// <summary>Starts the server over the media folder and waits until it says that it is ready.</summary>
    public static Task<ServerProcess> Start(string media, params IEnumerable<string> options) => Start(media, null, options);

    /// <summary>The same, in a folder that outlives the server: for tests that start it again.</summary>
    public static async Task<ServerProcess> Start(string media, TempFolder? folder, IEnumerable<string> options, Surroundings around = default)
    {
        var server = new ServerProcess(folder ?? new TempFolder(), folder is null, [$"--backend.filesystem.root={media}", .. options], around);
        var ended = server.Process.WaitForExitAsync();
        var first = await Task.WhenAny(server._ready.Task, ended, Task.Delay(TimeSpan.FromSeconds(30)));
        if (first != server._ready.Task)
        {
            var how = first == ended ? $"ended with {server.Process.ExitCode}" : "did not get ready in 30 s";
            var output = server.Output;
            await server.DisposeAsync();
            throw new InvalidOperationException($"The server {how}:\n{output}");
        }
        return server;
    }

    public string Url(string pathAndQuery) => $"http://127.0.0.1:{Port}{pathAndQuery}";

    /// <summary>A link of this server's key for an hour.</summary>
    public static SignedLink Sign(string path, string uid = "viewer", string? scope = null) =>
        new(path, uid, DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 3600, Secret, Scope: scope);

    /// <summary>Asks it to go, as an operator would. Returns its exit code; throws if it had to be killed.</summary>
    public async Task<int> Stop(TimeSpan? grace = null)
    {
        if (!await Tool.Stop(Process, grace ?? TimeSpan.FromSeconds(40)))
        {
            throw new TimeoutException($"SIGTERM did not end the server:\n{Output}");
        }
        return Process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Tool.Stop(Process, TimeSpan.FromSeconds(10));
        Running.TryRemove(this, out _);
        Process.Dispose();
        if (_ownsFolder)
        {
            _folder.Dispose();
        }
    }

    /// <summary>What it has used of the processors: see proc(5), stat.</summary>
    public TimeSpan CpuTime()
    {
        var stat = File.ReadAllText($"/proc/{Process.Id}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromSeconds(fields[11..13].Sum(ticks => long.Parse(ticks, System.Globalization.CultureInfo.InvariantCulture)) / 100.0);
    }

    /// <summary>Resident bytes.</summary>
    public long Memory()
    {
        var line = File.ReadLines($"/proc/{Process.Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line[6..^2].Trim(), System.Globalization.CultureInfo.InvariantCulture) * 1024;
    }

    void Heard(string? line)
    {
        if (line is null)
        {
            return;
        }
        _lines.Enqueue(line);
        if (line.Trim() == "XLive is ready")
        {
            _ready.TrySetResult(true);
        }
    }
}
