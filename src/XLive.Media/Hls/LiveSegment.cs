using System.Globalization;

namespace XLive.Media.Hls;

/// <summary>A segment with its place in the playlist.</summary>
public sealed class LiveSegment(Segment segment, long number) : WindowEntry(number)
{
    public Segment Segment { get; } = segment;

    public override long Duration => Segment.Duration;
    public override bool IsDiscontinuity => Segment.IsDiscontinuity;
    public override long Length => Segment.Buffer.Length;
    public override long Taken => Segment.Buffer.Taken;
    public override Track? VideoTrack => Segment.Video;
    public override Track? AudioTrack => Segment.Audio;
    public override int VideoFrames => Segment.VideoFrames;

    internal override void Release() => Segment.Buffer.Release();

    public static string NameOf(long number) => string.Create(CultureInfo.InvariantCulture, $"{number}.ts");

    /// <summary>The number in a name, where it is written as <see cref="NameOf"/> writes it.</summary>
    public static bool TryReadName(ReadOnlySpan<char> name, out long number)
    {
        number = 0;
        return name.EndsWith(".ts", StringComparison.Ordinal) && SequenceNumber.TryRead(name[..^3], out number);
    }
}
