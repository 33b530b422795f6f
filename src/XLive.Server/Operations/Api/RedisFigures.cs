using System.Globalization;
using System.Text.Json;
using XLive.Server.Sessions.Redis;
using XLive.Server.Storage.Redis;

namespace XLive.Server.Operations.Api;

/// <summary>What /stats says of Redis; nothing where there is none.</summary>
internal static class RedisFigures
{
    public static void Write(Utf8JsonWriter json, IServiceProvider services)
    {
        if (services.GetService<RedisSessionStore>() is not { } store)
            return;
        var client = services.GetRequiredService<RedisClient>();
        var stats = client.Stats;
        json.WriteStartObject("redis");
        json.WriteString("target", client.Target.ToString());
        json.WriteString("state", store.Status.IsDegraded ? "degraded" : "healthy");
        json.WriteString("reason", store.Status.Reason);
        json.WriteNumber("servers", client.ServerCount);
        json.WriteNumber("connected", client.Connected);
        json.WriteNumber("reconnects", stats.Reconnects);
        json.WriteNumber("waiting", client.Waiting);
        json.WriteNumber("waiting_limit", client.MostWaiting);
        json.WriteNumber("latency_ms", Math.Round(store.LatencyMs, 3));
        json.WriteStartObject("answers");
        json.WriteNumber("total", stats.Answers);
        json.WriteNumber("excellent", stats.Excellent);
        json.WriteNumber("good", stats.Good);
        json.WriteNumber("slow", stats.Slow);
        json.WriteEndObject();
        json.WriteStartObject("histogram");
        for (var i = 0; i < stats.Classes.Count; i++)
            json.WriteNumber(i < RedisStats.Bounds.Length ? string.Create(CultureInfo.InvariantCulture, $"below_{RedisStats.Bounds[i]}_ms") : "more", stats.Classes[i]);
        json.WriteEndObject();
        json.WriteStartObject("errors");
        foreach (var (kind, count) in stats.Errors)
            json.WriteNumber(kind, count);
        json.WriteEndObject();
        json.WriteNumber("not_sent", stats.NotSent);
        json.WriteNumber("unanswered_entries", store.Unanswered);
        json.WriteNumber("put_aside", store.Quarantined);
        json.WriteNumber("epoch", store.Epoch);
        json.WriteEndObject();
    }
}
