using XLive.Media.Codecs;

namespace XLive.Media.Fmp4;

/// <summary>
/// What a rendition's EXT-X-MAP names: the CMAF header of one track (ISO/IEC 23000-19 7.3.1), ftyp and moov. There is no edit list: a live stream has no
/// beginning, its composition offsets are from 0 up, and the first audio frames' priming is as the publisher's times have it, as in the transport stream.
/// </summary>
public sealed class Initialization
{
    public const int TrackId = 1;

    private readonly int _frameDuration;

    private Initialization(Track track, int timeScale, int frameDuration, byte[] bytes) =>
        (Track, TimeScale, _frameDuration, Bytes) = (track, timeScale, frameDuration, bytes);

    public Track Track { get; }

    public TrackKind Kind => Track.Kind;

    /// <summary>As the CODECS attribute has it.</summary>
    public string CodecName => Track.CodecName;

    /// <summary>Video: 90 kHz, in which RTMP's milliseconds are whole. Audio: its sampling rate, in which its frames are.</summary>
    public int TimeScale { get; }

    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Of an audio frame, in the time scale: the same for each, or as it tells itself; 0: it is none.</summary>
    internal int DurationOf(ReadOnlySpan<byte> frame) => Track.Codec switch
    {
        Codec.Opus => OpusConfiguration.SamplesOf(frame),
        Codec.Flac => FlacConfiguration.SamplesOf(frame),
        _ => _frameDuration,
    };

    /// <param name="fault">Why no CMAF track can be made of it.</param>
    public static bool TryMake(Track track, out Initialization? initialization, out string fault)
    {
        initialization = null;
        if (track.IsVideo)
        {
            if (!TryReadPicture(track, out var picture, out fault))
                return false;
            initialization = new(track, Timestamp.PerSecond, 0, MovieHeader.Of(track, Timestamp.PerSecond, picture));
            return true;
        }
        var (rate, frame) = (track.SampleRate, 0);
        switch (track.Codec)
        {
            case Codec.Aac:
                if (!AacParameters.TryRead(track.Configuration.Span, out var sound, out fault))
                    return false;
                // With SBR each frame is twice as many samples of what is heard.
                var times = sound.SampleRate == 2 * sound.CoreRate ? 2 : 1;
                (rate, frame) = (times * sound.CoreRate, times * AacParameters.SamplesAFrame);
                break;
            case Codec.Ac3 or Codec.Eac3:
                frame = Ac3Header.SamplesAFrame;
                break;
            case Codec.Opus or Codec.Flac:
                break;
            default:
                // Chromium's Media Source Extensions refuse MP3 in MP4 ("mp4a.6B", "mp4a.40.34"); in MPEG-TS it plays.
                fault = $"{track.Codec} in MP4: browsers do not play it";
                return false;
        }
        fault = "";
        initialization = new(track, rate, frame, MovieHeader.Of(track, rate, default));
        return true;
    }

    private static bool TryReadPicture(Track track, out SequenceParameters picture, out string fault) => track.Codec switch
    {
        Codec.Hevc => HevcConfiguration.TryReadPicture(track.Configuration.Span, out picture, out fault),
        Codec.Av1 => Av1Configuration.TryReadPicture(track.Configuration.Span, out picture, out fault),
        Codec.Vp9 => Vp9Configuration.TryReadPicture(track, out picture, out fault),
        _ => AvcConfiguration.TryReadParameters(track.Configuration.Span, out picture, out fault),
    };

    /// <summary>A track that was announced again, maybe by another publisher, is the same.</summary>
    internal bool IsOf(Track track) =>
        ReferenceEquals(track, Track) || (track.Codec == Track.Codec && track.Width == Track.Width && track.Height == Track.Height && track.CodecName == Track.CodecName
            && track.Configuration.Span.SequenceEqual(Track.Configuration.Span));
}
