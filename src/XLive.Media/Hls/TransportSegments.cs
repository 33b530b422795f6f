using XLive.Media.MpegTs;

namespace XLive.Media.Hls;

/// <summary>Segments as MPEG-TS: both tracks in one, given out when they are whole.</summary>
/// <param name="mostBytes">Of one segment. A publisher who sends more is to be cut.</param>
public sealed class TransportSegments(Action<Segment> finished, int mostBytes = 64 << 20) : ISegmentWriter
{
    private readonly TsMuxer _muxer = new();
    private SegmentBuffer? _buffer;

    public bool IsOverfull => _buffer is { IsOverfull: true };

    public int OpenBytes => _buffer?.Taken ?? 0;

    public long Refused => _muxer.Refused;

    public bool IsSeen => false;

    public bool Carries(Track track) => TsMuxer.Carries(track);

    public bool Takes(in Frame frame) => TsMuxer.IsWhole(frame);

    public void Begin(in SegmentOpening opening)
    {
        _buffer ??= new SegmentBuffer(mostBytes);
        _muxer.Begin(_buffer, opening.Video, opening.Audio, opening.IsDiscontinuity);
    }

    public void AddAudio(Track audio) => _muxer.AddAudio(_buffer!.Written, audio);

    public void Write(in Frame frame) => _muxer.Write(frame);

    public bool Complete()
    {
        _muxer.End();
        return !_muxer.IsEmpty;
    }

    public void End(in SegmentEnding ending)
    {
        var buffer = _buffer!;
        buffer.Seal();
        _buffer = null;
        finished(new Segment
        {
            Buffer = buffer,
            Start = new Timestamp(ending.Opening.Start),
            Duration = ending.Duration,
            ProgramDateTime = ending.Opening.ProgramDateTime,
            IsDiscontinuity = ending.Opening.IsDiscontinuity,
            IsIndependent = ending.IsIndependent,
            Video = ending.Video,
            Audio = ending.Audio,
            VideoFrames = ending.VideoFrames,
        });
    }

    public void Abandon()
    {
        _muxer.Abandon();
        _buffer!.Clear();
    }

    /// <summary>Segments that were given out are their holders'.</summary>
    public void Dispose()
    {
        _buffer?.Release();
        _buffer = null;
    }
}
