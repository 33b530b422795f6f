using System.Net;

namespace XLive.Server.Sessions;

/// <summary>What is known of a session wherever it plays: for the store, the list, and the node after a restart. Times are Unix seconds.</summary>
public sealed record SessionRecord
{
    public required SessionId Id { get; init; }
    public required string Uid { get; init; }
    public string Kid { get; init; } = "";
    public IPAddress Address { get; init; } = IPAddress.None;
    public ClientKind Client { get; init; }
    public string UserAgent { get; init; } = "";

    /// <summary>By what its viewer is known again.</summary>
    public EntryKey Entry { get; init; }
    public long OpenedAt { get; init; }

    /// <summary>Its last byte or request.</summary>
    public long SeenAt { get; init; }
    public long Bytes { get; init; }

    /// <summary>Bytes a second, lately.</summary>
    public long Rate { get; init; }

    /// <summary>What was asked for last.</summary>
    public string Path { get; init; } = "";

    /// <summary>What of the site it plays: the directory its session path covers.</summary>
    public string Title { get; init; } = "";

    /// <summary>It is one of its user's devices, for a lease from <see cref="SeenAt"/> on.</summary>
    public bool HasPlace { get; init; }

    /// <summary>Where it plays; empty: here.</summary>
    public string Node { get; init; } = "";
}
