using System.Globalization;
using System.Security.Cryptography;
using XLive.Media;
using XLive.Media.Hls;
using XLive.Server.Live;
using XLive.Server.Playback.Http;

namespace XLive.Server.Playback.Hls;

/// <summary>
/// A live stream as HLS: /{app}/{stream}.m3u8, and below /{app}/{stream}/{life}/ the playlists and their segments, in one container or in both. The life is
/// new whenever the stream begins anew, so that no cache takes one publish's segment for another's.
/// </summary>
#pragma warning disable CA1001 // its end is Expire, when nobody may ask for its segments any more
internal sealed class HlsStream : IFrameSink
#pragma warning restore CA1001
{
    private readonly LiveStream _stream;
    private readonly LiveOptions _options;
    private readonly EventPlace _place;
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _most;
    private CmafPackager? _cmaf;
    private TransportPackager? _transport;
    private bool _isPlaced;
    private bool _wantsKey;
    private bool _isGone;
    private long _finished;
    private long _finishedAt;
    private int _targetDuration;
    private HeldText? _held;
    private HeldText? _heldWhole;
    private HeldText? _heldTransport;
    private HeldText? _heldMedia;

    private sealed record HeldText(PlaylistForms Forms, HeldPlaylist Playlist);

    /// <param name="clock">Of the event whose rendition it is, or of its own.</param>
    public HlsStream(LiveStream stream, LiveOptions options, EventClock clock)
    {
        (_stream, _options, _place) = (stream, options, clock.Join(stream.Name.ToString()));
        Life = string.Create(CultureInfo.InvariantCulture, $"{stream.Clock.GetUtcNow().ToUnixTimeMilliseconds():x}{RandomNumberGenerator.GetInt32(1 << 24):x6}");
        // A quarter is the viewers' of the frames themselves.
        _most = options.MemoryPerStream / 4 * 3 / (options.Container == Container.Both ? 2 : 1);
        if (options.Container != Container.Ts)
            _cmaf = new CmafPackager(options, clock, _most, BaseUri);
        if (options.Container != Container.Fmp4)
            _transport = new TransportPackager(options, clock, _most, BaseUri);
    }

    public StreamName Name => _stream.Name;

    /// <summary>By which it is cut.</summary>
    public EventClock Clock => _place.Clock;

    /// <summary>Whose is the same, their sources have the same times.</summary>
    public long Base => _place.Base;

    /// <summary>Its publisher has gone, and may come back.</summary>
    public bool IsAway => _stream.Publication is null;

    /// <summary>No frame will come.</summary>
    public bool IsOver => _stream.IsOver;

    /// <summary>Of this beginning of the stream; in the names of all that it consists of.</summary>
    public string Life { get; }

    public string Scope => $"/{Name.App}/{Name.Stream}";

    public CmafPackager? Cmaf => Volatile.Read(ref _cmaf);

    public TransportPackager? Transport => Volatile.Read(ref _transport);

    /// <summary>Of segments, those that are being written too.</summary>
    public long Bytes => (Cmaf?.Bytes ?? 0) + (Transport?.Bytes ?? 0);

    public int Blocked => Cmaf?.Blocked.Count ?? 0;

    /// <summary>In seconds, of its segments; until there is one as long as it may become.</summary>
    public int TargetDuration => Volatile.Read(ref _targetDuration) is var known and > 0 ? known : Math.Max(Segmenter.LongestTarget, (int)Math.Ceiling(_options.SegmentSeconds));

    /// <summary>Since the last segment was finished in this turn of its publisher, or else since the turn began; null while he is away.</summary>
    public TimeSpan? SinceSegment
    {
        get
        {
            if (_stream.Publication is not { } turn)
                return null;
            var (age, since) = (turn.Age, _stream.Clock.GetElapsedTime(Volatile.Read(ref _finishedAt)));
            return since < age ? since : age;
        }
    }

    /// <summary>There is a segment, or there never will be.</summary>
    public Task Ready => _ready.Task;

    private string BaseUri => $"{Name.Stream}/{Life}/";

    /// <summary>What a player is given who asks for nothing else.</summary>
    private IPackager First => _cmaf ?? (IPackager)_transport!;

    /// <param name="isTransport">The player asks for MPEG-TS.</param>
    public bool GivesTransport(bool isTransport) => Cmaf is null || (isTransport && Transport is { HasSegments: true });

    public void Take(in Frame frame, bool discontinuity)
    {
        lock (_gate)
        {
            var now = _stream.Clock.GetUtcNow();
            if (_cmaf is { HasSegments: false } && !_cmaf.Carries(frame.Track))
                FallBack(_cmaf, now);
            if (discontinuity)
            {
                _cmaf?.Break(now);
                _transport?.Break(now);
            }
            if (discontinuity || !_isPlaced)
                _place.Begin(frame.Decoded.Ticks, frame.Decoded.Ticks + (_stream.Publication?.ToSource ?? 0), now, _stream.Publication?.Publisher.MadeOf);
            if (!_isPlaced)
                Volatile.Write(ref _finishedAt, _stream.Clock.GetTimestamp());
            _isPlaced = true;
            var time = _place.Of(frame.Decoded.Ticks, now);
            if (!IsWanted(frame))
                return;
            var placed = new Frame(frame.Track, new Timestamp(time), frame.CompositionOffset, frame.Flags, frame.Payload);
            _cmaf?.Take(placed, now);
            _transport?.Take(placed, now);
            if (First.HasSegments)
                _ready.TrySetResult();
            if (First.FinishedSegments != _finished)
                NoteFinished();
            if (_cmaf is { IsOverfull: true } || _transport is { IsOverfull: true })
                _stream.CutPublisher(PublishEnd.OutOfMemory);
        }
    }

    private void NoteFinished()
    {
        _finished = First.FinishedSegments;
        Volatile.Write(ref _finishedAt, _stream.Clock.GetTimestamp());
        Volatile.Write(ref _targetDuration, First.TargetDuration);
    }

    /// <summary>Not what was told of already; and behind that, from a keyframe on.</summary>
    private bool IsWanted(in Frame frame)
    {
        _wantsKey |= _place.IsBehind;
        if (_wantsKey && !_place.IsBehind && (_stream.Video is null || (frame.Track.Kind == TrackKind.Video && frame.IsKey)))
            _wantsKey = false;
        return !_wantsKey;
    }

    /// <summary>A stream of which MP4 cannot carry all is better whole in MPEG-TS, as long as nobody has seen any of it.</summary>
    private void FallBack(CmafPackager cmaf, DateTimeOffset now)
    {
        Volatile.Write(ref _transport, _transport ?? new TransportPackager(_options, Clock, _most, BaseUri));
        Volatile.Write(ref _cmaf, null);
        cmaf.End(now);
        cmaf.Dispose();
    }

    public void Pause()
    {
        lock (_gate)
        {
            var now = _stream.Clock.GetUtcNow();
            _cmaf?.Break(now);
            _transport?.Break(now);
            _isPlaced = false;
        }
    }

    public void End()
    {
        lock (_gate)
        {
            var now = _stream.Clock.GetUtcNow();
            _cmaf?.End(now);
            _transport?.End(now);
        }
        _ready.TrySetResult();
    }

    /// <summary>Null until there is a segment.</summary>
    public HlsFigures? Figures()
    {
        lock (_gate)
            return First.Figures() is { } figures ? figures with { Bytes = Bytes } : null;
    }

    /// <summary>To a viewer of its segments.</summary>
    public void CountSent(long bytes) => _stream.CountSent(bytes);

    /// <summary>Lets go of what no player may ask for any more. True: that was the last of a stream that is over.</summary>
    /// <param name="isShort">Of one that is over all goes at once.</param>
    public bool Expire(DateTimeOffset now, bool isShort)
    {
        lock (_gate)
        {
            if (_isGone)
                return true;
            _cmaf?.Expire(now);
            _transport?.Expire(now);
            if (!_stream.IsOver || (!isShort && (IsWanted(_cmaf, now) || IsWanted(_transport, now))))
                return false;
            _isGone = true;
            _cmaf?.Dispose();
            _transport?.Dispose();
            Clock.Leave(_place);
            return true;
        }
    }

    private static bool IsWanted(IPackager? packager, DateTimeOffset now) => packager is { HasSegments: true } && now < packager.GoesAt;

    public HeldPlaylist Multivariant(LivePlaylistView view) => Of(ref _heldTransport, view.Multivariant, $"{Scope}.m3u8");

    public HeldPlaylist Media(LivePlaylistView view) => Of(ref _heldMedia, view.Media, $"{Scope}/{Life}/{TransportPackager.MediaName}");

    public HeldPlaylist Multivariant(PlaylistForms forms, bool isWhole) => Of(ref (isWhole ? ref _heldWhole : ref _held), forms, $"{Scope}.m3u8");

    private HeldPlaylist Of(ref HeldText? held, PlaylistForms forms, string path)
    {
        if (Volatile.Read(ref held) is { } known && ReferenceEquals(known.Forms, forms))
            return known.Playlist;
        // Once a segment; where two come at once, twice.
        var playlist = new HeldPlaylist(PlaylistTemplate.Parse(forms.Plain, path, []), forms.Plain.Span, Scope, age: 1);
        Volatile.Write(ref held, new HeldText(forms, playlist));
        return playlist;
    }
}
