using XLive.Server.Door;
using XLive.Server.Rtmp;
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

    /// <summary>Where encoders push to; RTMPS alone where there is no other.</summary>
    public static string Rtmp(ServerSettings settings)
    {
        var (door, rtmp) = (settings.Of<DoorOptions>(), settings.Of<RtmpOptions>());
        var host = door.PublicUrl.Count > 0 ? new Uri(door.PublicUrl[0]).Host : HostOf(door.Host);
        return rtmp.Port > 0 || rtmp.TlsPort == 0 ? Url("rtmp", host, rtmp.Port, 1935) : Url("rtmps", host, rtmp.TlsPort, 443);
    }

    private static string Url(string scheme, string host, int port, int usual) => port == usual ? $"{scheme}://{host}" : $"{scheme}://{host}:{port}";

    private static string Here(string host, int port) => $"http://{HostOf(host)}:{port}";

    private static string HostOf(string host) => host is "*" or "localhost" ? "localhost" : host.Contains(':') ? $"[{host}]" : host;
}
