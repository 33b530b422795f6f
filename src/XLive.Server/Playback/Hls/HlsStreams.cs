using System.Collections.Concurrent;
using XLive.Media.Hls;
using XLive.Server.Live;

namespace XLive.Server.Playback.Hls;

/// <summary>The HLS of each stream, and of those that ended for as long as somebody may still play their last segments.</summary>
internal sealed class HlsStreams
{
    private readonly ConcurrentDictionary<StreamName, HlsStream> _newest = new();
    private readonly ConcurrentDictionary<(StreamName Name, string Life), HlsStream> _all = new();
    private readonly ConcurrentDictionary<StreamName, HlsEvent> _events = new();
    private readonly ConcurrentDictionary<(StreamName Event, string Life), HlsRendition> _renditions = new();
    private readonly Lock _gate = new(); // over who joins and leaves events
    private readonly TimeProvider _clock;

    public HlsStreams(LiveStreams streams, TimeProvider clock)
    {
        _clock = clock;
        streams.AlsoHolds(() => _all.Sum(static s => s.Value.Bytes), () => Expire(isShort: true));
        streams.Package(stream =>
        {
            var hls = Join(stream, streams.Options);
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

    /// <param name="name">The stream's, or that of the event that it is a rendition of.</param>
    /// <param name="of">Null: it is asked for by itself, or there is no other.</param>
    public HlsStream? Find(in StreamName name, string life, out HlsRendition? of)
    {
        of = _renditions.GetValueOrDefault((name, life));
        if (of is null)
            return _all.GetValueOrDefault((name, life));
        var stream = of.Stream;
        of = of.Event.HasLabels ? of : null;
        return stream;
    }

    /// <summary>Of several streams, under one name. Null: there is at most the stream of that name.</summary>
    public HlsEvent? Event(in StreamName name) => _events.TryGetValue(name, out var found) && found.HasLabels ? found : null;

    /// <summary>"/{app}/{stream}" of the stream whose playlist or segment that is: /{app}/{stream or event}/{life}/{file}. Null: of none.</summary>
    public string? WatchedAt(string path)
    {
        var parts = path.Split('/');
        if (parts.Length != 5)
            return null;
        return _renditions.TryGetValue((new StreamName(parts[1], parts[2]), parts[3]), out var rendition) ? rendition.Stream.Scope : path[..^(parts[3].Length + parts[4].Length + 2)];
    }

    private HlsStream Join(LiveStream stream, LiveOptions options)
    {
        var name = stream.Name.Event ?? stream.Name;
        lock (_gate)
        {
            if (!_events.TryGetValue(name, out var found))
                found = new HlsEvent(name);
            if (!found.HasRoomFor(stream.Name))
                return new HlsStream(stream, options, new EventClock(options.SegmentSeconds));
            var hls = new HlsStream(stream, options, found.Clock ?? new EventClock(options.SegmentSeconds));
            _renditions[(name, hls.Life)] = found.Join(hls);
            _events[name] = found;
            return hls;
        }
    }

    private void Leave(HlsStream hls)
    {
        var name = hls.Name.Event ?? hls.Name;
        lock (_gate)
        {
            if (!_renditions.TryRemove((name, hls.Life), out var rendition))
                return;
            rendition.Event.Leave(hls);
            if (rendition.Event.IsEmpty)
                _events.TryRemove(name, out _);
        }
    }

    /// <summary>Once a second.</summary>
    public void Expire() => Expire(isShort: false);

    /// <param name="isShort">Memory is: of streams that are over nothing is kept, though somebody may still play their last segments.</param>
    private void Expire(bool isShort)
    {
        var now = _clock.GetUtcNow();
        foreach (var (key, hls) in _all)
        {
            if (!hls.Expire(now, isShort) || !_all.TryRemove(key, out _))
                continue;
            _newest.TryRemove(KeyValuePair.Create(key.Name, hls));
            Leave(hls);
        }
    }
}
