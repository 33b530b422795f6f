using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using XLive.Server.Settings;

namespace XLive.Server.Tests.Gate;

/// <summary>The built program as a process of its own, in a folder of its own and with nothing of this machine's environment.</summary>
internal sealed partial class XliveProgram : IAsyncDisposable
{
    public const int SigTerm = 15;

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _ended;

    private XliveProgram(string folder, string[] args, string? input = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "xlive"), args)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder,
        };
        foreach (var name in start.Environment.Keys.Where(n => n.StartsWith("XLIVE_", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        Clock = Stopwatch.StartNew();
        _process = Process.Start(start)!;
        if (input is not null)
            _process.StandardInput.Write(input);
        _process.StandardInput.Close();
        var errors = new StringWriter();
        Errors = () => errors.ToString();
        var output = Task.Run(async () =>
        {
            while (await _process.StandardOutput.ReadLineAsync() is { } line)
            {
                _lines.Enqueue(line);
                if (line == "XLive is ready")
                    _ready.TrySetResult();
            }
        });
        var complaints = Task.Run(async () => errors.Write(await _process.StandardError.ReadToEndAsync()));
        _ended = Task.WhenAll(output, complaints, _process.WaitForExitAsync());
    }

    public Stopwatch Clock { get; }
    public int Port { get; private init; }
    public Func<string> Errors { get; }
    public string[] Lines => [.. _lines];
    public string Output => string.Join('\n', _lines);
    public bool HasEnded => _process.HasExited;

    /// <summary>Starts the server on a free port, and returns when it says that it is ready.</summary>
    public static async Task<XliveProgram> ServeAsync(string folder, params string[] options)
    {
        var port = FreePort.Next();
        var program = new XliveProgram(folder, [$"--server.port={port}", "--hls.port=0", "--rtmp.port=0", $"--backend.filesystem.root={folder}/media", .. options]) { Port = port };
        if (await Task.WhenAny(program._ready.Task, program._ended, Task.Delay(TimeSpan.FromSeconds(60))) != program._ready.Task)
        {
            var said = program.Output + program.Errors();
            await program.DisposeAsync();
            throw new InvalidOperationException("not ready: " + said);
        }
        return program;
    }

    /// <summary>Starts a command that is still to be told something.</summary>
    public static XliveProgram Run(string folder, params string[] args) => new(folder, args);

    public sealed record Result(int Code, string Output, string Errors);

    /// <summary>Runs a command, or a start that is expected to end by itself.</summary>
    public static Task<Result> RunAsync(string folder, params string[] args) => RunWithAsync(folder, "", null, args);

    public static async Task<Result> RunWithAsync(string folder, string input, IReadOnlyDictionary<string, string>? environment, params string[] args)
    {
        await using var program = new XliveProgram(folder, args, input, environment);
        return new Result(await program.ExitAsync(TimeSpan.FromSeconds(60)), program.Output, program.Errors());
    }

    public async Task<int> ExitAsync(TimeSpan patience)
    {
        await _ended.WaitAsync(patience);
        // Its output may have ended last, on the thread that moves all sockets: what a test does next may block.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return _process.ExitCode;
    }

    public void Signal(int signal) => Assert.Equal(0, kill(_process.Id, signal));

    public Task<Reply> Get(string target, params string[] headers) => Reply.Of(Port, "GET", target, null, headers);

    public Task<Reply> Post(string target, string json, params string[] headers) => Reply.Post(Port, target, json, headers);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _ended;
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        _process.Dispose();
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int process, int signal);
}

/// <summary>A folder with films for a program that is started in it.</summary>
internal sealed class ProgramFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("xlive-house-").FullName;

    public ProgramFolder() => Films.Write(System.IO.Path.Combine(Path, "media"));

    public void Write(string name, string text) => File.WriteAllText(System.IO.Path.Combine(Path, name), text);

    /// <summary>As a program that is started in it would read them. A start is half a second of a processor.</summary>
    public ServerSettings Settings(params string[] options) =>
        ServerSettings.Load(new SettingsInput { Args = [$"--data.dir={Path}/data", $"--backend.filesystem.root={Path}/media", .. options], WorkingDirectory = Path, SystemFile = Path + "/none.yaml" });

    public string Read(string name) => File.ReadAllText(System.IO.Path.Combine(Path, name));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>Programs are started one at a time: each takes a core for a moment.</summary>
[CollectionDefinition(Name)]
public sealed class ProgramTests
{
    public const string Name = "programs";
}
