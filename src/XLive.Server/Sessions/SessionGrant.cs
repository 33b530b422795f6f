namespace XLive.Server.Sessions;

/// <summary>What stands in the path of a session's requests, "~s1.payload.mac", and what it covers.</summary>
public sealed class SessionGrant(Session session, string scope, long expires, long lifetime, AddressKey? bound, string segment)
{
    private Session _session = session;

    public Session Session
    {
        get => Volatile.Read(ref _session);
        internal set => Volatile.Write(ref _session, value);
    }

    public string Scope => scope;

    /// <summary>Unix seconds.</summary>
    public long Expires => expires;
    public long Lifetime => lifetime;

    /// <summary>The address or network it is good for, where access.bind_ip says so.</summary>
    public AddressKey? Bound => bound;

    /// <summary>"/~s1.payload.mac", ready to be spliced into a playlist.</summary>
    public byte[] Prefix { get; } = System.Text.Encoding.ASCII.GetBytes("/" + segment);
    public string Segment => segment;
}
