namespace XLive.Media.Hls;

/// <summary>
/// What a segmenter writes to: it says where segments begin and end, and which frames are in them; the writer makes bytes of them and gives them out.
/// In the order Begin, Write ..., then Complete and End, or Abandon.
/// </summary>
public interface ISegmentWriter : IDisposable
{
    /// <summary>More came than it may hold, and the publisher is to be cut.</summary>
    bool IsOverfull { get; }

    /// <summary>What the open segment takes.</summary>
    int OpenBytes { get; }

    /// <summary>Frames that it could not hold after all.</summary>
    long Refused { get; }

    /// <summary>Of the open segment something was given out: it can be neither mended nor abandoned.</summary>
    bool IsSeen { get; }

    /// <summary>Its container has a place for such a track.</summary>
    bool Carries(Track track);

    /// <summary>There is something in the frame, and its lengths do not lie.</summary>
    bool Takes(in Frame frame);

    void Begin(in SegmentOpening opening);

    /// <summary>A track that came late, to a segment that nobody has seen.</summary>
    void AddAudio(Track audio);

    void Write(in Frame frame);

    /// <summary>No more comes. False: there is nothing in the segment.</summary>
    bool Complete();

    void End(in SegmentEnding ending);

    /// <summary>What was written since the segment began will not be seen: the next one follows on the one before.</summary>
    void Abandon();
}

/// <param name="Start">In ticks, on the stream's clock.</param>
/// <param name="Longest">In ticks, more than which it will not have.</param>
/// <param name="ProgramDateTime">Of <paramref name="Start"/>.</param>
/// <param name="IsDiscontinuity">Times begin anew.</param>
public readonly record struct SegmentOpening(long Start, long Longest, Track? Video, Track? Audio, DateTimeOffset ProgramDateTime, bool IsDiscontinuity);

/// <param name="Duration">In ticks.</param>
/// <param name="Longest">In ticks: what rounds to the target duration, which is known by then.</param>
/// <param name="IsBroken">What follows does not go on from here.</param>
public readonly record struct SegmentEnding(SegmentOpening Opening, long Duration, long Longest, Track? Video, Track? Audio, int VideoFrames, bool IsIndependent,
    bool IsBroken);
