using XLive.Server.Door;
using XLive.Server.Settings;

namespace XLive.Server.Operations.Commands;

/// <summary>Under which URLs a person reaches this server, without a slash at the end.</summary>
internal static class OwnUrls
{
    public static string Viewers(ServerSettings settings)
    {
        var door = settings.Of<DoorOptions>();
        return door.PublicUrl.Count > 0 ? door.PublicUrl[0].TrimEnd('/') : Here(door.Host, door.Port);
    }

    /// <summary>Where the console and the sign-in answer. No public URL leads to admin.port.</summary>
    public static string Management(ServerSettings settings)
    {
        var door = settings.Of<DoorOptions>();
        return door.AdminPort == 0 ? Viewers(settings) : Here(door.Host, door.AdminPort);
    }

    private static string Here(string host, int port) =>
        $"http://{(host is "*" or "localhost" ? "localhost" : host.Contains(':') ? $"[{host}]" : host)}:{port}";
}
