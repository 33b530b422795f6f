using XLive.Media;

namespace XLive.Server.Live;

/// <summary>One publisher's turn at a stream. Used by one thread at a time: the connection's.</summary>
#pragma warning disable CA1001 // nothing of it is held once it is cut
public sealed class Publication
#pragma warning restore CA1001
{
    private readonly LiveStream _stream;
    private readonly CancellationTokenSource _cut = new();
    private long _received;
    private long _refused;
    private long _lastFrameAt;
    private readonly long _beganAt;
    private int _end = -1;

    internal Publication(LiveStream stream, Publisher publisher, Timestamp begin)
    {
        (_stream, Publisher, Begin, _lastFrameAt) = (stream, publisher, begin, stream.Clock.GetTimestamp());
        _beganAt = _lastFrameAt;
        Since = stream.Clock.GetUtcNow();
    }

    public Publisher Publisher { get; }
    public DateTimeOffset Since { get; }

    /// <summary>How long it goes on, whatever the wall clock did meanwhile.</summary>
    public TimeSpan Age => _stream.Clock.GetElapsedTime(_beganAt);

    /// <summary>The stream's time at which this turn begins: a stream's time never falls, however often its publisher comes back.</summary>
    public Timestamp Begin { get; }

    /// <summary>It is over, for <see cref="EndedFor"/>: the connection shall close.</summary>
    public CancellationToken Cut => _cut.Token;

    public PublishEnd? EndedFor => Volatile.Read(ref _end) is var end and >= 0 ? (PublishEnd)end : null;

    /// <summary>Bytes of frames that came.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Messages of its publisher that are no frame, and should have been; said by who reads them.</summary>
    public long Refused
    {
        get => Volatile.Read(ref _refused);
        set => Volatile.Write(ref _refused, value);
    }

    /// <summary>Ticks to add to a frame's time for what its source calls it; said before the frame. Outputs of one encoder have it in common.</summary>
    public long ToSource { get; set; }

    internal TimeSpan Silence => _stream.Clock.GetElapsedTime(Volatile.Read(ref _lastFrameAt));

    /// <summary>A decoder's configuration that came: a new track, or parameters that changed.</summary>
    public void Announce(Track track, Timestamp from)
    {
        if (EndedFor is null)
            _stream.Announce(this, track, from);
    }

    /// <param name="frame">Copied before this returns.</param>
    public void Publish(in Frame frame, bool discontinuity = false)
    {
        if (EndedFor is not null)
            return;
        Volatile.Write(ref _received, _received + frame.Payload.Length);
        Volatile.Write(ref _lastFrameAt, _stream.Clock.GetTimestamp());
        _stream.Publish(this, frame, discontinuity);
    }

    /// <summary>By the publisher's connection, or by whoever ends it. The first word counts.</summary>
    public void End(PublishEnd why)
    {
        if (Interlocked.CompareExchange(ref _end, (int)why, -1) != -1)
            return;
        _stream.Ended(this, why);
        _stream.Tell(LiveEventKind.Left, Publisher, why);
        if (_stream.IsOver)
            _stream.Tell(LiveEventKind.Ended, Publisher, why);
        // Whoever listens closes a connection, and may take his time.
        _ = _cut.CancelAsync();
    }
}
