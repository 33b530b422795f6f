using System.Collections.Concurrent;
using XLive.Server.Live;
using XLive.Server.Playback.Hls;

namespace XLive.Server.Operations.Health;

/// <summary>
/// Each stream on air: whether segments come of it. A publisher whose frames no segment can hold, a packager that failed and an encoder that
/// trickles look alike from outside, a playlist that stands still; and who is cut for what he takes of memory comes back at once and looks well.
/// </summary>
internal sealed class SegmentsCheck
{
    // RFC 8216 6.2.1 gives a server one and a half target durations for the next segment; players give up at about three.
    private const int MostTargets = 3;

    private const int MostNamed = 5;
    private const int MostCut = 64;

    private static readonly TimeSpan CutIsTold = TimeSpan.FromMinutes(1);

    private readonly LiveStreams _streams;
    private readonly HlsStreams _hls;
    private readonly TimeProvider _clock;
    private readonly ConcurrentDictionary<StreamName, long> _cut = new();

    public SegmentsCheck(LiveStreams streams, HlsStreams hls, TimeProvider clock)
    {
        (_streams, _hls, _clock) = (streams, hls, clock);
        streams.Happened += e =>
        {
            if (e is { Kind: LiveEventKind.Left, Why: PublishEnd.OutOfMemory } && (_cut.Count < MostCut || _cut.ContainsKey(e.Stream)))
                _cut[e.Stream] = clock.GetTimestamp();
        };
    }

    public (HealthState, string) Look()
    {
        var (onAir, troubled) = (0, 0);
        var named = new List<string>();
        foreach (var stream in _streams.All)
        {
            if (stream.Publication is null)
                continue;
            onAir++;
            if (_hls.Newest(stream.Name) is not { SinceSegment: { } since } hls || since < TimeSpan.FromSeconds(MostTargets * hls.TargetDuration))
                continue;
            Name($"{stream.Name} has made no segment for {since.TotalSeconds:0} s, with a target duration of {hls.TargetDuration} s");
        }
        foreach (var (name, at) in _cut)
        {
            if (_clock.GetElapsedTime(at) > CutIsTold)
                _cut.TryRemove(name, out _);
            else
                Name($"{name} was cut: more of it came than live.memory_per_stream holds");
        }
        if (troubled == 0)
            return (HealthState.Healthy, $"{onAir} streams are on air");
        if (troubled > named.Count)
            named.Add($"and {troubled - named.Count} more");
        return (HealthState.Degraded, string.Join("; ", named));

        void Name(string what)
        {
            troubled++;
            if (named.Count < MostNamed)
                named.Add(what);
        }
    }
}
