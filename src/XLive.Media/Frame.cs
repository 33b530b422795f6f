namespace XLive.Media;

[Flags]
public enum FrameFlags : byte
{
    None = 0,

    /// <summary>Decoding can begin here: an IDR, an IRAP of HEVC, a key frame of AV1 or VP9. Of audio, every frame.</summary>
    Key = 1,

    /// <summary>No other frame needs it.</summary>
    Disposable = 2,
}

/// <summary>
/// One access unit. H.264 and HEVC: NAL units, each behind its length in 4 bytes, without parameter sets of its own; AV1: the OBUs of a temporal unit, each with
/// its size, without temporal delimiters; VP9: a frame or a superframe; AAC: one raw frame, without ADTS; Opus: one packet; MP3, FLAC, AC-3 and E-AC-3: one frame with its header.
/// Whose the payload is, and how long it stands, says who hands the frame out.
/// </summary>
public readonly struct Frame(Track track, Timestamp decoded, int compositionOffset, FrameFlags flags, ReadOnlyMemory<byte> payload)
{
    public Track Track { get; } = track;

    /// <summary>Never falls within a track.</summary>
    public Timestamp Decoded { get; } = decoded;

    /// <summary>Ticks from there to when it is shown: more than 0 where B-frames come after it.</summary>
    public int CompositionOffset { get; } = compositionOffset;

    public FrameFlags Flags { get; } = flags;
    public ReadOnlyMemory<byte> Payload { get; } = payload;

    public Timestamp Shown => Decoded + CompositionOffset;
    public bool IsKey => (Flags & FrameFlags.Key) != 0;
}
