using XLive.Server.Access;
using XLive.Server.Live;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Ingest.Pull;

/// <summary>live.pull: makes what the settings name, ends what they name no more, and looks once a second whether anybody still watches.</summary>
internal sealed partial class Pulls(
    LiveStreams streams, LiveRoom room, PublishGate gate, ServerSettings settings, Supervisor supervisor, TimeProvider clock, ILogger<Pulls> log) : IHostedService, IDisposable
{
    public const string PublishedHere = "somebody publishes it here";

    private readonly Lock _gate = new();
    private Dictionary<string, Pull> _all = new(StringComparer.Ordinal);
    private SupervisedLoop? _looks;

    public LiveStreams Streams => streams;
    public Supervisor Supervisor => supervisor;
    public TimeProvider Clock => clock;
    public PullOptions Options => settings.Of<PullOptions>();

    public IReadOnlyCollection<Pull> All => Volatile.Read(ref _all).Values;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        Apply();
        settings.Changed += OnChanged;
        _looks = supervisor.Every("pulls", TimeSpan.FromSeconds(1), Look);
        return Task.CompletedTask;
    }

    private void OnChanged(IReadOnlySet<string> changed)
    {
        if (changed.Contains("live.pull"))
            Apply();
    }

    private void Apply()
    {
        List<Pull> gone = [];
        lock (_gate)
        {
            var all = new Dictionary<string, Pull>(StringComparer.Ordinal);
            foreach (var entry in Options.Pulls)
                all[entry.Stream] = _all.TryGetValue(entry.Stream, out var known) && known.Entry == entry ? known : new Pull(entry, this);
            gone.AddRange(_all.Values.Where(p => !all.ContainsValue(p)));
            Volatile.Write(ref _all, all);
            streams.OnDemand.Replace(all.Where(static p => p.Value.Entry.OnDemand).ToDictionary(static p => p.Key, static IOnDemandStream (p) => p.Value));
        }
        foreach (var pull in gone)
            _ = _all.TryGetValue(pull.Entry.Stream, out var successor) ? pull.HandOverAsync(successor) : pull.StopAsync();
    }

    private void Look()
    {
        foreach (var pull in All)
            pull.Look();
    }

    public bool IsPublishedHere(StreamName name) => streams.TryFind(name, out var stream) && stream.Publication is not null;

    /// <summary>Null: there is room for it.</summary>
    public async ValueTask<string?> WhyNotAsync(StreamName name)
    {
        if (!streams.TryFind(name, out _) && room.WhyFull() is { } full)
            return full;
        return await gate.WhyNoAppAsync(name.App);
    }

    public void SaidBegun(StreamName name, string host) => LogBegun(name.ToString(), host);

    public void SaidLeftOut(StreamName name, string words) => LogLeftOut(name.ToString(), words);

    public void Said(StreamName name, string trouble, TimeSpan pause) => LogTrouble(name.ToString(), trouble, pause.TotalSeconds);

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        settings.Changed -= OnChanged;
        await Task.WhenAll(All.Select(static p => p.StopAsync())).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose() => _looks?.Dispose();

    [LoggerMessage(LogLevel.Warning, "{Stream}: not all of what is fetched is carried: {Words}")]
    private partial void LogLeftOut(string stream, string words);

    [LoggerMessage(LogLevel.Information, "{Stream}: fetched from {Host}")]
    private partial void LogBegun(string stream, string host);

    [LoggerMessage(LogLevel.Warning, "{Stream} is not fetched: {Trouble}; again in {Seconds:0.0} s")]
    private partial void LogTrouble(string stream, string trouble, double seconds);
}
