namespace XLive.Server.Live;

/// <summary>What a stream does, over the last seconds and in sum.</summary>
/// <param name="BitsIn">Of frames, a second.</param>
/// <param name="BitsOut">To all who watch, a second.</param>
public readonly record struct LiveFigures(
    double BitsIn, double BitsOut, double PicturesPerSecond, long BytesIn, long BytesOut, long FramesSkipped, long FramesRefused, long Discontinuities);
