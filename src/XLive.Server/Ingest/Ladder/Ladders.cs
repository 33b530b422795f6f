using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Live;
using XLive.Server.Rtmp;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Ingest.Ladder;

/// <summary>live.ladder: a look once a second at which streams are to have smaller renditions, and which no longer.</summary>
internal sealed partial class Ladders(
    LiveStreams streams, OwnPublishers own, ServerSettings settings, Supervisor supervisor, TimeProvider clock, ILogger<Ladders> log) : IHostedService, IDisposable
{
    /// <summary>Of who publishes what was encoded here: of that no smaller one is made.</summary>
    public const string Holder = "ladder ";

    // One takes a processor or more, and viewers need the rest.
    internal static readonly int Most = Math.Max(1, Environment.ProcessorCount);

    private readonly Lock _gate = new();
    private readonly Dictionary<LiveStream, Encoder> _encoders = [];
    private IReadOnlyList<LadderEntry> _entries = [];
    private List<(LadderEntry Entry, PathPattern Pattern)> _patterns = [];
    private SupervisedLoop? _looks;
    private long _begun;

    public OwnPublishers Own => own;
    public Supervisor Supervisor => supervisor;
    public TimeProvider Clock => clock;

    /// <summary>Found in PATH.</summary>
    public string Program { get; internal set; } = "ffmpeg";

    /// <summary>Of this server's own RTMP port.</summary>
    public string Address
    {
        get
        {
            var host = settings.Of<DoorOptions>().Host;
            var name = host is "*" or "localhost" or "0.0.0.0" or "::" ? "127.0.0.1" : host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host;
            return $"{name}:{settings.Of<RtmpOptions>().Port}";
        }
    }

    public IReadOnlyList<Encoder> All
    {
        get
        {
            lock (_gate)
                return [.. _encoders.Values];
        }
    }

    /// <summary>Times that an ffmpeg was started.</summary>
    public long Begun => Volatile.Read(ref _begun);

    /// <summary>Streams that have none because as many as may run do.</summary>
    public int Waiting { get; private set; }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _looks = supervisor.Every("ladders", TimeSpan.FromSeconds(1), Look);
        return Task.CompletedTask;
    }

    private void Look()
    {
        lock (_gate)
        {
            var entries = settings.Of<LadderOptions>().Rungs;
            if (!ReferenceEquals(entries, _entries))
            {
                _patterns = [.. entries.Select(static e => (e, new PathPattern("/" + e.Stream)))];
                _entries = entries;
            }
            foreach (var (stream, encoder) in _encoders)
            {
                if (encoder.Ended.IsCompleted)
                    _encoders.Remove(stream);
                else if (!encoder.Rungs.SequenceEqual(RungsOf(stream)))
                    encoder.Stop();
                else
                    encoder.Look();
            }
            Waiting = 0;
            if (_patterns.Count == 0)
                return;
            foreach (var stream in streams.All)
            {
                if (!stream.HasFrames || stream.IsOver || _encoders.ContainsKey(stream) || RungsOf(stream) is not { Count: > 0 } rungs)
                    continue;
                if (_encoders.Count < Most)
                    _encoders[stream] = new Encoder(stream, rungs, this);
                else
                    Waiting++;
            }
        }
    }

    /// <summary>None that is as large as the stream itself: it would cost as much and show no more.</summary>
    private List<LadderEntry> RungsOf(LiveStream stream)
    {
        if (stream.Video is not { } video || stream.Publication?.Publisher.Key.StartsWith(Holder, StringComparison.Ordinal) == true)
            return [];
        var name = "/" + stream.Name;
        return [.. _patterns.Where(p => (p.Entry.Height is not { } height || video.Height == 0 || height < video.Height) && p.Pattern.Matches(name) && p.Entry.NameFor(stream.Name) is not null).Select(static p => p.Entry)];
    }

    public void SaidBegun(StreamName name, int rungs)
    {
        Interlocked.Increment(ref _begun);
        LogBegun(name.ToString(), rungs);
    }

    public void SaidTrouble(StreamName name, string trouble, TimeSpan pause) => LogTrouble(name.ToString(), trouble, pause.TotalSeconds);

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        foreach (var encoder in All)
            encoder.Stop();
        await Task.WhenAll(All.Select(static e => e.Ended)).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose() => _looks?.Dispose();

    [LoggerMessage(LogLevel.Information, "{Stream}: {Rungs} smaller renditions are encoded")]
    private partial void LogBegun(string stream, int rungs);

    [LoggerMessage(LogLevel.Warning, "{Stream} has no smaller renditions: {Trouble}; again in {Seconds:0.0} s")]
    private partial void LogTrouble(string stream, string trouble, double seconds);
}
