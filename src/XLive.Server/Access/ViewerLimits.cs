using XLive.Server.Door;
using XLive.Server.Limits;

namespace XLive.Server.Access;

/// <summary>limits.* for one whom the gate lets in: by then it knows the viewer and the stream. Addresses are counted at the door.</summary>
public sealed class ViewerLimits(RequestLimits requests, ConnectionLimits connections, ByteLimits bytes)
{
    public bool AreOn => requests.IsOn || connections.IsOn || bytes.IsOn;

    /// <summary>Null: he may have it, at the rates that hold for him.</summary>
    public TooMany? Hold(IMediaRequest request)
    {
        if (requests.IsOn && requests.Take(request.Uid, request.Target.Path) is { } many)
            return many;
        if (connections.IsOn && !request.IsShared && request.Places is { } places
            && connections.Take(places, request.Uid, request.Target.Path) is { } open)
            return open;
        if (bytes.IsOn)
            request.Paces = PacesOf(request);
        return null;
    }

    private ByteLimits.ViewerPaces PacesOf(IMediaRequest request)
    {
        var visitor = request.Note as Visitor;
        if (visitor?.Paces is { } known && known.IsOf(request.Uid, request.Target.Path))
            return known;
        var paces = bytes.Of(request.Remote, request.Uid, request.Target.Path);
        visitor?.Paces = paces;
        return paces;
    }
}
