using Microsoft.Extensions.Logging;
using XLive.Server.Operations.Metrics;
using XLive.Server.Telemetry;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Reports;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Metrics;

/// <summary>The sender of figures with no server around it: posts go over real sockets, and time passes when the test says so.</summary>
internal sealed class OtlpHouse : ILogger<OtlpSender>, IAsyncDisposable
{
    private readonly List<string> _log = [];
    private OtlpSender? _sender;
    private double _counted;

    public OtlpHouse()
    {
        Options = new OtlpOptions { Endpoint = Collector.Url };
        Figures = metrics => metrics.Counter("xlive_test_total", "Of the test.", ++_counted);
    }

    public ScriptedReceiver Collector { get; } = new();
    public HandClock Clock { get; } = new();
    public OtlpOptions Options { get; set; }
    public Action<IMetrics> Figures { get; set; }
    public OtlpSender Sender => _sender!;

    public string[] Lines
    {
        get { lock (_log) return [.. _log]; }
    }

    public async Task<OtlpHouse> StartAsync()
    {
        _sender = new OtlpSender(() => Options, m => Figures(m), "1.2.3", "node-1", new Supervisor(TimeProvider.System), Clock, this);
        await _sender.StartAsync(CancellationToken.None);
        return this;
    }

    /// <summary>So many have ended so; gives how long it rests after that.</summary>
    public TimeSpan Rest(OtlpEnd end, int count)
    {
        Until.Equal(count, () => Sender.Count(end), $"posts that are {end}");
        // No post is on its way then, so its time-out is none of these.
        Until.True(() => Clock.Timers.Length == 1, "the pause");
        return Clock.Timers[0];
    }

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_log)
            _log.Add($"{logLevel}: {formatter(state, exception)}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_sender is not null)
        {
            await _sender.StopAsync(new CancellationToken(canceled: true));
            _sender.Dispose();
        }
        Collector.Dispose();
    }
}
