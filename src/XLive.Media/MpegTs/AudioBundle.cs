using XLive.Media.Codecs;

namespace XLive.Media.MpegTs;

/// <summary>
/// Audio frames that go out in one PES packet: one each would spend a third of a 64 kbit/s stream on headers and stuffing. Their times are put
/// on the samples' own clock: RTMP rounds them to milliseconds, which players hear as gaps and overlaps.
/// </summary>
internal sealed class AudioBundle
{
    // No longer than clocks may be apart: without video they ride on these packets.
    private const long Longest = TsMuxer.LongestGap;

    // As nginx-rtmp's hls_sync: what rounding alone makes.
    private const double Rounding = 2 * Timestamp.PerMillisecond;

    private readonly AdtsHeader? _adts;
    private readonly double _frameTicks;
    private byte[] _bytes = new byte[4096];
    private double _next = double.NaN;

    public AudioBundle(Track track)
    {
        _adts = track.Codec == Codec.Aac ? new AdtsHeader(track.Configuration.Span) : null;
        var samples = track.Codec == Codec.Ac3 ? Ac3Header.SamplesAFrame : Mp3Header.SamplesAFrame(track.SampleRate);
        _frameTicks = _adts?.FrameTicks ?? (double)samples * Timestamp.PerSecond / track.SampleRate;
    }

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);
    public int Length { get; private set; }

    /// <summary>When its first frame is heard.</summary>
    public long Time { get; private set; }

    public bool Holds(int payload) => _adts is null ? payload is > 0 and <= 8192 : _adts.Holds(payload);

    /// <summary>A frame of this time and size goes into the next packet.</summary>
    public bool IsFullBefore(long time, int payload) =>
        Length > 0 && (_next + _frameTicks - Time > Longest || Math.Abs(time - _next) > _frameTicks / 2 || Length + payload > 32 * 1024);

    public void Add(long time, ReadOnlySpan<byte> payload)
    {
        var own = Math.Abs(time - _next) <= (Length > 0 ? _frameTicks / 2 : Rounding) ? _next : time;
        if (Length == 0)
            Time = (long)Math.Round(own);
        _next = own + _frameTicks;

        var header = _adts?.Length ?? 0;
        var whole = Length + header + payload.Length;
        if (whole > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(whole, _bytes.Length * 2));
        _adts?.Write(_bytes.AsSpan(Length), payload.Length);
        payload.CopyTo(_bytes.AsSpan(Length + header));
        Length = whole;
    }

    public void Clear() => Length = 0;
}
