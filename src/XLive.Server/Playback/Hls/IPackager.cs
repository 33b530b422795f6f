using XLive.Media;

namespace XLive.Server.Playback.Hls;

/// <summary>A stream in one container: its segments, and the playlists that name them. All but <see cref="HasSegments"/> is called by one at a time.</summary>
internal interface IPackager : IDisposable
{
    bool HasSegments { get; }

    /// <summary>Segments that were finished.</summary>
    long FinishedSegments { get; }

    /// <summary>In seconds; 0 until a segment is finished.</summary>
    int TargetDuration { get; }

    /// <summary>Of segments, the one that is being written too.</summary>
    long Bytes { get; }

    /// <summary>More came than may be held, and the publisher is to be cut.</summary>
    bool IsOverfull { get; }

    /// <summary>After the end: when nothing need be fetchable any more.</summary>
    DateTimeOffset GoesAt { get; }

    void Take(in Frame frame, DateTimeOffset now);

    /// <summary>What was before does not belong to what comes.</summary>
    void Break(DateTimeOffset now);

    /// <summary>No frame will come.</summary>
    void End(DateTimeOffset now);

    /// <summary>Once a second: lets go of what no player may ask for any more.</summary>
    void Expire(DateTimeOffset now);

    /// <summary>Null until there is a segment.</summary>
    HlsFigures? Figures();
}
