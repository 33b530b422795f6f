using System.Net;
using Microsoft.AspNetCore.Http;
using XLive.Server.Door;

namespace XLive.Server.Playback.Watch;

/// <summary>
/// Who opens a stream's page, as the gate sees him: one who asks for the stream, and takes nothing of it yet. So he comes like HEAD, which opens no session:
/// a page that waits for its publisher, or lies in a tab behind others, is no device that plays. The playlist or FLV that the page fetches opens one.
/// </summary>
internal sealed class PageVisit(Exchange exchange, RequestTarget stream) : IMediaRequest
{
    public RequestTarget Target => stream;
    public IPAddress Remote => exchange.Remote;
    public long Now => exchange.Now;
    public bool IsHead => true;
    public bool IsShared => exchange.IsShared;
    public IHeaderDictionary RequestHeaders => exchange.RequestHeaders;

    public object? Note
    {
        get => exchange.Note;
        set => exchange.Note = value;
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

    // The exchange's end is none of a session's.
    public object? Viewer { get; set; }
}
