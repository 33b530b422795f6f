using System.Collections.Concurrent;
using System.Diagnostics;

namespace XLive.EndToEnd.Harness;

/// <summary>
/// A folder that looks like a fresh checkout in which the server was built: <c>./run</c> and what it needs, without data, films or logs.
/// The commands of a newcomer are run in it as they stand.
/// </summary>
public sealed class Checkout : IAsyncDisposable
{
    readonly TempFolder _folder = new();
    readonly int _port = FreePort.Next();
    Process? _server;

    Checkout()
    {
    }

    public string Path => _folder.Path;
    public int Port => _port;

    /// <summary>What the server that runs now has printed.</summary>
    public ConcurrentQueue<string> Output { get; private set; } = new();

    /// <summary>For whoever publishes; 0, and there is none.</summary>
    public int RtmpPort { get; private init; }

    public static async Task<Checkout> Make(bool rtmp = false)
    {
        var checkout = new Checkout { RtmpPort = rtmp ? FreePort.Next() : 0 };
        string[] copied = ["run", "global.json", "conf.yaml", "Directory.Build.props", "Directory.Packages.props", "XLive.slnx"];
        foreach (var file in copied)
        {
            File.Copy(System.IO.Path.Combine(Repository.Root, file), checkout._folder[file]);
        }
        string[] linked = ["src", ".ci", "artifacts"];
        foreach (var folder in linked)
        {
            Directory.CreateSymbolicLink(checkout._folder[folder], System.IO.Path.Combine(Repository.Root, folder));
        }
        // Older than the build, as they are in truth; or ./run would take them for changes.
        (await Tool.Run("touch", ["--no-dereference", "--date=@0", .. copied, .. linked], TimeSpan.FromSeconds(5), checkout.Path)).MustSucceed();
        return checkout;
    }

    /// <summary>A line of shell, with the port that this checkout listens on.</summary>
    public Process Shell(string script)
    {
        var start = new ProcessStartInfo("bash", ["-euc", script])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path,
        };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("XLIVE_", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }
        start.Environment["XLIVE_SERVER_PORT"] = $"{_port}";
        start.Environment["XLIVE_HLS_PORT"] = "0";
        start.Environment["XLIVE_RTMP_PORT"] = $"{RtmpPort}";
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    /// <summary>Runs it to its end and returns what it printed; throws unless it ended with 0.</summary>
    public async Task<string> Run(string script)
    {
        using var process = Shell(script);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (!await Tool.Ends(process, TimeSpan.FromSeconds(60)))
        {
            await Tool.Stop(process, TimeSpan.FromSeconds(5));
        }
        return process.ExitCode == 0 ? await output : throw new InvalidOperationException($"{script}\nended with {process.ExitCode}\n{await output}{await errors}");
    }

    /// <summary>Starts a server and returns how long it took to say that it is ready.</summary>
    public async Task<TimeSpan> Start(string script)
    {
        var began = Stopwatch.StartNew();
        var output = Output = new();
        var ready = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
        _server = Shell("exec " + script);
        _server.OutputDataReceived += (_, line) => Heard(line.Data);
        _server.ErrorDataReceived += (_, line) => Heard(line.Data);
        _server.BeginOutputReadLine();
        _server.BeginErrorReadLine();
        var first = await Task.WhenAny(ready.Task, Task.Delay(TimeSpan.FromSeconds(90)), _server.WaitForExitAsync());
        return first == ready.Task ? await ready.Task : throw new InvalidOperationException($"{script} did not get ready:\n{string.Join('\n', output)}");

        void Heard(string? line)
        {
            output.Enqueue(line ?? "");
            if (line == "XLive is ready")
            {
                ready.TrySetResult(began.Elapsed);
            }
        }
    }

    /// <summary>What the server that runs, and the script that became it, have used of the processors: see proc(5), stat.</summary>
    public TimeSpan CpuTime()
    {
        var stat = File.ReadAllText($"/proc/{_server!.Id}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromSeconds(fields[11..15].Sum(ticks => long.Parse(ticks, System.Globalization.CultureInfo.InvariantCulture)) / 100.0);
    }

    /// <summary>SIGTERM, as an operator would. Null when none ran, or its exit code.</summary>
    public async Task<int?> Stop()
    {
        if (_server is null)
        {
            return null;
        }
        using var server = _server;
        _server = null;
        return await Tool.Stop(server, TimeSpan.FromSeconds(40)) ? server.ExitCode : throw new TimeoutException("SIGTERM did not end the server.");
    }

    public async ValueTask DisposeAsync()
    {
        await Stop();
        foreach (var link in (string[])["src", ".ci", "artifacts"])
        {
            File.Delete(_folder[link]); // the link, whatever a recursive delete would make of it
        }
        _folder.Dispose();
    }
}
