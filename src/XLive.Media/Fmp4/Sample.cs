namespace XLive.Media.Fmp4;

/// <summary>A frame as a track run tells it (14496-12 8.8.8); times in the track's time scale.</summary>
internal struct Sample
{
    /// <summary>What one takes beside its payload: its place here, and the boxes where it is a part by itself.</summary>
    public const int Cost = 96;

    public long Decoded;
    public int Duration;
    public int CompositionOffset;
    public int Size;
    public bool IsKey;

    public readonly long End => Decoded + Duration;
}
