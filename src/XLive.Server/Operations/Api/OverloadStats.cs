using System.Text.Json;
using XLive.Server.Door;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Api;

/// <summary>What /stats says of a server that is full, and of what runs in it beside its requests.</summary>
internal static class OverloadStats
{
    public static void Write(Utf8JsonWriter json, IServiceProvider services)
    {
        var overload = services.GetRequiredService<Overload>();
        var spare = services.GetRequiredService<SpareDescriptors>();
        json.WriteStartObject("overload");
        json.WriteString("load", overload.Load switch { Load.Normal => "normal", Load.Shedding => "shedding", _ => "full" });
        json.WriteNumber("memory_used", overload.Memory.Used);
        json.WriteNumber("memory_limit", overload.Memory.Limit);
        json.WriteNumber("heap_used", overload.Heap.Used);
        json.WriteNumber("heap_limit", overload.Heap.Limit);
        json.WriteNumber("viewers_refused", overload.RefusedViewers);
        json.WriteNumber("viewers_cut", overload.CutViewers);
        json.WriteNumber("connections_refused", overload.RefusedConnections);
        json.WriteNumber("descriptor_limit", services.GetRequiredService<Descriptors>().Limit);
        json.WriteBoolean("descriptors_exhausted", spare.Exhausted);
        json.WriteNumber("connections_turned_away", spare.TurnedAway);
        json.WriteNumber("descriptors_lent", spare.Lent);
        json.WriteEndObject();

        json.WriteStartArray("loops");
        foreach (var loop in services.GetRequiredService<Supervisor>().Loops)
        {
            json.WriteStartObject();
            json.WriteString("name", loop.Name);
            json.WriteNumber("restarts", loop.Restarts);
            json.WriteNumber("seconds_since_beat", Math.Round(loop.SinceBeat.TotalSeconds, 1));
            if (loop.LastFault.Length > 0)
                json.WriteString("last_fault", loop.LastFault);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
