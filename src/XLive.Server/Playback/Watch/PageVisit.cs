using XLive.Server.Door;

namespace XLive.Server.Playback.Watch;

/// <summary>
/// Who opens a stream's page, as the gate sees him: one who asks for the stream, and takes nothing of it yet. So he comes like HEAD, which opens no session:
/// a page that waits for its publisher, or lies in a tab behind others, is no device that plays. The playlist or FLV that the page fetches opens one.
/// </summary>
internal sealed class PageVisit(Exchange exchange, in RequestTarget stream) : AskedInstead(exchange, stream)
{
    public override bool IsHead => true;

    // The exchange's end is none of a session's.
    public override object? Viewer { get; set; }
}
