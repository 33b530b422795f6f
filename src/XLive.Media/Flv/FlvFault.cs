namespace XLive.Media.Flv;

/// <summary>Why a tag gave no frame: counted by these words.</summary>
public enum FlvFault : byte
{
    None,
    CutShort,
    UnknownCodec,

    /// <summary>Of enhanced RTMP, and of a type that is not carried.</summary>
    UnknownPacket,

    /// <summary>It came before the configuration without which nothing can decode it.</summary>
    NoConfiguration,
    BadConfiguration,
    BadNalLength,

    /// <summary>It is no frame of the codec that it is said to be of.</summary>
    BadFrame,
}

/// <summary>What a tag's body came to.</summary>
public enum FlvContent : byte
{
    /// <summary>Nothing that anybody waits for: an end of sequence, silence, a configuration that was known.</summary>
    Nothing,
    Frame,

    /// <summary>A configuration, new or another.</summary>
    Track,

    /// <summary>The fault says why.</summary>
    Dropped,
}
