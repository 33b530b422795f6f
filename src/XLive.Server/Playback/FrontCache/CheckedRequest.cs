using System.Net;
using Microsoft.AspNetCore.Http;
using XLive.Server.Door;

namespace XLive.Server.Playback.FrontCache;

/// <summary>The request that a proxy has, as the gate sees it: the proxy's question with the viewer's target and method.</summary>
internal sealed class CheckedRequest(Exchange question, in RequestTarget target, bool isHead) : IMediaRequest
{
    public RequestTarget Target { get; } = target;
    public IPAddress Remote => question.Remote;
    public long Now => question.Now;
    public bool IsHead => isHead;
    public bool IsShared => true;
    public IHeaderDictionary RequestHeaders => question.RequestHeaders;

    public object? Note
    {
        get => question.Note;
        set => question.Note = value;
    }

    public string Uid
    {
        get => question.Uid;
        set => question.Uid = value;
    }

    public string Sid
    {
        get => question.Sid;
        set => question.Sid = value;
    }

    public object? Viewer
    {
        get => question.Viewer;
        set => question.Viewer = value;
    }
}
