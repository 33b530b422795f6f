using XLive.Server.Traffic.Reports;

namespace XLive.Server.Hooks;

/// <summary>
/// Whether the site answers. After two posts in a row without an answer it counts as silent: nobody waits for it any more, and it is tried by
/// one post at a time, an event from the spool or a question that nobody waits for, until it answers.
/// </summary>
public sealed class HookEndpoint(TimeProvider clock)
{
    // One may have been lost on the way.
    private const int Enough = 2;

    // Questions that try whether it is back; a viewer who has just been turned away comes again about as soon.
    private static readonly TimeSpan BetweenProbes = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly RetryPauses _pauses = new();
    private TaskCompletionSource _silenced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _unheard;
    private long _pauseUntil;
    private long _probedAt;
    private volatile bool _isSilent;
    private volatile string? _trouble;

    public bool IsSilent => _isSilent;

    /// <summary>What the last post came to, as long as none was answered after it.</summary>
    public string? Trouble => _trouble;

    /// <summary>Over as soon as it is silent.</summary>
    internal Task Silenced
    {
        get { lock (_gate) return _silenced.Task; }
    }

    /// <summary>Until when no event is posted; 0: one may be.</summary>
    internal long PauseUntil => Volatile.Read(ref _pauseUntil);

    /// <summary>It was silent, and answers again; the other way round. On the thread of whoever posted.</summary>
    internal Action<bool>? Turned { get; set; }

    internal void Heard()
    {
        bool turned;
        lock (_gate)
        {
            turned = _isSilent;
            (_unheard, _isSilent, _trouble) = (0, false, null);
            _pauses.Reset();
            Volatile.Write(ref _pauseUntil, 0);
            if (turned)
                _silenced = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        if (turned)
            Turned?.Invoke(false);
    }

    internal void Unheard(string said, TimeSpan? retryAfter)
    {
        bool turned;
        lock (_gate)
        {
            _trouble = said;
            var now = clock.GetTimestamp();
            // Of several posts that were on their way together one is the outage.
            if (now >= _pauseUntil || retryAfter is not null)
                Volatile.Write(ref _pauseUntil, now + (long)(_pauses.Next(retryAfter).TotalSeconds * clock.TimestampFrequency));
            turned = ++_unheard >= Enough && !_isSilent;
            if (turned)
            {
                _isSilent = true;
                _probedAt = now;
                _silenced.TrySetResult();
            }
        }
        if (turned)
            Turned?.Invoke(true);
    }

    /// <summary>It answers, and does not take an event: a moment's peace, whichever streams the others are of.</summary>
    internal void Rest()
    {
        lock (_gate)
            Volatile.Write(ref _pauseUntil, Math.Max(_pauseUntil, clock.GetTimestamp() + clock.TimestampFrequency));
    }

    /// <summary>A question may be put to see whether it is back.</summary>
    internal bool MayProbe()
    {
        lock (_gate)
        {
            var now = clock.GetTimestamp();
            if (clock.GetElapsedTime(_probedAt, now) < BetweenProbes)
                return false;
            _probedAt = now;
            return true;
        }
    }
}
