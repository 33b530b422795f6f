namespace XLive.Media.Rtmp;

/// <summary>Where on another server a stream is, and what is wanted of it.</summary>
/// <param name="TcUrl">rtmp://host/app, as the connect command names it.</param>
/// <param name="Name">With its query: servers look for their keys there.</param>
/// <param name="Path">Of what is published: the relays that it came by, in letters and digits and spaces between, so that it does not go round in a circle.</param>
public sealed record RtmpTarget(string App, string TcUrl, string Name, bool Publishes, string Path = "")
{
    /// <summary>What is published: a server that says which codecs it takes, and one of these not, is asked for nothing.</summary>
    public IReadOnlyList<Track> Tracks { get; init; } = [];
}

/// <summary>What a server said of itself or of a stream.</summary>
public sealed record RtmpStatus(string Code, string Description);
