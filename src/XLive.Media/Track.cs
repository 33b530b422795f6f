namespace XLive.Media;

public enum TrackKind : byte
{
    Video,
    Audio,
}

public enum Codec : byte
{
    H264,
    Aac,
    Mp3,
    Hevc,
    Av1,
    Vp9,
    Opus,
    Flac,
    Ac3,
    Eac3,
}

/// <summary>
/// What a decoder must know before the first frame. Immutable: parameter sets that change make another track, and whoever compares the
/// tracks of two frames by reference sees the change.
/// </summary>
public sealed class Track
{
    public required TrackKind Kind { get; init; }
    public required Codec Codec { get; init; }

    /// <summary>
    /// H.264 and HEVC: the decoder configuration record (ISO/IEC 14496-15 5.3.3.1, 8.3.3.1) with NAL lengths of 4 bytes. AV1: that of av1C with the sequence header. VP9: the body of vpcC.
    /// AAC: the AudioSpecificConfig. Opus: OpusHead. FLAC: the signature and STREAMINFO. AC-3 and E-AC-3: the body of dac3 or dec3. MP3: empty.
    /// </summary>
    public required ReadOnlyMemory<byte> Configuration { get; init; }

    /// <summary>As the CODECS attribute and MIME types name it (RFC 6381): avc1.64001f, hvc1.1.6.L93.B0, av01.0.04M.08, vp09.00.10.08, mp4a.40.2, Opus.</summary>
    public required string CodecName { get; init; }

    /// <summary>Cropped, and with the sample's aspect ratio: as it is shown.</summary>
    public int Width { get; init; }
    public int Height { get; init; }

    /// <summary>As the parameter sets say; 0: they do not.</summary>
    public double FrameRate { get; init; }

    public int SampleRate { get; init; }
    public int Channels { get; init; }

    public bool IsVideo => Kind == TrackKind.Video;
}
