using System.Text;

namespace XLive.Server.Telemetry;

/// <summary>The four files and the console. Disposing writes out what is still in memory.</summary>
public sealed partial class LogFiles : IDisposable
{
    private readonly Func<LogOptions> _options;
    private readonly TimeProvider _clock;

    public LogFiles(Func<LogOptions> options, TimeProvider clock, Stream? console = null)
    {
        _options = options;
        _clock = clock;
        Supervisor = new Supervisor(clock);
        Console = new ConsoleLines(console, Supervisor);
        Main = Open("xlive");
        Errors = Open("error");
        Access = Open("access");
        Audit = Open("audit");
        var log = new FileLoggerProvider(this).CreateLogger(typeof(Supervisor).FullName!);
        Supervisor.OnFailure = (loop, fault) => LogFailure(log, fault, loop.Name);
    }

    public LogOptions Options => _options();

    /// <summary>Made here, for the logs' own threads are the first that need one.</summary>
    public Supervisor Supervisor { get; }

    public ConsoleLines Console { get; }

    public RollingFile Main { get; }

    public RollingFile Errors { get; }

    public RollingFile Access { get; }

    public RollingFile Audit { get; }

    /// <summary>Lines lost by file, for the metrics.</summary>
    public IEnumerable<(string File, long Lines)> Dropped =>
        [("xlive", Main.Dropped), ("error", Errors.Dropped), ("access", Access.Dropped), ("audit", Audit.Dropped), ("console", Console.Dropped)];

    /// <summary>Why the first of those that cannot be written cannot; null while all can.</summary>
    public string? Fault => Main.Fault ?? Errors.Fault ?? Access.Fault ?? Audit.Fault;

    internal DateTimeOffset Now => _clock.GetUtcNow();

    internal TimeProvider Clock => _clock;

    public void Flush()
    {
        Main.Flush();
        Errors.Flush();
        Access.Flush();
        Audit.Flush();
        Console.Flush();
    }

    public void Dispose()
    {
        Main.Dispose();
        Errors.Dispose();
        Access.Dispose();
        Audit.Dispose();
        Console.Dispose();
    }

    private RollingFile Open(string name)
    {
        LogOptions options = _options();
        RollingFile file = new(Path.Combine(options.Dir, $"{name}.log"), options.MaxSize, options.MaxFiles, Trouble, Supervisor);
        file.Touch();
        return file;
    }

    [LoggerMessage(LogLevel.Error, "{Loop} failed and is started again")]
    private static partial void LogFailure(ILogger log, Exception fault, string loop);

    // To the console only: what cannot be written to a file cannot be told to it either.
    private void Trouble(string what) => Console.Write(Encoding.UTF8.GetBytes($"{Now:HH:mm:ss} warning logs: {what}\n"));
}
