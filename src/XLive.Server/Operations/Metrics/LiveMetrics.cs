using XLive.Server.Ingest.Ladder;
using XLive.Server.Live;
using XLive.Server.Playback.Hls;
using XLive.Server.Rtmp;

namespace XLive.Server.Operations.Metrics;

/// <summary>Live streams, all together: each by itself is in /streams.</summary>
internal static class LiveMetrics
{
    public static void Write(MetricsText text, IServiceProvider services)
    {
        var live = services.GetRequiredService<LiveStreams>();
        var rtmp = services.GetRequiredService<RtmpConnections>();
        var (came, went, skipped) = live.Sums;
        text.Gauge("xlive_live_streams", "Live streams, with those whose publisher may come back.", live.Count);
        text.Gauge("xlive_live_publishers", "Live streams that somebody publishes now.", live.All.Count(static s => s.Publication is not null));
        text.Gauges("xlive_live_viewers", "Viewers who are sent frames as they come, by protocol.", "protocol",
            Enum.GetValues<ViewerKind>().Select(k => (k.Word(), (double)live.All.Sum(s => s.ViewersOf(k)))));
        text.Counter("xlive_live_in_bytes_total", "Bytes of frames that publishers sent.", came);
        text.Counter("xlive_live_out_bytes_total", "Bytes of live streams that viewers were given, in all forms.", went);
        text.Counter("xlive_live_frames_skipped_total", "Frames that viewers missed because they were too late for them.", skipped);
        text.Counter("xlive_live_ended_by_codec_total", "Viewers and forwards that were ended because the stream came to be of a codec that they do not take.", live.EndedByCodec);
        text.Gauge("xlive_live_frame_bytes", "Memory that frames take.", live.MemoryBytes);
        text.Gauge("xlive_live_segment_bytes", "Memory that live segments take.", services.GetRequiredService<HlsStreams>().Bytes);
        text.Gauge("xlive_live_blocked_requests", "Requests that wait for a part or a segment of a live stream.", services.GetRequiredService<HlsStreams>().Blocked);
        text.Counter("xlive_live_unblocked_total", "Requests that waited for a part or a segment which came.", services.GetRequiredService<CmafAnswers>().Unblocked);
        text.Counter("xlive_live_blocked_in_vain_total", "Requests that waited for a part or a segment which did not come in time, or were too many to wait.", services.GetRequiredService<CmafAnswers>().InVain);
        var ladders = services.GetRequiredService<Ladders>();
        text.Gauge("xlive_ladder_encoders", "Streams whose smaller renditions are encoded.", ladders.All.Count);
        text.Gauge("xlive_ladder_encoders_limit", "As many at most.", Ladders.Most);
        text.Gauge("xlive_ladder_waiting", "Streams that have to wait for one of them to end.", ladders.Waiting);
        text.Counter("xlive_ladder_begun_total", "Times that an encoder was started.", ladders.Begun);
        text.Gauge("xlive_rtmp_connections", "RTMP connections.", rtmp.Open);
        text.Counter("xlive_rtmp_refused_total", "Connects, publishes and plays over RTMP that were refused.", rtmp.Refused);
        text.Counter("xlive_rtmp_silent_total", "RTMP connections that were ended because nothing came.", rtmp.Silent);
    }
}
