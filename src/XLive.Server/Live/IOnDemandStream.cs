namespace XLive.Server.Live;

public enum SourceState
{
    /// <summary>The stream is there, with a frame at least.</summary>
    There,

    /// <summary>Where it would come from there is none of that name.</summary>
    None,

    /// <summary>It does not come now.</summary>
    Away,
}

/// <param name="Again">Of one that is not there: when it is worth asking again.</param>
public readonly record struct SourceAnswer(SourceState State, TimeSpan Again);

/// <summary>A stream that begins when somebody wants to watch it. An ingest's.</summary>
public interface IOnDemandStream
{
    /// <summary>Somebody watches, and needs no answer.</summary>
    void Touch();

    /// <summary>Somebody wants to watch. Begins it where it is not there, and waits a few seconds for its first frame.</summary>
    ValueTask<SourceAnswer> WantAsync();
}
