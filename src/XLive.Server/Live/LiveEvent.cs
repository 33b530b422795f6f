namespace XLive.Server.Live;

public enum LiveEventKind : byte
{
    Published,

    /// <summary>Another publishes the name, and keeps it.</summary>
    Refused,

    /// <summary>A publisher's turn is over; the stream may wait for the next.</summary>
    Left,

    /// <summary>The stream is over, and its name free.</summary>
    Ended,
}

/// <summary>What happened to a stream: for logs, and for whoever is told outside.</summary>
/// <param name="Why">Of a turn's end.</param>
public readonly record struct LiveEvent(LiveEventKind Kind, StreamName Stream, Publisher? Publisher, PublishEnd? Why);
