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
        (Uid is null || session.Uid == Uid) && (Kid is null || session.Kid == Kid) && (Client is null || session.Client == Client)
        && (Path is null || session.Path.StartsWith(Path, StringComparison.Ordinal)) && (Address is null || Address.Contains(session.Address));
}
