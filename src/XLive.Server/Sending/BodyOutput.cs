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

    /// <summary>Body bytes that the socket took, over all responses of the connection: for the log, when a viewer leaves half-way.</summary>
    public long BodySent { get; protected set; }

    /// <summary>False: this body must be read and written like any other.</summary>
    public abstract bool CanSend(in Body body);

    /// <summary>The next bytes that the writer counts stand for this body.</summary>
    public abstract void Announce(in Body body, Meter? meter);

    /// <summary>After the flush of an announced body: when the socket has taken it all, or never will.</summary>
    public abstract ValueTask<FlushResult> BodySentAsync();
}
