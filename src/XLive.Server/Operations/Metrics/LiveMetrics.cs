using XLive.Server.Ingest.Ladder;
using XLive.Server.Live;
using XLive.Server.Playback.Hls;
using XLive.Server.Rtmp;

namespace XLive.Server.Operations.Metrics;

/// <summary>Live streams, all together: each by itself is in /streams.</summary>
internal static class LiveMetrics
{
    public static void Write(IMetrics metrics, IServiceProvider services)
    {
        var live = services.GetRequiredService<LiveStreams>();
        var rtmp = services.GetRequiredService<RtmpConnections>();
        var (came, went, skipped) = live.Sums;
        metrics.Gauge("xlive_live_streams", "Live streams, with those whose publisher may come back.", live.Count);
        metrics.Gauge("xlive_live_publishers", "Live streams that somebody publishes now.", live.All.Count(static s => s.Publication is not null));
        metrics.Gauges("xlive_live_viewers", "Viewers who are sent frames as they come, by protocol.", "protocol",
            Enum.GetValues<ViewerKind>().Select(k => (k.Word(), (double)live.All.Sum(s => s.ViewersOf(k)))));
        metrics.Counter("xlive_live_in_bytes_total", "Bytes of frames that publishers sent.", came);
        metrics.Counter("xlive_live_out_bytes_total", "Bytes of live streams that viewers were given, in all forms.", went);
        metrics.Counter("xlive_live_frames_skipped_total", "Frames that viewers missed because they were too late for them.", skipped);
        metrics.Counter("xlive_live_ended_by_codec_total", "Viewers and forwards that were ended because the stream came to be of a codec that they do not take.", live.EndedByCodec);
        metrics.Gauge("xlive_live_frame_bytes", "Memory that frames take.", live.MemoryBytes);
        metrics.Gauge("xlive_live_segment_bytes", "Memory that live segments take.", services.GetRequiredService<HlsStreams>().Bytes);
        metrics.Gauge("xlive_live_blocked_requests", "Requests that wait for a part or a segment of a live stream.", services.GetRequiredService<HlsStreams>().Blocked);
        metrics.Counter("xlive_live_unblocked_total", "Requests that waited for a part or a segment which came.", services.GetRequiredService<CmafAnswers>().Unblocked);
        metrics.Counter("xlive_live_blocked_in_vain_total", "Requests that waited for a part or a segment which did not come in time, or were too many to wait.", services.GetRequiredService<CmafAnswers>().InVain);
        var ladders = services.GetRequiredService<Ladders>();
        metrics.Gauge("xlive_ladder_encoders", "Streams whose smaller renditions are encoded.", ladders.All.Count);
        metrics.Gauge("xlive_ladder_encoders_limit", "As many at most.", Ladders.Most);
        metrics.Gauge("xlive_ladder_waiting", "Streams that have to wait for one of them to end.", ladders.Waiting);
        metrics.Counter("xlive_ladder_begun_total", "Times that an encoder was started.", ladders.Begun);
        metrics.Gauge("xlive_rtmp_connections", "RTMP connections.", rtmp.Open);
        metrics.Counter("xlive_rtmp_refused_total", "Connects, publishes and plays over RTMP that were refused.", rtmp.Refused);
        metrics.Counter("xlive_rtmp_silent_total", "RTMP connections that were ended because nothing came.", rtmp.Silent);
    }
}
