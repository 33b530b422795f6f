using System.Net;
using Microsoft.AspNetCore.Http;
using XLive.Server.Limits;
using XLive.Server.Traffic;

namespace XLive.Server.Door;

/// <summary>One who wants to play, as those see him who decide whether he may: a request of HTTP, or a play command.</summary>
public interface IMediaRequest
{
    RequestTarget Target { get; }
    IPAddress Remote { get; }

    /// <summary>A reading of the monotonic clock at its beginning.</summary>
    long Now { get; }

    bool IsHead { get; }

    /// <summary>What comes next on this connection may be another client's.</summary>
    bool IsShared { get; }

    IHeaderDictionary RequestHeaders { get; }

    /// <summary>Kept with the connection, for whoever judges its requests.</summary>
    object? Note { get; set; }

    string Uid { get; set; }
    string Sid { get; set; }

    /// <summary>Of limits.connections; null where a connection is nobody's.</summary>
    ConnectionPlaces? Places { get; }

    /// <summary>What its bodies take from besides its viewer's own pace.</summary>
    SharedPaces? Paces { get; set; }

    /// <summary>The session that plays, for whoever hears of the end.</summary>
    object? Viewer { get; set; }
}
