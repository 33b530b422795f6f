using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace XLive.Server.Live;

/// <summary>The hub: who publishes puts it in here, who watches finds it here. A name that nobody publishes is nothing in it.</summary>
public sealed partial class LiveStreams(Func<LiveOptions> options, TimeProvider clock, ILogger<LiveStreams> log)
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<StreamName, LiveStream> _streams = new();
    private readonly List<Func<LiveStream, IFrameSink>> _packagers = [];
    private long _endedByCodec;
    private (long In, long Out, long Skipped) _before; // of streams that are gone
    private readonly List<Func<long>> _holders = [];
    private readonly List<Action> _forgetters = [];

    public LiveOptions Options => options();
    public int Count => _streams.Count;

    /// <summary>In no order.</summary>
    public IEnumerable<LiveStream> All => _streams.Select(static s => s.Value);

    internal TimeProvider Clock => clock;
    internal Slabs Slabs { get; } = new();
    internal IReadOnlyList<Func<LiveStream, IFrameSink>> Packagers => _packagers;

    /// <summary>Bytes of memory for frames, in use or kept for the next.</summary>
    public long MemoryBytes => Slabs.Bytes;

    /// <summary>Viewers, forwards among them, whose stream came to be of a codec that they do not take.</summary>
    public long EndedByCodec => Volatile.Read(ref _endedByCodec);

    internal void CountNotTaken() => Interlocked.Increment(ref _endedByCodec);

    /// <summary>Called by whose word it is, and must not make him wait.</summary>
    public Action<LiveEvent>? Happened { get; set; }

    /// <summary>Of all streams that there ever were: bytes of frames that came, bytes that went out, frames that viewers were too late for.</summary>
    public (long In, long Out, long Skipped) Sums
    {
        get
        {
            lock (_gate)
            {
                var sums = _before;
                foreach (var (_, stream) in _streams)
                    sums = Plus(sums, stream.Figures());
                return sums;
            }
        }
    }

    private static (long In, long Out, long Skipped) Plus((long In, long Out, long Skipped) sums, in LiveFigures figures) =>
        (sums.In + figures.BytesIn, sums.Out + figures.BytesOut, sums.Skipped + figures.FramesSkipped);

    /// <summary>With the segments that packagers keep of it, also of streams that are over.</summary>
    public long AllBytes => MemoryBytes + _holders.Sum(static h => h());

    /// <summary>What <see cref="AllBytes"/> will have grown by when each stream's window is full.</summary>
    public long GrowthBytes()
    {
        var (sum, options) = (0L, Options);
        foreach (var (_, stream) in _streams)
            sum += stream.GrowthBytes(options);
        return sum;
    }

    /// <summary>Before the first stream comes: what a packager keeps, and how it lets go of streams that are over, though somebody may still play their end.</summary>
    public void AlsoHolds(Func<long> bytes, Action forgetEnded)
    {
        _holders.Add(bytes);
        _forgetters.Add(forgetEnded);
    }

    /// <summary>Memory is short.</summary>
    internal void ForgetEnded()
    {
        foreach (var forget in _forgetters)
            forget();
    }

    /// <summary>Before the first stream comes: one of these is made for each.</summary>
    public void Package(Func<LiveStream, IFrameSink> packager) => _packagers.Add(packager);

    /// <summary>Names that begin when somebody asks.</summary>
    public OnDemandStreams OnDemand { get; } = new();

    /// <summary>As <see cref="TryFind"/>, but what begins on demand is begun, and waited for.</summary>
    public async ValueTask<LiveStream?> FindAsync(StreamName name)
    {
        if (OnDemand.Find(name) is { } source)
            await source.WantAsync();
        return _streams.GetValueOrDefault(name);
    }

    public bool TryFind(in StreamName name, [NotNullWhen(true)] out LiveStream? stream) => _streams.TryGetValue(name, out stream);

    /// <summary>Begins a publisher's turn, or says why not: in the words of an onStatus, and of the log.</summary>
    /// <param name="takeover">Where it is not live.takeover that decides.</param>
    public Publication? TryPublish(in StreamName name, Publisher publisher, out string refusal, Takeover? takeover = null)
    {
        while (true)
        {
            var stream = Of(name);
            if (stream.TryBegin(publisher, takeover ?? Options.Takeover) is { } turn)
            {
                refusal = "";
                stream.Tell(LiveEventKind.Published, publisher, null);
                return turn;
            }
            if (!stream.IsOver)
            {
                refusal = "already publishing";
                stream.Tell(LiveEventKind.Refused, publisher, null);
                return null;
            }
            // It has just ended and is about to leave its place.
            Remove(stream);
        }
    }

    private LiveStream Of(in StreamName name)
    {
        // Packagers know a stream from its making on: one that is made twice would be known for ever.
        lock (_gate)
        {
            if (_streams.TryGetValue(name, out var stream))
                return stream;
            stream = new LiveStream(this, name);
            _streams[name] = stream;
            Slabs.StreamCame();
            return stream;
        }
    }

    internal void Remove(LiveStream stream)
    {
        lock (_gate)
        {
            if (!_streams.TryRemove(KeyValuePair.Create(stream.Name, stream)))
                return;
            _before = Plus(_before, stream.Figures());
        }
        Slabs.StreamWent();
    }

    internal void PackagerFailed(StreamName name, IFrameSink packager, Exception e) => LogPackager(name.ToString(), packager.GetType().Name, e);

    [LoggerMessage(LogLevel.Error, "{Stream}: {Packager} failed and makes nothing more of this stream; it goes on")]
    private partial void LogPackager(string stream, string packager, Exception e);
}
