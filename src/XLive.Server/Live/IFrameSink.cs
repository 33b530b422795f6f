using XLive.Media;

namespace XLive.Server.Live;

/// <summary>A packager that is told of each frame as it comes, on the publisher's thread and by one at a time. One that fails is left out, and the publisher goes on.</summary>
public interface IFrameSink
{
    /// <param name="frame">Its payload stands until this returns.</param>
    /// <param name="discontinuity">What was before does not belong to it: the clock jumped, or the publisher came anew.</param>
    void Take(in Frame frame, bool discontinuity);

    /// <summary>The publisher has gone, and may come back.</summary>
    void Pause();

    /// <summary>No frame will come.</summary>
    void End();
}
