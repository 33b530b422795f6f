namespace XLive.Media.Rtmp;

public enum RtmpEventKind : byte
{
    /// <summary>This and the next two wait for an answer, and nothing is read until it is given.</summary>
    ConnectRequested,
    PublishRequested,
    PlayRequested,

    /// <summary>Of the stream that is published. The payload stands until the next read.</summary>
    Audio,
    Video,

    /// <summary>As it stood behind @setDataFrame: a name, onMetaData mostly, and what it is.</summary>
    Data,

    /// <summary>However often the peer says so, once.</summary>
    PublishEnded,
    PlayEnded,

    /// <summary>By a player.</summary>
    Paused,
    Resumed,
    AudioWanted,
    AudioUnwanted,
    VideoWanted,
    VideoUnwanted,

    /// <summary>To a client: what it asked for has begun.</summary>
    Established,

    /// <summary>To a client: the server says why not, or why no longer.</summary>
    Refused,

    /// <summary>To a client that publishes: the server has said which codecs it takes, and of this track's it has not. Nothing was asked of it.</summary>
    NotTaken,
}

/// <summary>What a peer's bytes came to.</summary>
public readonly struct RtmpEvent
{
    private readonly object? _request;

    internal RtmpEvent(RtmpEventKind kind, object? request = null) => (Kind, _request) = (kind, request);

    internal RtmpEvent(RtmpEventKind kind, in RtmpMessage message) => (Kind, Message) = (kind, message);

    public RtmpEventKind Kind { get; }

    public RtmpMessage Message { get; }

    public RtmpConnect Connect => (RtmpConnect)_request!;
    public RtmpPublish Publish => (RtmpPublish)_request!;
    public RtmpPlay Play => (RtmpPlay)_request!;
    public Track Track => (Track)_request!;
    public RtmpStatus Status => (RtmpStatus)_request!;
}
