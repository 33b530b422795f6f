namespace XLive.Server.Rtmp;

/// <summary>Another server does not give, or does not take, a stream. The message holds nothing of its URL but the host.</summary>
internal sealed class RemoteException(string message, bool hasNone = false) : Exception(message)
{
    /// <summary>It answered, and there is no such stream.</summary>
    public bool HasNone { get; } = hasNone;
}
