using System.Net;
using Microsoft.AspNetCore.Http;
using XLive.Server.Door;
using XLive.Server.Limits;
using XLive.Server.Live;
using XLive.Server.Rtmp;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.Rtmp;

/// <summary>A play command as the gate and the log see one who wants to play: the path of its stream, under the same links as its other forms.</summary>
internal sealed class PlayRequest : IMediaRequest
{
    private PlayRequest(RequestTarget target, IPAddress remote, long now, RtmpConnection connection)
    {
        (Target, Remote, Now) = (target, remote, now);
        Places = connection.Places;
        // What a client says of itself, and of the page that it plays in.
        if (connection.Connect.FlashVersion.Length > 0)
            RequestHeaders.UserAgent = connection.Connect.FlashVersion;
        if (connection.Connect.PageUrl.Length > 0)
            RequestHeaders.Referer = connection.Connect.PageUrl;
    }

    public RequestTarget Target { get; }
    public IPAddress Remote { get; }
    public long Now { get; }
    public bool IsHead => false;
    public bool IsShared => false;
    public IHeaderDictionary RequestHeaders { get; } = new HeaderDictionary();
    public object? Note { get; set; }
    public string Uid { get; set; } = "";
    public string Sid { get; set; } = "";
    public object? Viewer { get; set; }
    public ConnectionPlaces? Places { get; }
    public SharedPaces? Paces { get; set; }

    /// <summary>As HTTP has it: 200, or why not.</summary>
    public int Status { get; set; } = StatusCodes.Status200OK;
    public string RefusedFor { get; set; } = "";
    public long BodyBytes { get; set; }

    public static PlayRequest Of(StreamName name, string query, long now, RtmpConnection connection)
    {
        var path = $"/{name.App}/{name.Stream}";
        // A stream's name is a path in normal form, whatever stands behind it.
        return RequestTarget.TryParse(query.Length == 0 ? path : path + "?" + query, out var target, out var fault)
            ? new PlayRequest(target, connection.Remote ?? IPAddress.None, now, connection)
            : throw new ArgumentException(fault, nameof(name));
    }
}
