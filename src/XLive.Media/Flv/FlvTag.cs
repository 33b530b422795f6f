namespace XLive.Media.Flv;

public enum FlvTagType : byte
{
    Audio = 8,
    Video = 9,
    Script = 18,
}

/// <summary>A tag's body stands until the reader that handed it out reads on.</summary>
public readonly struct FlvTag(FlvTagType type, uint timestamp, ReadOnlyMemory<byte> body)
{
    public FlvTagType Type { get; } = type;

    /// <summary>Milliseconds, modulo 2^32.</summary>
    public uint Timestamp { get; } = timestamp;

    public ReadOnlyMemory<byte> Body { get; } = body;
}
