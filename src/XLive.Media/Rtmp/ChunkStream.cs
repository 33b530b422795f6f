namespace XLive.Media.Rtmp;

/// <summary>What the reader remembers of one chunk stream: its last header, and the message that has begun.</summary>
internal sealed class ChunkStream
{
    // Keyframes come every few seconds, and their buffer is kept for the next: these are a minute of video and audio.
    private const int SmallMessages = 4096;
    private const int Kept = 64 << 10;

    private int _small;

    public RtmpMessageType Type;
    public uint StreamId;
    public int MessageLength;

    /// <summary>Of the message, once its header has been read.</summary>
    public uint Timestamp;

    /// <summary>What a type 3 chunk that begins a message adds: after type 0 that one's own timestamp (5.3.1.2.4).</summary>
    public uint Delta;

    /// <summary>The timestamp field stood behind the header, in four bytes.</summary>
    public bool IsExtended;

    /// <summary>Is there a message of which a part has come?</summary>
    public bool HasBegun;

    public int Arrived;
    public byte[] Buffer = [];

    /// <summary>Gives back a large buffer after messages that all were small.</summary>
    /// <returns>How many bytes less are held.</returns>
    public int Trim()
    {
        if (Buffer.Length <= Kept || Arrived > Buffer.Length / 4)
            _small = 0;
        else if (++_small >= SmallMessages)
            return Release();
        return 0;
    }

    public int Release()
    {
        int held = Buffer.Length;
        Buffer = [];
        _small = 0;
        return held;
    }
}
