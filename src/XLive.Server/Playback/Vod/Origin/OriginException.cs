namespace XLive.Server.Playback.Vod.Origin;

public enum OriginFault
{
    /// <summary>No connection: refused, no such name, no TLS.</summary>
    Refused,

    TimedOut,

    /// <summary>What came is no answer to what was asked, or none at all.</summary>
    BadAnswer,

    /// <summary>Another version than the one wanted.</summary>
    Changed,

    /// <summary>None may be asked now: too many wait, or every breaker is open.</summary>
    Busy,

    /// <summary>It ended before its end.</summary>
    BrokenOff,
}

internal sealed class OriginException(OriginFault fault, string message) : Exception(message)
{
    public OriginFault Fault => fault;

    /// <summary>An answer that contradicts itself about where it ends.</summary>
    public bool IsLie { get; init; }

    /// <summary>Of a connection that was not made: it took too long.</summary>
    public bool WhileConnecting { get; init; }
}
