using XLive.Media.Codecs;
using XLive.Media.Hls;
using XLive.Media.MpegTs;

namespace XLive.Media.Fmp4;

/// <summary>
/// Segments as CMAF (ISO/IEC 23000-19): video and audio demuxed, each with its initialization, its segments of one number, and their parts as soon as they
/// are there. All that a <see cref="Codec"/> is, but MP3; that is refused, with <see cref="Fault"/>.
///
/// A part that was given out never changes, so nothing is while it may still be taken back: before the first segment is whole, for until then the frame
/// rate is not known, and for a second after a discontinuity, for so long another track may show itself.
/// </summary>
public sealed class CmafSegments : ISegmentWriter
{
    private const long HoldBack = Timestamp.PerSecond;

    // Of AAC 6144 bits a channel are the most (14496-3 4.5.3.1), of AC-3 3840 bytes. Opus and FLAC say themselves what they are.
    private const int LongestAudio = 8 * 1024;

    private readonly VideoRendition _video;
    private readonly AudioRendition _audio;
    private Initialization? _videoKnown;
    private Initialization? _audioKnown;
    private Track? _refusedTrack;
    private SegmentOpening _opening;
    private long _offset;
    private bool _isHeld;
    private bool _hasEnded;

    /// <param name="part">Told in their order, before the segment that they are of; video and audio as they come.</param>
    /// <param name="segment">One of each rendition, that of the video first. Whoever is given it holds its buffer.</param>
    public CmafSegments(CmafOptions options, Action<CmafPart> part, Action<CmafSegment> segment)
    {
        Options = options;
        _video = new VideoRendition(this, part, segment);
        _audio = new AudioRendition(this, part, segment);
    }

    /// <summary>The same for ever, and 0 until the first segment is whole.</summary>
    public double PartTargetSeconds => (double)PartTarget / Timestamp.PerSecond;

    /// <summary>Never: a rendition that needs more than its bound has a gap, and goes on with the next segment.</summary>
    public bool IsOverfull => false;

    public int OpenBytes => (int)Math.Min(_video.Cost + _audio.Cost, int.MaxValue);

    public long Refused { get; private set; }

    /// <summary>Segments that had no room.</summary>
    public long Lost { get; private set; }

    /// <summary>Why the last track that was refused cannot be carried.</summary>
    public string Fault { get; private set; } = "";

    public bool IsSeen => _video.IsSeen || _audio.IsSeen;

    internal CmafOptions Options { get; }

    /// <summary>In ticks.</summary>
    internal long PartTarget { get; private set; }

    internal bool MayTell => PartTarget > 0 && !_isHeld;

    public bool Carries(Track track)
    {
        ref var known = ref track.IsVideo ? ref _videoKnown : ref _audioKnown;
        if (known is not null && known.IsOf(track))
            return true;
        if (ReferenceEquals(track, _refusedTrack))
            return false;
        if (Initialization.TryMake(track, out var initialization, out var fault))
        {
            known = initialization;
            return true;
        }
        (_refusedTrack, Fault) = (track, fault);
        return false;
    }

    public bool Takes(in Frame frame)
    {
        var payload = frame.Payload.Span;
        switch (frame.Track.Codec)
        {
            case Codec.H264 or Codec.Hevc:
                return VideoRendition.SizeOf(frame, out var isBroken) > 0 && !isBroken;
            case Codec.Av1:
                var units = new Obus(payload);
                while (units.MoveNext())
                {
                }
                return !payload.IsEmpty && !units.IsBroken;
            case Codec.Vp9:
                return Vp9Header.TryRead(payload, out _, out _);
            case Codec.Opus:
                return OpusConfiguration.SamplesOf(payload) > 0;
            case Codec.Flac:
                return FlacConfiguration.SamplesOf(payload) > 0;
            default:
                return payload.Length is > 0 and <= LongestAudio;
        }
    }

    public void Begin(in SegmentOpening opening)
    {
        _opening = opening;
        _isHeld = opening.IsDiscontinuity;
        // As in the transport stream, so that a player may change between the two; tfdt has no sign.
        if (opening.IsDiscontinuity || !_hasEnded)
            _offset = TsMuxer.Origin + Math.Max(0, -opening.Start);
        _video.Begin(Of(opening.Video, _video), opening);
        _audio.Begin(Of(opening.Audio, _audio), opening);
    }

    public void AddAudio(Track audio) => _audio.Begin(Of(audio, _audio), _opening);

    public void Write(in Frame frame)
    {
        if (frame.Track.IsVideo)
            _video.Write(frame);
        else
            _audio.Write(frame);
        if (!_isHeld || frame.Decoded.Ticks - _opening.Start < HoldBack)
            return;
        _isHeld = false;
        if (!MayTell)
            return;
        _video.Tell();
        _audio.Tell();
    }

    public bool Complete() => !_video.IsEmpty || !_audio.IsEmpty;

    public void End(in SegmentEnding ending)
    {
        _hasEnded = true;
        var end = ending.Opening.Start + ending.Duration;
        _video.End(ending, end);
        _audio.End(ending, end);
    }

    public void Abandon()
    {
        _video.Abandon();
        _audio.Abandon();
    }

    /// <summary>What was given out is its holders'.</summary>
    public void Dispose() => Abandon();

    internal long Place(long ticks) => ticks + _offset;

    internal bool HasRoom(long more) => _video.Cost + _audio.Cost + more <= Options.MostBytes;

    internal void CountRefused() => Refused++;

    internal void CountLost() => Lost++;

    /// <summary>Once, when all of a segment is staged.</summary>
    internal void FindTarget()
    {
        if (PartTarget > 0 || (_video.Initialization is not null && _video.Staged.IsEmpty))
            return;
        var found = Fmp4.PartTarget.Of(_video.Staged, _audio.FrameTicks, Options.PartSeconds * Timestamp.PerSecond);
        PartTarget = Options.Clock?.AgreePartTarget(found) ?? found;
        _video.SetTarget();
        _audio.SetTarget();
    }

    /// <summary>The one that was used before, where it is of the same.</summary>
    private Initialization? Of(Track? track, Rendition rendition)
    {
        if (track is null)
            return null;
        if (rendition.Initialization is { } before && before.IsOf(track))
            return before;
        return Carries(track) ? track.IsVideo ? _videoKnown : _audioKnown : null;
    }
}
