namespace XLive.Server.Traffic;

/// <summary>
/// The handle that a send holds: every body byte that left for the viewer is added here, and nowhere else. One user's meter is
/// shared by all transfers of that user.
/// </summary>
public sealed class Meter
{
    private long _bytes;
    private long _requests;

    public long Bytes => Volatile.Read(ref _bytes);
    public long Requests => Volatile.Read(ref _requests);

    public void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);

    public void CountRequest() => Interlocked.Increment(ref _requests);
}
