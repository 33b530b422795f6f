using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace XLive.Server.Door;

/// <summary>The end that nobody asked for: said, and carried out with a code other than 0, so that a service manager starts the server anew.</summary>
public sealed partial class Lifeline(IHostApplicationLifetime lifetime, ILogger<Lifeline> log)
{
    public const int ExitCode = 4;

    private string? _reason;

    /// <summary>Null as long as the server lives.</summary>
    public string? Reason => Volatile.Read(ref _reason);

    public void Cut(string reason)
    {
        if (Interlocked.CompareExchange(ref _reason, reason, null) is not null)
            return;
        LogEnd(reason);
        lifetime.StopApplication();
    }

    [LoggerMessage(LogLevel.Critical, "{Reason}; the server ends, to be started anew")]
    private partial void LogEnd(string reason);
}
