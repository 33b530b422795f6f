using System.Diagnostics.CodeAnalysis;
using XLive.Media.Rtmp;

namespace XLive.Server.Rtmp;

/// <summary>rtmp(s)://host[:port]/app/stream[?query], on another server. Its name and its query may be keys: only <see cref="Shown"/> is for logs.</summary>
public sealed record RtmpAddress(string Host, int Port, bool IsTls, string App, string Name)
{
    private const int UsualPort = 1935;
    private const int UsualTlsPort = 443;

    public string Shown => $"{Host}:{Port}";

    public static bool TryParse(string text, [NotNullWhen(true)] out RtmpAddress? address, out string fault)
    {
        address = null;
        fault = "is no rtmp:// or rtmps:// URL";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("rtmp" or "rtmps") || url.Host.Length == 0)
            return false;
        fault = "has a user and a password, which RTMP does not know; a key stands in the query";
        if (url.UserInfo.Length > 0)
            return false;
        var path = url.AbsolutePath.TrimStart('/');
        var slash = path.LastIndexOf('/');
        fault = "needs an app and a stream: rtmp://host/app/stream";
        if (slash < 1 || slash == path.Length - 1)
            return false;
        var isTls = url.Scheme == "rtmps";
        address = new RtmpAddress(url.IdnHost, url.Port > 0 ? url.Port : isTls ? UsualTlsPort : UsualPort, isTls, path[..slash], path[(slash + 1)..] + url.Query);
        return true;
    }

    /// <param name="path">The nodes that it came by, where it is published.</param>
    public RtmpTarget Target(bool publishes, string path = "") =>
        new(App, $"{(IsTls ? "rtmps" : "rtmp")}://{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host.Trim('[', ']')}]" : Host)}:{Port}/{App}", Name, publishes, path);
}
