using System.Net;
using Microsoft.AspNetCore.Http;
using XLive.Server.Limits;
using XLive.Server.Traffic;

namespace XLive.Server.Door;

/// <summary>A request that is judged as if something else were asked for than it names.</summary>
public abstract class AskedInstead(Exchange exchange, in RequestTarget target) : IMediaRequest
{
    public RequestTarget Target { get; } = target;
    public IPAddress Remote => exchange.Remote;
    public long Now => exchange.Now;
    public abstract bool IsHead { get; }
    public virtual bool IsShared => exchange.IsShared;
    public IHeaderDictionary RequestHeaders => exchange.RequestHeaders;

    public object? Note
    {
        get => exchange.Note;
        set => exchange.Note = value;
    }

    public virtual ConnectionPlaces? Places => exchange.Places;

    public virtual SharedPaces? Paces
    {
        get => exchange.Paces;
        set => exchange.Paces = value;
    }

    public string Uid
    {
        get => exchange.Uid;
        set => exchange.Uid = value;
    }

    public string Sid
    {
        get => exchange.Sid;
        set => exchange.Sid = value;
    }

    public virtual object? Viewer
    {
        get => exchange.Viewer;
        set => exchange.Viewer = value;
    }
}
