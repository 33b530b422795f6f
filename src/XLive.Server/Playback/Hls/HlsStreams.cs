using System.Collections.Concurrent;
using XLive.Server.Live;

namespace XLive.Server.Playback.Hls;

/// <summary>The HLS of each stream, and of those that ended for as long as somebody may still play their last segments.</summary>
internal sealed class HlsStreams
{
    private readonly ConcurrentDictionary<StreamName, HlsStream> _newest = new();
    private readonly ConcurrentDictionary<(StreamName Name, string Life), HlsStream> _all = new();
    private readonly TimeProvider _clock;

    public HlsStreams(LiveStreams streams, TimeProvider clock)
    {
        _clock = clock;
        streams.AlsoHolds(() => _all.Sum(static s => s.Value.Bytes));
        streams.Package(stream =>
        {
            var hls = new HlsStream(stream, streams.Options);
            _all[(stream.Name, hls.Life)] = hls;
            _newest[stream.Name] = hls;
            return hls;
        });
    }

    public int Count => _all.Count;

    /// <summary>What the segments of all of them take.</summary>
    public long Bytes => _all.Sum(static s => s.Value.Figures()?.Bytes ?? 0);

    /// <summary>Requests that wait for what is not there yet.</summary>
    public int Blocked => _all.Sum(static s => s.Value.Blocked);

    public HlsStream? Newest(in StreamName name) => _newest.GetValueOrDefault(name);

    public HlsStream? Find(in StreamName name, string life) => _all.GetValueOrDefault((name, life));

    /// <summary>Once a second.</summary>
    public void Expire()
    {
        var now = _clock.GetUtcNow();
        foreach (var (key, hls) in _all)
        {
            if (!hls.Expire(now))
                continue;
            _all.TryRemove(key, out _);
            _newest.TryRemove(KeyValuePair.Create(key.Name, hls));
        }
    }
}
