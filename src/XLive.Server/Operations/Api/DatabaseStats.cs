using System.Text.Json;
using XLive.Server.Storage;
using XLive.Server.Traffic.History;

namespace XLive.Server.Operations.Api;

/// <summary>What /stats says of the database: whether it is there, and how much of its bounds is taken.</summary>
internal static class DatabaseStats
{
    public static void Write(Utf8JsonWriter json, IServiceProvider services)
    {
        Database db = services.GetRequiredService<Database>();
        json.WriteStartObject("database");
        json.WriteString("kind", db.Kind);
        json.WriteString("state", db.Away is null ? "joined" : "away");
        if (db.Away is { } away)
            json.WriteString("reason", away.Message);
        json.WriteNumber("running", db.Running);
        json.WriteNumber("running_limit", db.Turns);
        json.WriteNumber("waiting", db.Waiting);
        json.WriteNumber("waiting_limit", Database.MostWaiting);
        json.WriteNumber("lost", db.Losses);
        json.WriteEndObject();
        if (services.GetService<HistoryMover>() is not { } mover)
            return;
        var (batches, bytes) = mover.Waiting;
        json.WriteStartObject("history");
        json.WriteNumber("batches_moved", mover.Moved);
        json.WriteNumber("batches_waiting", batches);
        json.WriteNumber("bytes_waiting", bytes);
        if (mover.Fault is { } fault)
            json.WriteString("fault", fault);
        json.WriteEndObject();
    }
}
