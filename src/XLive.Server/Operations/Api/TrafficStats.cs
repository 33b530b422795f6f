using System.Text.Json;
using XLive.Server.Traffic;

namespace XLive.Server.Operations.Api;

/// <summary>Who is counted where, and how full that is.</summary>
internal static class TrafficStats
{
    public static void Write(Utf8JsonWriter json, IServiceProvider services)
    {
        var meters = services.GetRequiredService<UserMeters>();
        var (bytes, requests) = meters.Total();
        json.WriteStartObject("traffic");
        json.WriteNumber("body_bytes", bytes);
        json.WriteNumber("body_bytes_without_uid", meters.Nobody.Account.Bytes);
        json.WriteNumber("body_bytes_beyond_bound", meters.Overflow.Bytes);
        json.WriteNumber("media_requests", requests);
        json.WriteNumber("users", meters.Count);
        json.WriteNumber("users_most", meters.Most);
        json.WriteNumber("users_in_memory_only", meters.InMemoryOnly);
        if (services.GetService<Ledger>() is { } ledger)
        {
            json.WriteNumber("ledger_failures", ledger.Failures);
            json.WriteNumber("ledger_difference_bytes", ledger.Difference);
            json.WriteBoolean("reports_held", ledger.IsHeld);
        }
        json.WriteEndObject();
    }
}
