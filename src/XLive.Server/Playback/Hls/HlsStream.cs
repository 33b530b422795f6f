using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using XLive.Media;
using XLive.Media.Hls;
using XLive.Server.Live;
using XLive.Server.Playback.Http;

namespace XLive.Server.Playback.Hls;

/// <summary>
/// A live stream as HLS in MPEG-TS: /{app}/{stream}.m3u8, and below /{app}/{stream}/{life}/ the playlist and its segments. The life is new whenever the
/// stream begins anew, so that no cache takes one publish's segment for another's.
/// </summary>
#pragma warning disable CA1001 // its end is Expire, when nobody may ask for its segments any more
internal sealed class HlsStream : IFrameSink
#pragma warning restore CA1001
{
    public const string MediaName = "index.m3u8";

    private readonly LiveStream _stream;
    private readonly Lock _gate = new();
    private readonly Segmenter _segmenter;
    private readonly LivePlaylist _playlist;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Held? _multivariant;
    private Held? _media;

    private sealed record Held(long Version, HeldPlaylist Playlist);

    public HlsStream(LiveStream stream, LiveOptions options)
    {
        _stream = stream;
        Life = string.Create(CultureInfo.InvariantCulture, $"{stream.Clock.GetUtcNow().ToUnixTimeMilliseconds():x}{RandomNumberGenerator.GetInt32(1 << 24):x6}");
        // A quarter is the viewers' of the frames themselves.
        var most = options.MemoryPerStream / 4 * 3;
        _segmenter = new Segmenter(new SegmenterOptions { SegmentSeconds = options.SegmentSeconds }, new TransportSegments(Finished, (int)Math.Min(most, 1 << 30)));
        _playlist = new LivePlaylist(new LivePlaylistOptions { Window = options.Window, MostBytes = most, MediaUri = $"{stream.Name.Stream}/{Life}/{MediaName}" });
    }

    public StreamName Name => _stream.Name;

    /// <summary>Of this beginning of the stream; in the names of all that it consists of.</summary>
    public string Life { get; }

    public string Scope => $"/{Name.App}/{Name.Stream}";

    /// <summary>Of segments, the one that is being written too.</summary>
    public long Bytes => _playlist.Bytes + _segmenter.OpenBytes;

    /// <summary>Null until there is a segment.</summary>
    public LivePlaylistView? Current => _playlist.Current;

    /// <summary>There is a segment, or there never will be.</summary>
    public Task Ready => _ready.Task;

    public void Take(in Frame frame, bool discontinuity)
    {
        lock (_gate)
        {
            if (discontinuity)
                _segmenter.Break();
            _segmenter.Write(frame, _stream.Clock.GetUtcNow());
            if (_segmenter.IsOverfull || _playlist.IsOverfull)
                _stream.CutPublisher(PublishEnd.OutOfMemory);
        }
    }

    private void Finished(Segment segment)
    {
        _playlist.Add(segment, _segmenter.TargetDuration, _segmenter.IsIndependent, _stream.Clock.GetUtcNow());
        _ready.TrySetResult();
    }

    public void Pause()
    {
        lock (_gate)
            _segmenter.Break();
    }

    public void End()
    {
        lock (_gate)
        {
            _segmenter.Break();
            _playlist.End(_stream.Clock.GetUtcNow());
            _segmenter.Dispose();
        }
        _ready.TrySetResult();
    }

    /// <summary>Null until there is a segment.</summary>
    public HlsFigures? Figures()
    {
        lock (_gate)
        {
            if (_playlist.Current is not { } view)
                return null;
            var listed = new List<double>();
            foreach (var segment in view.Segments)
            {
                if (segment.Number >= view.FirstListed)
                    listed.Add(segment.Segment.Seconds);
            }
            return new HlsFigures(listed, _playlist.Removed, _playlist.Bytes + _segmenter.OpenBytes, view.FirstListed, view.TargetDuration, _segmenter.GopLength, _segmenter.Refused, _segmenter.Warnings);
        }
    }

    /// <summary>To a viewer of its segments.</summary>
    public void CountSent(long bytes) => _stream.CountSent(bytes);

    /// <summary>Lets go of what no player may ask for any more. True: that was the last of a stream that is over.</summary>
    public bool Expire(DateTimeOffset now)
    {
        lock (_gate)
        {
            _playlist.Expire(now);
            if (!_stream.IsOver || (_playlist.Current is not null && now < _playlist.GoesAt))
                return false;
            _playlist.Dispose();
            return true;
        }
    }

    public HeldPlaylist Multivariant(LivePlaylistView view) => Of(ref _multivariant, view, view.Multivariant, $"{Scope}.m3u8");

    public HeldPlaylist Media(LivePlaylistView view) => Of(ref _media, view, view.Media, $"{Scope}/{Life}/{MediaName}");

    private HeldPlaylist Of(ref Held? held, LivePlaylistView view, PlaylistForms forms, string path)
    {
        if (Volatile.Read(ref held) is { } known && known.Version == view.Version)
            return known.Playlist;
        // Once a segment; where two come at once, twice.
        var playlist = new HeldPlaylist(PlaylistTemplate.Parse(forms.Plain, path, []), forms.Plain.Span, Scope, age: 1);
        Volatile.Write(ref held, new Held(view.Version, playlist));
        return playlist;
    }
}
