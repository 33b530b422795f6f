using System.Text.Json;
using XLive.Server.Access;
using XLive.Server.Ingest.Ladder;
using XLive.Server.Ingest.Pull;
using XLive.Server.Limits;
using XLive.Server.Live;
using XLive.Server.Playback.Forward;
using XLive.Server.Playback.Hls;

namespace XLive.Server.Operations.Api;

/// <summary>The sums of all live streams, each of which is by itself in /streams, and who may publish.</summary>
internal static class LiveStats
{
    public static void Write(Utf8JsonWriter json, IServiceProvider services)
    {
        var live = services.GetRequiredService<LiveStreams>();
        var room = services.GetRequiredService<LiveRoom>();
        var (came, went, skipped) = live.Sums;
        json.WriteStartObject("live");
        json.WriteNumber("streams", live.Count);
        json.WriteNumber("publishers", live.All.Count(static s => s.Publication is not null));
        json.WriteNumber("viewers", live.All.Sum(static s => s.Viewers));
        json.WriteNumber("bytes_in", came);
        json.WriteNumber("bytes_out", went);
        json.WriteNumber("frames_skipped", skipped);
        json.WriteNumber("ended_by_codec", live.EndedByCodec);
        json.WriteNumber("frame_bytes", live.MemoryBytes);
        json.WriteNumber("frame_bytes_limit_each", live.Options.FrameBytes);
        json.WriteNumber("segment_bytes", services.GetRequiredService<HlsStreams>().Bytes);
        json.WriteNumber("segment_bytes_limit_each", live.Options.MemoryPerStream - live.Options.FrameBytes);
        json.WriteNumber("viewers_by_shards", services.GetRequiredService<Shards>().Viewers);
        json.WriteNumber("memory_bytes", live.AllBytes);
        json.WriteNumber("memory_limit", room.MostBytes);
        if (room.WhyFull() is { } why)
            json.WriteString("full", why);
        else
            json.WriteNull("full");
        json.WriteNumber("publishers_refused_full", room.Refused);
        json.WriteNumber("streams_ended_full", room.Cut);
        json.WriteStartArray("pulls");
        foreach (var pull in services.GetRequiredService<Pulls>().All)
        {
            json.WriteStartObject();
            json.WriteString("stream", pull.Entry.Stream);
            json.WriteBoolean("on_demand", pull.Entry.OnDemand);
            json.WriteBoolean("running", pull.IsRunning);
            json.WriteString("trouble", pull.Trouble);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("forwards");
        foreach (var forward in services.GetRequiredService<Forwards>().All)
        {
            json.WriteStartObject();
            json.WriteString("stream", forward.Stream.Name.ToString());
            json.WriteString("host", forward.Host);
            json.WriteBoolean("taken", forward.IsTaken);
            json.WriteString("trouble", forward.Trouble);
            json.WriteString("undeclared", forward.Undeclared);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        var ladders = services.GetRequiredService<Ladders>();
        json.WriteStartArray("ladders");
        foreach (var encoder in ladders.All)
        {
            json.WriteStartObject();
            json.WriteString("stream", encoder.Stream.Name.ToString());
            json.WriteStartArray("renditions");
            foreach (var rung in encoder.Rungs)
                json.WriteStringValue(rung.Name);
            json.WriteEndArray();
            json.WriteBoolean("running", encoder.IsRunning);
            json.WriteNumber("frames_skipped", encoder.Skipped);
            json.WriteString("trouble", encoder.Trouble);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNumber("ladders_limit", Ladders.Most);
        json.WriteNumber("ladders_waiting", ladders.Waiting);
        json.WriteEndObject();

        json.WriteStartObject("limits");
        Write(json, "publishes", services.GetRequiredService<PublishGate>().Limits);
        Write(json, "requests", services.GetRequiredService<RequestLimits>().Limiter);
        var connections = services.GetRequiredService<ConnectionLimits>();
        Write(json, "connections", connections.Refused, connections.Limiter.Keys, RateLimiter.MostKeys);
        json.WriteNumber("connection_places", connections.Keys);
        json.WriteNumber("paces", services.GetRequiredService<ByteLimits>().Keys);
        json.WriteNumber("pace_limit", ByteLimits.MostKeys);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, RateLimiter limits) => Write(json, name, limits.Refused, limits.Keys, RateLimiter.MostKeys);

    private static void Write(Utf8JsonWriter json, string name, long refused, int keys, int most)
    {
        json.WriteStartObject(name);
        json.WriteNumber("refused", refused);
        json.WriteNumber("keys", keys);
        json.WriteNumber("key_limit", most);
        json.WriteEndObject();
    }
}
