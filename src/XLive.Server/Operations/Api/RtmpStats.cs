using System.Text.Json;
using XLive.Media.Rtmp;
using XLive.Server.Rtmp;

namespace XLive.Server.Operations.Api;

internal static class RtmpStats
{
    public static void Write(Utf8JsonWriter json, IServiceProvider services)
    {
        var rtmp = services.GetRequiredService<RtmpConnections>();
        json.WriteStartObject("rtmp");
        json.WriteNumber("open", rtmp.Open);
        json.WriteNumber("publishing", rtmp.Publishing);
        json.WriteNumber("playing", rtmp.Playing);
        json.WriteNumber("held_bytes", rtmp.Held);
        json.WriteNumber("held_limit_each", RtmpServerSession.MostHeld);
        json.WriteNumber("refused", rtmp.Refused);
        json.WriteNumber("cut_silent", rtmp.Silent);
        json.WriteStartObject("faults");
        foreach (var fault in Enum.GetValues<RtmpFault>())
            json.WriteNumber(JsonNamingPolicy.SnakeCaseLower.ConvertName(fault.ToString()), rtmp.Faults(fault));
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
