using System.Text.Json;
using XLive.Server.Storage;

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
    }
}
