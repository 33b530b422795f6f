using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using XLive.Server.Traffic;

namespace XLive.Server.Sending;

/// <summary>
/// A connection's output that sends bodies itself: Kestrel counts n bytes of memory that nobody reads (<see cref="Phantom"/>), so its
/// Content-Length, keep-alive and Range stay right, and the output sends n bytes of the real body in their place.
/// </summary>
internal abstract class BodyOutput : PipeWriter
{
    /// <summary>Why sending on this connection ended, or Done as long as it has not.</summary>
    public SendEnd End { get; protected set; }

    /// <summary>Body bytes that the viewer took, over all responses of the connection: for the log, when he leaves half-way.</summary>
    public abstract long BodySent { get; }

    /// <summary>False: this body must be read and written like any other.</summary>
    public abstract bool CanSend(in Body body);

    // A response's head is a few hundred bytes.
    private const int FirstHead = 2048;

    /// <summary>What was written and not flushed: heads, and the frames of HTTP/2 or the records of TLS.</summary>
    protected byte[] Head { get; private set; } = [];
    protected int HeadEnd { get; set; }

    /// <summary>The next bytes that the writer counts are the body's.</summary>
    protected bool Announced { get; set; }

    protected Body Body { get; private set; }
    protected Meter? Meter { get; private set; }

    /// <summary>What its viewer's bodies take from besides his own pace; null: nothing.</summary>
    public SharedPaces? Paces { get; set; }

    public override bool CanGetUnflushedBytes => true;

    /// <summary>The next bytes that the writer counts stand for this body.</summary>
    public void Announce(in Body body, Meter? meter)
    {
        Debug.Assert(!Announced && Body.Length == 0);
        Announced = true;
        Body = body;
        Meter = meter;
    }

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (Announced)
            return Phantom.Instance.Memory;
        var room = Head.Length - HeadEnd;
        if (room == 0 || room < sizeHint)
            Grow(sizeHint);
        return Head.AsMemory(HeadEnd);
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    private void Grow(int sizeHint)
    {
        var wanted = Math.Max(FirstHead, Math.Max(HeadEnd + Math.Max(sizeHint, 256), Head.Length * 2));
        var larger = ArrayPool<byte>.Shared.Rent(wanted);
        Head.AsSpan(0, HeadEnd).CopyTo(larger);
        ReturnHead();
        Head = larger;
    }

    private void ReturnHead()
    {
        if (Head.Length > 0)
            ArrayPool<byte>.Shared.Return(Head);
        Head = [];
    }

    /// <summary>Head and body are sent, or never will be.</summary>
    protected void Clear()
    {
        HeadEnd = 0;
        ReturnHead();
        Announced = false;
        Body = default;
        Meter = null;
    }

    /// <summary>
    /// When the socket has room, or never will. Whoever fetches the next piece first waits here: a piece that is fetched for a full socket lies in
    /// memory for as long as its viewer takes for the one before, 64 MiB for a thousand of them.
    /// </summary>
    public abstract ValueTask<FlushResult> RoomAsync(Meter? meter);

    /// <summary>After the flush of an announced body: when the socket has taken it all, or never will.</summary>
    public abstract ValueTask<FlushResult> BodySentAsync();
}
