namespace XLive.Server.Traffic;

/// <summary>What one user is charged, by all his sessions.</summary>
public sealed class Account(string uid)
{
    private long _bytes;
    private long _requests;

    public string Uid => uid;
    public long Bytes => Volatile.Read(ref _bytes);
    public long Requests => Volatile.Read(ref _requests);

    internal void Add(FileKind kind, long bytes)
    {
        _ = kind;
        Interlocked.Add(ref _bytes, bytes);
    }

    internal void CountRequest() => Interlocked.Increment(ref _requests);
}
