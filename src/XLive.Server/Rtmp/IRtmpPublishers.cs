using XLive.Media.Rtmp;

namespace XLive.Server.Rtmp;

/// <summary>Who decides about publishers, and takes what they send. An ingest's: this folder knows neither keys nor streams.</summary>
internal interface IRtmpPublishers
{
    /// <summary>Asked once a publish. Meanwhile nothing of the peer is read.</summary>
    ValueTask<RtmpAdmission<IRtmpPublisher>> AdmitAsync(RtmpConnection connection, RtmpPublish publish, CancellationToken gone);
}

internal interface IRtmpPublisher
{
    /// <summary>Audio, video or data, in the order in which it came; on the connection's thread. The payload stands until this returns.</summary>
    void Take(in RtmpEvent occurred);

    /// <summary>Exactly once, after the last <see cref="Take"/>.</summary>
    void End(RtmpEnd how);
}

/// <summary>How a publish, or a play, ended.</summary>
internal enum RtmpEnd : byte
{
    /// <summary>The peer said so.</summary>
    Said,

    /// <summary>Its connection ended without a word.</summary>
    Closed,

    /// <summary>It sent nothing any more.</summary>
    Silent,

    /// <summary>It sent what is no RTMP.</summary>
    Faulty,

    /// <summary>By us: another took its place, somebody ended it, the server stops.</summary>
    Cut,
}
