using System.Text.Json;
using XLive.Server.Access;
using XLive.Server.Sessions;

namespace XLive.Server.Operations.Api;

/// <summary>What /stats says of the viewers and of the store that remembers them.</summary>
internal static class SessionStats
{
    public static void Write(Utf8JsonWriter json, IServiceProvider services)
    {
        var sessions = services.GetRequiredService<SessionTable>();
        var counts = sessions.Counts;
        json.WriteStartObject("sessions");
        json.WriteNumber("known", sessions.Count);
        json.WriteNumber("limit", SessionTable.Most);
        json.WriteNumber("users_counted", sessions.UsersCounted);
        json.WriteNumber("opened", counts.AllOpened);
        json.WriteNumber("reused", counts.AllReused);
        json.WriteNumber("opened_per_second", Math.Round(counts.OpenedPerSecond, 2));
        json.WriteNumber("reused_per_second", Math.Round(counts.ReusedPerSecond, 2));
        json.WriteNumber("refused_device_limit", counts.AllRefusedDevices);
        json.WriteNumber("refused_revoked", counts.AllRefusedRevoked);
        json.WriteNumber("devices_replaced", counts.AllReplaced);
        json.WriteNumber("revocations", sessions.Revocations.Count);
        json.WriteNumber("revocation_limit", Revocations.Most);
        json.WriteNumber("paths_remembered", sessions.PathsKnown);
        json.WriteNumber("grants_remembered", services.GetRequiredService<PlaybackGate>().GrantsRemembered);
        var store = services.GetRequiredService<ISessionStore>();
        var status = store.Status;
        json.WriteStartObject("store");
        json.WriteString("name", store.Name);
        json.WriteString("state", status.IsDegraded ? "degraded" : "healthy");
        json.WriteString("reason", status.Reason);
        json.WriteNumber("pending", status.Pending + services.GetRequiredService<SessionKeeper>().GonePending);
        json.WriteEndObject();
        json.WriteEndObject();
        RedisFigures.Write(json, services);
    }
}
