using System.Net;

namespace XLive.Server.Live;

/// <summary>Who publishes: for the list of streams, and to know him again.</summary>
/// <param name="Key">By what he was let in; never the key itself. The same one may take its stream over from a connection that died.</param>
public sealed record Publisher(string Key, IPAddress Address, string Protocol, string Software)
{
    /// <summary>The stream of this server, app/name, that it was made of and whose times it has.</summary>
    public string? MadeOf { get; init; }
}

public enum PublishEnd
{
    /// <summary>He said so.</summary>
    Finished,

    /// <summary>His connection ended, or told nothing for too long: he may come back.</summary>
    Lost,

    /// <summary>Another has taken the name.</summary>
    TakenOver,

    /// <summary>By somebody who may.</summary>
    Kicked,

    /// <summary>What he was let in by is gone.</summary>
    Revoked,

    /// <summary>The stream needs more memory than live.memory_per_stream.</summary>
    OutOfMemory,

    /// <summary>The server has no memory for all its streams.</summary>
    ServerFull,

    Stopping,
}
