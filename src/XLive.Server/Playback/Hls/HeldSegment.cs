using XLive.Media.Hls;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Playback.Http;
using XLive.Server.Sending;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.Hls;

/// <summary>An answer out of a segment's buffer, which is held until it is sent.</summary>
internal static class HeldSegment
{
    /// <param name="buffer">Held by the caller, and let go of here.</param>
    /// <param name="bytes">All of it, or a part.</param>
    public static ValueTask WriteAsync(Exchange exchange, in Admission admission, HlsStream stream, SegmentBuffer buffer, ReadOnlyMemory<byte> bytes, FileKind kind, in FileFacts facts)
    {
        var held = buffer;
        try
        {
            if (!exchange.IsHead)
                admission.Meter.CountRequest(kind, exchange.Remote);
            // Its memory is unmapped when it goes, and never written again.
            var sent = FileResponse.WriteAsync(exchange, facts, Body.Of(new BodyPiece(bytes, Nobody.Instance, PagePipe.Least), kind), admission.Meter);
            if (!sent.IsCompletedSuccessfully)
            {
                held = null;
                return ReleaseAsync(sent, buffer, exchange, stream);
            }
            stream.CountSent(exchange.BodyBytes);
            return default;
        }
        finally
        {
            held?.Release();
        }
    }

    private static async ValueTask ReleaseAsync(ValueTask sent, SegmentBuffer buffer, Exchange exchange, HlsStream stream)
    {
        try
        {
            await sent;
        }
        finally
        {
            stream.CountSent(exchange.BodyBytes);
            buffer.Release();
        }
    }

    /// <summary>The one who holds the segment is the answer.</summary>
    private sealed class Nobody : IBodyOwner
    {
        public static readonly Nobody Instance = new();

        public void Release()
        {
        }
    }
}
