using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using XLive.Server.Storage.Redis;

namespace XLive.Server.Tests.Redis;

/// <summary>A redis-server of the test's own, on a port that was free, in a folder of its own.</summary>
internal sealed partial class RedisProcess : IDisposable
{
    private const int SigContinue = 18, SigStop = 19;

    private readonly string _program;
    private readonly string[] _options;
    private readonly bool _ownsFolder;
    private Process _process = null!;

    private RedisProcess(string program, string? folder, string[] options)
    {
        _program = program;
        _options = options;
        _ownsFolder = folder is null;
        Folder = folder ?? Directory.CreateTempSubdirectory("xlive-redis-").FullName;
        Port = FreePort.Next();
    }

    public string Folder { get; }
    public int Port { get; }
    public RedisAddress Address => new("127.0.0.1", Port);
    public string Url => $"redis://127.0.0.1:{Port}";

    /// <summary>For redis-cli: a password, TLS.</summary>
    public string[] CliOptions { get; init; } = [];

    /// <param name="options">As in redis.conf, "maxmemory 5mb".</param>
    public static RedisProcess Start(params string[] options) => Start("redis-server", null, [], options);

    /// <summary>A node of a cluster, alone as yet.</summary>
    public static RedisProcess StartForCluster() => Start("cluster-enabled yes", "cluster-node-timeout 1000", $"cluster-port {FreePort.Next()}", "cluster-config-file nodes-$PORT.conf");

    public static RedisProcess Start(string program, string? folder, string[] cliOptions, params string[] options)
    {
        var redis = new RedisProcess(program, folder, options) { CliOptions = cliOptions };
        redis.Restart();
        return redis;
    }

    /// <summary>Once more on the same port; without what it held, unless it was told to save.</summary>
    public void Restart(bool awaited = true, params string[] more)
    {
        var file = Path.Combine(Folder, $"{Port}.conf");
        var hasPort = _options.Any(o => o.StartsWith("port ", StringComparison.Ordinal));
        var isSentinel = _options.Any(o => o.StartsWith("sentinel ", StringComparison.Ordinal));
        string[] saved = isSentinel ? [] : ["save \"\"", "appendonly no"];
        File.WriteAllLines(file, [hasPort ? "" : $"port {Port}", "bind 127.0.0.1", $"dir {Folder}", "daemonize no", .. saved,
            .. _options.Select(o => o.Replace("$PORT", Port.ToString(), StringComparison.Ordinal)), .. more]);
        _process = QuietProcess.Start(_program, isSentinel ? [file, "--sentinel"] : [file]);
        var until = Stopwatch.StartNew();
        while (awaited && !Cli("PING").StartsWith("PONG", StringComparison.Ordinal))
        {
            Assert.True(until.Elapsed < TimeSpan.FromSeconds(10), "redis-server did not answer");
            Thread.Sleep(20);
        }
    }

    /// <summary>What redis-cli prints.</summary>
    public string Cli(params string[] words)
    {
        using var cli = Process.Start(new ProcessStartInfo("redis-cli", ["-h", "127.0.0.1", "-p", $"{Port}", .. CliOptions, .. words])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var output = cli.StandardOutput.ReadToEnd() + cli.StandardError.ReadToEnd();
        cli.WaitForExit();
        return output.Trim();
    }

    public void Freeze() => Signal(SigStop);

    public void Thaw() => Signal(SigContinue);

    public void Kill()
    {
        QuietProcess.End(_process);
        _process.Dispose();
    }

    private void Signal(int signal) => Assert.Equal(0, Kill(_process.Id, signal));

    public void Dispose()
    {
        try
        {
            if (!_process.HasExited)
                Kill();
        }
        catch (InvalidOperationException)
        {
            // Killed by the test already.
        }
        if (_ownsFolder)
            Directory.Delete(Folder, recursive: true);
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
