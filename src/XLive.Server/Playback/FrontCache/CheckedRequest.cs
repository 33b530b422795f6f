using XLive.Server.Door;
using XLive.Server.Limits;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.FrontCache;

/// <summary>The request that a proxy has, as the gate sees it: the proxy's question with the viewer's target and method.</summary>
internal sealed class CheckedRequest(Exchange question, in RequestTarget target, bool isHead) : AskedInstead(question, target)
{
    public override bool IsHead => isHead;
    public override bool IsShared => true;
    public override ConnectionPlaces? Places => null;

    // What the proxy sends takes from nothing here, and its answer to this question goes at full speed.
    public override SharedPaces? Paces { get; set; }

    /// <summary>What the proxy may send a second, at most; 0: nothing holds it.</summary>
    public long LowestRate(Meter meter)
    {
        var lowest = meter.Pace?.BytesPerSecond ?? 0;
        foreach (var pace in Paces?.Current ?? [])
            lowest = lowest == 0 ? pace.BytesPerSecond : Math.Min(lowest, pace.BytesPerSecond);
        return lowest;
    }
}
