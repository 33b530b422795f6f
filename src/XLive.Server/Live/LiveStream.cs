using XLive.Media;
using XLive.Server.Sending;

namespace XLive.Server.Live;

/// <summary>
/// A name under which somebody publishes, or did a moment ago. One writes, any number read; it knows no protocol on either side. Between two turns of
/// its publisher it waits, with its viewers; when he does not come back in time, or said that it is over, it ends for good.
/// </summary>
#pragma warning disable CA1001 // its end is Over, and whoever waits for its frames is woken by it
public sealed partial class LiveStream
#pragma warning restore CA1001
{
    // So much later than the last frame the next turn begins: no two frames of one track at one time.
    private const long BetweenTurns = Timestamp.PerSecond / 25;

    // A connection that has told nothing for so long may be dead; its successor has the same key and is here.
    private static readonly TimeSpan Silent = TimeSpan.FromSeconds(2);

    // Who watches to the end reads the last frames; who has not by then is too late for them.
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(10);

    private readonly LiveStreams _streams;
    private readonly Lock _gate = new();
    private readonly FrameLog _log;
    private readonly Pulse _pulse;
    private readonly ITimer _grace;
    private readonly IFrameSink?[] _sinks;
    private Publication? _publication;
    private Track? _video;
    private Track? _audio;
    private Timestamp _last;
    private bool _hasFrames;
    private bool _isNewTurn;
    private bool _isOver;
    private PublishEnd? _cutFor;

    internal LiveStream(LiveStreams streams, StreamName name)
    {
        (_streams, Name) = (streams, name);
        _log = new FrameLog(streams.Slabs, streams.Options.FrameBytes);
        _rates = new RateWindow(Clock);
        _pulse = new Pulse(Clock, () => streams.Options.SendBatch);
        _grace = Clock.CreateTimer(static s => ((LiveStream)s!).EndWaiting(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _sinks = [.. streams.Packagers.Select(p => p(this))];
    }

    public StreamName Name { get; }

    /// <summary>Null while its publisher is away.</summary>
    public Publication? Publication => Volatile.Read(ref _publication);

    public Track? Video => Volatile.Read(ref _video);
    public Track? Audio => Volatile.Read(ref _audio);

    /// <summary>No frame will come any more, and the name is free.</summary>
    public bool IsOver => Volatile.Read(ref _isOver);

    /// <summary>There was one at least.</summary>
    public bool HasFrames => Volatile.Read(ref _hasFrames);

    public TimeProvider Clock => _streams.Clock;

    /// <returns>Null: somebody publishes it, and keeps it.</returns>
    internal Publication? TryBegin(Publisher publisher, Takeover takeover)
    {
        Publication? before;
        Publication turn;
        lock (_gate)
        {
            before = _publication;
            if (_isOver || (before is not null && takeover == Takeover.Reject && !MayReplace(before, publisher)))
                return null;
            _grace.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            turn = new Publication(this, publisher, _hasFrames ? _last + BetweenTurns : default);
            _refusedBefore += before?.Refused ?? 0;
            _isNewTurn = _hasFrames;
            Volatile.Write(ref _publication, turn);
        }
        before?.End(PublishEnd.TakenOver);
        return turn;
    }

    private static bool MayReplace(Publication before, Publisher publisher) => before.Publisher.Key == publisher.Key && before.Silence > Silent;

    internal void Announce(Publication by, Track track, Timestamp from)
    {
        lock (_gate)
        {
            if (_publication != by)
                return;
            if (track.IsVideo)
                Volatile.Write(ref _video, track);
            else
                Volatile.Write(ref _audio, track);
            _log.Append(track, from);
            _chunks?.Append(track, from);
        }
    }

    internal void Publish(Publication by, in Frame frame, bool discontinuity)
    {
        lock (_gate)
        {
            if (_publication != by)
                return;
            (discontinuity, _isNewTurn) = (discontinuity || _isNewTurn, false);
            var kept = _log.Append(frame);
            AppendChunks(kept);
            Measure(frame, discontinuity);
            (_last, _hasFrames) = (frame.Decoded > _last ? frame.Decoded : _last, true);
            for (var i = 0; i < _sinks.Length; i++)
            {
                try
                {
                    _sinks[i]?.Take(kept, discontinuity);
                }
                catch (Exception e)
                {
                    LeaveOut(i, e);
                }
            }
        }
        _pulse.Came(Viewers, frame.Track.IsVideo);
        if (_cutFor is { } why)
            by.End(why);
    }

    /// <summary>By a packager, in the midst of a frame: after it the publisher's turn ends.</summary>
    public void CutPublisher(PublishEnd why) => _cutFor = why;

    internal void Ended(Publication turn, PublishEnd why)
    {
        lock (_gate)
        {
            // Another has the turn already.
            if (_publication != turn)
                return;
            Volatile.Write(ref _publication, null);
            _refusedBefore += turn.Refused;
            if (why == PublishEnd.Lost && _streams.Options.ReconnectGrace > TimeSpan.Zero)
            {
                Tell(static s => s.Pause());
                _grace.Change(_streams.Options.ReconnectGrace, Timeout.InfiniteTimeSpan);
                return;
            }
            Over();
        }
        _streams.Remove(this);
    }

    /// <summary>Its publisher is cut, or not waited for any longer.</summary>
    internal void EndForWantOfMemory()
    {
        if (Publication is { } turn)
            turn.End(PublishEnd.ServerFull);
        else
            EndWaiting();
    }

    private void EndWaiting()
    {
        lock (_gate)
        {
            if (_isOver)
                CloseLogs();
            // He came back just now.
            if (_publication is not null || _isOver)
                return;
            Over();
        }
        _streams.Remove(this);
        Tell(LiveEventKind.Ended, null, null);
    }

    internal void Tell(LiveEventKind what, Publisher? who, PublishEnd? why) => _streams.Happened?.Invoke(new LiveEvent(what, Name, who, why));

    private void Over()
    {
        Volatile.Write(ref _isOver, true);
        Tell(static s => s.End());
        _pulse.Dispose();
        if (Viewers == 0)
            CloseLogs();
        else
            _grace.Change(LastWords, Timeout.InfiniteTimeSpan);
    }

    private void Tell(Action<IFrameSink> what)
    {
        for (var i = 0; i < _sinks.Length; i++)
        {
            try
            {
                if (_sinks[i] is { } sink)
                    what(sink);
            }
            catch (Exception e)
            {
                LeaveOut(i, e);
            }
        }
    }

    private void LeaveOut(int sink, Exception e)
    {
        _streams.PackagerFailed(Name, _sinks[sink]!, e);
        _sinks[sink] = null;
    }
}
