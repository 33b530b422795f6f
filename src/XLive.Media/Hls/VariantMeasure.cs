using System.Globalization;
using System.Text;

namespace XLive.Media.Hls;

/// <summary>What the multivariant playlist says of a stream, measured on its segments; from parameter sets where they are right.</summary>
internal sealed class VariantMeasure
{
    // Beyond it the past weighs half: Apple compares with the average of an hour (HLS Authoring Specification 9.15).
    private const long Hour = 3600L * Timestamp.PerSecond;

    // Milliseconds of RTMP blur a measured rate; what is so near to one in use is that.
    private const double Near = 0.002;

    private static ReadOnlySpan<double> CommonRates => [24_000.0 / 1001, 24, 25, 30_000.0 / 1001, 30, 48, 50, 60_000.0 / 1001, 60, 100, 120_000.0 / 1001, 120];

    private Track? _video;
    private Track? _audio;
    private long _bytes;
    private long _ticks;
    private double _rate;

    /// <summary>Bits a second, of the highest run of segments.</summary>
    public long Peak { get; private set; }

    public long Average => _ticks == 0 ? 0 : (long)Math.Ceiling(_bytes * 8.0 * Timestamp.PerSecond / _ticks);

    public Track? Video => _video;
    public string Codecs => string.Join(',', new[] { _video?.CodecName, _audio?.CodecName }.Where(name => name is not null));
    public double FrameRate => _rate;

    /// <summary>EXT-X-STREAM-INF as far as it is measured: without what follows, and the line's end.</summary>
    public void WriteStreamInf(StringBuilder text)
    {
        text.Append(CultureInfo.InvariantCulture, $"#EXT-X-STREAM-INF:BANDWIDTH={Peak},AVERAGE-BANDWIDTH={Average},CODECS=\"{Codecs}\"");
        if (_video is null)
            return;
        text.Append(CultureInfo.InvariantCulture, $",RESOLUTION={_video.Width}x{_video.Height}");
        if (_rate > 0)
            text.Append(CultureInfo.InvariantCulture, $",FRAME-RATE={_rate:F3}");
    }

    /// <param name="listed">The newest last.</param>
    public void Add(IReadOnlyList<WindowEntry> listed, int targetDuration)
    {
        var newest = listed[^1];
        if (!ReferenceEquals(newest.VideoTrack, _video) || !ReferenceEquals(newest.AudioTrack, _audio))
        {
            (_video, _audio, _rate) = (newest.VideoTrack, newest.AudioTrack, 0);
            (Peak, _bytes, _ticks) = (0, 0, 0);
        }
        _bytes += newest.Length;
        _ticks += newest.Duration;
        if (_ticks > Hour)
            (_bytes, _ticks) = (_bytes / 2, _ticks / 2);
        _rate = RateOf(newest, _rate);
        Peak = Math.Max(Math.Max(Peak, HighestRun(listed, targetDuration)), Average);
    }

    /// <summary>Contiguous segments of 0.5 to 1.5 target durations (RFC 8216 4.1), those that end with the newest.</summary>
    private long HighestRun(IReadOnlyList<WindowEntry> listed, int targetDuration)
    {
        var target = (long)targetDuration * Timestamp.PerSecond;
        var (bytes, ticks, highest) = (0L, 0L, 0L);
        for (var i = listed.Count - 1; i >= 0; i--)
        {
            var segment = listed[i];
            if (!ReferenceEquals(segment.VideoTrack, _video) || !ReferenceEquals(segment.AudioTrack, _audio))
                break;
            bytes += segment.Length;
            ticks += segment.Duration;
            if (ticks > target * 3 / 2)
                break;
            if (ticks >= target / 2)
                highest = Math.Max(highest, (long)Math.Ceiling(bytes * 8.0 * Timestamp.PerSecond / ticks));
        }
        return highest;
    }

    /// <summary>The highest that was seen, unless the parameter sets name one that agrees: a time base is often written where a rate should be.</summary>
    private static double RateOf(WindowEntry segment, double before)
    {
        if (segment.VideoTrack is not { } video || segment.VideoFrames < 2)
            return before;
        var measured = segment.VideoFrames * (double)Timestamp.PerSecond / segment.Duration;
        var named = video.FrameRate;
        if (named > 0 && Math.Abs(measured - named) < named / 20)
            return Math.Max(named, before);
        var (nearest, distance) = (measured, double.MaxValue);
        foreach (var rate in CommonRates)
        {
            var away = Math.Abs(measured - rate);
            if (away < Math.Min(distance, rate * Near))
                (nearest, distance) = (rate, away);
        }
        return Math.Max(nearest, before);
    }
}
