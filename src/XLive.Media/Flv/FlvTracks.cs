namespace XLive.Media.Flv;

/// <summary>Of which tracks a message of video is (Enhanced RTMP v2, multitrack).</summary>
public static class FlvTracks
{
    private const int EnhancedBit = 0x80;
    private const int Multitrack = 6;
    private const int Modifier = 7;

    /// <summary>A bit for each id; the last one for those from 63 on. What says nothing of tracks is of the first, 0, and so is what cannot be read.</summary>
    public static ulong OfVideo(ReadOnlyMemory<byte> body)
    {
        var head = body.Span;
        if (head.IsEmpty || (head[0] & EnhancedBit) == 0 || (head[0] & 0x0F) is not (Multitrack or Modifier))
            return 1;
        return ExTag.TryRead(body, isVideo: true, track: 0, out var tag, out _) ? tag.Tracks : 1;
    }
}
