using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;

namespace XLive.Server.Telemetry;

/// <summary>
/// The framework's log: to xlive.log and the console from log.level on, to error.log from warnings on. What the framework itself
/// says below a warning is never written: it prints requests with their queries, which hold tokens.
/// </summary>
[ProviderAlias("Files")]
public sealed class FileLoggerProvider(LogFiles files) : ILoggerProvider
{
    private readonly ConcurrentDictionary<string, FileLogger> _loggers = new(StringComparer.Ordinal);

    public ILogger CreateLogger(string categoryName) => _loggers.GetOrAdd(categoryName, name => new FileLogger(name, files));

    public void Dispose()
    {
        // The files are owned by whoever made them: they outlive the host, whose last words they take.
    }

    private sealed class FileLogger(string category, LogFiles files) : ILogger
    {
        private const int LineBytes = 16 << 10;
        private const int MessageBytes = 4 << 10;
        private const int StackBytes = 6 << 10;
        private const int DeepestCause = 5;

        // Of Kestrel, when the collector finds a connection that it never ended: counted where it was given up.
        private const string Abandoned = "ApplicationNeverCompleted";

        private readonly string _shortCategory = category[(category.LastIndexOf('.') + 1)..];
        private readonly bool _framework = category.StartsWith("Microsoft.", StringComparison.Ordinal)
            || category.StartsWith("System.", StringComparison.Ordinal);

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None
            && logLevel >= (LogLevel)files.Options.Level
            && (!_framework || logLevel >= LogLevel.Warning);

        [SkipLocalsInit]
        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel) || eventId.Name == Abandoned)
            {
                return;
            }
            string message = formatter(state, exception);
            LogOptions options = files.Options;
            DateTimeOffset now = files.Now;
            Span<byte> memory = stackalloc byte[LineBytes];

            Utf8Line line = new(memory, options.Format == LogFormat.Json);
            if (line.Json)
            {
                Json(ref line, now, logLevel, message, exception);
            }
            else
            {
                line.Time(now);
                Words(ref line, logLevel, category, message, exception);
                Stack(ref line, exception);
            }
            files.Main.Write(line.Written);
            if (logLevel >= LogLevel.Warning)
            {
                files.Errors.Write(line.Written);
            }

            Utf8Line shown = new(memory, json: false);
            shown.Ours(Encoding.ASCII.GetBytes(now.ToLocalTime().ToString("HH:mm:ss", null)));
            Words(ref shown, logLevel, _shortCategory, message, exception);
            if (logLevel >= LogLevel.Error && exception is not null)
            {
                Stack(ref shown, exception);
            }
            files.Console.Write(shown.Written);
        }

        private static void Words(ref Utf8Line line, LogLevel level, string category, string message, Exception? exception)
        {
            line.Ours(level switch
            {
                LogLevel.Trace => " trace   "u8, LogLevel.Debug => " debug   "u8, LogLevel.Information => " info    "u8,
                LogLevel.Warning => " warning "u8, LogLevel.Error => " error   "u8, _ => " fatal   "u8,
            });
            line.Outside(category, 200);
            line.Ours(": "u8);
            Secrets.Prose(ref line, message, MessageBytes);
            int depth = 0;
            for (Exception? e = exception; e is not null && depth < DeepestCause; e = e.InnerException, depth++)
            {
                line.Ours(" <- "u8);
                line.Outside(e.GetType().Name, 100);
                line.Ours(": "u8);
                Secrets.Prose(ref line, e.Message, 500);
            }
            line.Ours("\n"u8);
        }

        // Frames are ours, so they may have lines of their own; an exception's message is not and stands on the first line, escaped.
        private static void Stack(ref Utf8Line line, Exception? exception)
        {
            int left = StackBytes;
            for (Exception? e = exception; e is not null; e = e.InnerException)
            {
                foreach (ReadOnlySpan<char> frame in e.StackTrace.AsSpan().EnumerateLines())
                {
                    if (left < frame.Length + 8)
                    {
                        return;
                    }
                    if (frame.IsEmpty)
                    {
                        continue;
                    }
                    left -= frame.Length + 8;
                    line.Ours("    "u8);
                    line.Outside(frame, frame.Length);
                    line.Ours("\n"u8);
                }
            }
        }

        private void Json(ref Utf8Line line, DateTimeOffset now, LogLevel level, string message, Exception? exception)
        {
            line.Ours("{\"time\":\""u8);
            line.Time(now);
            line.Ours("\",\"level\":\""u8);
            line.Ours(level switch
            {
                LogLevel.Trace => "trace"u8, LogLevel.Debug => "debug"u8, LogLevel.Information => "info"u8,
                LogLevel.Warning => "warning"u8, LogLevel.Error => "error"u8, _ => "fatal"u8,
            });
            line.Ours("\",\"category\":\""u8);
            line.Outside(category, 200);
            line.Ours("\",\"message\":\""u8);
            Secrets.Prose(ref line, message, MessageBytes);
            if (exception is not null)
            {
                line.Ours("\",\"exception\":\""u8);
                Secrets.Prose(ref line, exception.ToString(), StackBytes);
            }
            line.Ours("\"}\n"u8);
        }
    }
}
