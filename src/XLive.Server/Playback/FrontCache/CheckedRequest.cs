using XLive.Server.Door;

namespace XLive.Server.Playback.FrontCache;

/// <summary>The request that a proxy has, as the gate sees it: the proxy's question with the viewer's target and method.</summary>
internal sealed class CheckedRequest(Exchange question, in RequestTarget target, bool isHead) : AskedInstead(question, target)
{
    public override bool IsHead => isHead;
    public override bool IsShared => true;
}
