using XLive.Server.Settings;

namespace XLive.Server.Live;

public enum Takeover { Reject, Replace }

/// <summary>Of HLS.</summary>
public enum Container { Fmp4, Ts, Both }

public sealed class LiveOptions : ICheckedOptions
{
    [Setting("live.segment_seconds", "a segment ends at the first keyframe after this")]
    public double SegmentSeconds { get; set; } = 4;

    [Setting("live.window", "segments in a playlist")]
    public int Window { get; set; } = 6;

    [Setting("live.container", "HLS in fragmented MP4, in MPEG-TS, or each player as it asks (?container=ts)")]
    public Container Container { get; set; }

    [Setting("live.low_latency", "fragmented MP4 in parts that play before their segment is whole")]
    public bool LowLatency { get; set; } = true;

    [Setting("live.part_ms", "about so long is a part", Least = "100", Most = "5000")]
    public int PartMs { get; set; } = 500;

    [Setting("live.reconnect_grace", "a publisher that comes back in time continues its stream")]
    public TimeSpan ReconnectGrace { get; set; } = TimeSpan.FromSeconds(30);

    [Setting("live.takeover", "a second publisher of a name is refused, or ends the first")]
    public Takeover Takeover { get; set; }

    [Setting("live.gop_cache", "FLV and RTMP viewers start at the last keyframe")]
    public bool GopCache { get; set; } = true;

    [Setting("live.send_batch", "frames of so long leave in one send; without it each of few viewers, each picture of many")]
    public TimeSpan? SendBatch { get; set; }

    [Setting("live.memory_per_stream", "frames and segments held of one stream", Unit = SettingUnit.Bytes)]
    public long MemoryPerStream { get; set; } = 64L << 20;

    /// <summary>A quarter is for frames, in all forms together; the rest for segments.</summary>
    public long FrameBytes => MemoryPerStream / 4;

    public void Check(Action<string, string> fault)
    {
        if (SegmentSeconds is not (>= 0.5 and <= 60))
            fault("live.segment_seconds", "must be 0.5 to 60");
        if (Window is < 3 or > 10_000)
            fault("live.window", "must be 3 to 10000");
        if (PartMs > SegmentSeconds * 1000)
            fault("live.part_ms", "is longer than a segment (live.segment_seconds)");
        if (ReconnectGrace < TimeSpan.Zero)
            fault("live.reconnect_grace", "must not be negative");
        if (SendBatch is { } batch && (batch < TimeSpan.Zero || batch > TimeSpan.FromSeconds(2)))
            fault("live.send_batch", "must be 0 to 2s");
        if (MemoryPerStream < 1 << 20)
            fault("live.memory_per_stream", "must be at least 1MiB");
    }
}
