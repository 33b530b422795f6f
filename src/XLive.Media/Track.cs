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
}

/// <summary>
/// What a decoder must know before the first frame. Immutable: parameter sets that change make another track, and whoever compares the
/// tracks of two frames by reference sees the change.
/// </summary>
public sealed class Track
{
    public required TrackKind Kind { get; init; }
    public required Codec Codec { get; init; }

    /// <summary>H.264: the AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1) with NAL lengths of 4 bytes. AAC: the AudioSpecificConfig. MP3: empty.</summary>
    public required ReadOnlyMemory<byte> Configuration { get; init; }

    /// <summary>As the CODECS attribute and MIME types name it (RFC 6381): avc1.64001f, mp4a.40.2.</summary>
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
