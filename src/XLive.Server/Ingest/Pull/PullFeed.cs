using System.Net;
using XLive.Media;
using XLive.Server.Ingest.Rtmp;
using XLive.Server.Live;
using XLive.Server.Rtmp;

namespace XLive.Server.Ingest.Pull;

/// <summary>One connection's media on its way to the hub. The name is taken with the first of it, so that a remote that has nothing takes nothing here.</summary>
/// <param name="warn">Of what is not carried.</param>
internal sealed class PullFeed(LiveStreams streams, StreamName name, string host, string protocol, Patience patience, Action<string> warn) : IDisposable
{
    /// <summary>By what it publishes.</summary>
    public const string Key = "pull";

    private Publication? _turn;
    private FlvFeed? _feed;
    private CancellationTokenRegistration _cut;
    private long _began;

    public IPAddress Address { get; set; } = IPAddress.None;

    /// <summary>There is something to be watched.</summary>
    public bool HasFrames => _turn is { Received: > 0 };

    public TimeSpan Lasted => HasFrames ? streams.Clock.GetElapsedTime(_began) : default;

    public PublishEnd? EndedFor => _turn?.EndedFor;

    public void Take(TrackKind kind, uint timestamp, ReadOnlyMemory<byte> body)
    {
        if (_feed is null)
        {
            // Whoever publishes here has the name, whatever live.takeover says to publishers.
            _turn = streams.TryPublish(name, new Publisher(Key, Address, protocol, "pull from " + host), out var refusal, Takeover.Reject)
                ?? throw new RemoteException($"not fetched: {refusal} here");
            _cut = _turn.Cut.UnsafeRegister(static o => ((Patience)o!).End(), patience);
            _feed = new FlvFeed(_turn, warn);
            _began = streams.Clock.GetTimestamp();
        }
        var before = _turn!.Received;
        _feed.Take(kind, timestamp, body);
        // Not for each byte: pings, garbage and a tag that never ends bring nobody a picture.
        if (_turn.Received != before)
            patience.For(RtmpRemote.Silence);
    }

    public void End(PublishEnd why)
    {
        _cut.Unregister();
        _turn?.End(why);
    }

    public void Dispose() => _cut.Dispose();
}
