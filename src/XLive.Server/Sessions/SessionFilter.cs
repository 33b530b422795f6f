using System.Net;
using XLive.Server.Door.Clients;

namespace XLive.Server.Sessions;

/// <summary>Which sessions are asked for; what is null does not matter.</summary>
public sealed record SessionFilter
{
    public string? Uid { get; init; }
    public string? Kid { get; init; }

    /// <summary>An address or a network.</summary>
    public CidrSet? Address { get; init; }
    public ClientKind? Client { get; init; }

    /// <summary>How the path begins.</summary>
    public string? Path { get; init; }

    public bool Takes(SessionRecord session) =>
        TakesViewer(session.Uid, session.Kid, session.Client, session.Address) && (Path is null || session.Path.StartsWith(Path, StringComparison.Ordinal));

    /// <summary>All but the path.</summary>
    public bool TakesViewer(string uid, string kid, ClientKind client, IPAddress address) =>
        (Uid is null || uid == Uid) && (Kid is null || kid == Kid) && (Client is null || client == Client) && (Address is null || Address.Contains(address));
}
