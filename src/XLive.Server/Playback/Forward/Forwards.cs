using XLive.Server.Access;
using XLive.Server.Live;
using XLive.Server.Rtmp;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Playback.Forward;

/// <summary>live.forward: a look once a second at which streams there are, which of them go on to where, and which no longer.</summary>
internal sealed partial class Forwards(
    LiveStreams streams, RelayPath path, ServerSettings settings, Supervisor supervisor, TimeProvider clock, ILogger<Forwards> log) : IHostedService, IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(ForwardEntry Entry, LiveStream Stream), Running> _running = [];
    private IReadOnlyList<ForwardEntry> _entries = [];
    private List<(ForwardEntry Entry, PathPattern Pattern)> _patterns = [];
    private SupervisedLoop? _looks;

    private sealed record Running(Forward Forward, CancellationTokenSource Stop, Task Task);

    public RelayPath Path => path;
    public Supervisor Supervisor => supervisor;
    public TimeProvider Clock => clock;

    public IReadOnlyList<Forward> All
    {
        get
        {
            lock (_gate)
                return [.. _running.Values.Select(static r => r.Forward)];
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _looks = supervisor.Every("forwards", TimeSpan.FromSeconds(1), Look);
        return Task.CompletedTask;
    }

    private void Look()
    {
        lock (_gate)
        {
            var entries = settings.Of<ForwardOptions>().Forwards;
            if (!ReferenceEquals(entries, _entries))
            {
                _patterns = [.. entries.Select(static e => (e, new PathPattern("/" + e.Stream)))];
                _entries = entries;
            }
            foreach (var (key, running) in _running)
            {
                // One that is not wanted, or whose stream is over, says so to its target and ends by itself.
                if (running.Task.IsCompleted)
                    _running.Remove(key);
                else if (!_entries.Contains(key.Entry))
                    running.Stop.Cancel();
            }
            if (_patterns.Count == 0)
                return;
            foreach (var stream in streams.All)
            {
                // What has no frame yet has no tracks to tell of.
                if (!stream.HasFrames || stream.IsOver)
                    continue;
                foreach (var (entry, pattern) in _patterns)
                {
                    if (!_running.ContainsKey((entry, stream)) && pattern.Matches("/" + stream.Name))
                        Begin(entry, stream);
                }
            }
        }
    }

    private void Begin(ForwardEntry entry, LiveStream stream)
    {
        var stop = new CancellationTokenSource();
        var forward = new Forward(entry, stream, this);
        _running[(entry, stream)] = new Running(forward, stop, forward.RunAsync(stop.Token));
    }

    public void SaidBegun(StreamName name, string host, string undeclared)
    {
        if (undeclared.Length == 0)
            LogBegun(name.ToString(), host);
        else
            LogBegunUndeclared(name.ToString(), host, undeclared);
    }

    public void Said(StreamName name, string trouble, TimeSpan pause) => LogTrouble(name.ToString(), trouble, pause.TotalSeconds);

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        Task[] running;
        lock (_gate)
        {
            foreach (var one in _running.Values)
                one.Stop.Cancel();
            running = [.. _running.Values.Select(static r => r.Task)];
        }
        await Task.WhenAll(running).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose() => _looks?.Dispose();

    [LoggerMessage(LogLevel.Information, "{Stream}: forwarded to {Host}")]
    private partial void LogBegun(string stream, string host);

    [LoggerMessage(LogLevel.Warning, "{Stream}: forwarded to {Host}, which named no codecs at connect and may not take {Codec}")]
    private partial void LogBegunUndeclared(string stream, string host, string codec);

    [LoggerMessage(LogLevel.Warning, "{Stream} is not forwarded: {Trouble}; again in {Seconds:0.0} s")]
    private partial void LogTrouble(string stream, string trouble, double seconds);
}
