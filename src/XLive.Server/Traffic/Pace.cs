using System.Diagnostics;

namespace XLive.Server.Traffic;

/// <summary>
/// So many bytes a second, shared by all who take from it: a bucket that fills with time. Whoever finds too little waits; what the kernel
/// did not take comes back.
/// </summary>
public sealed class Pace(long bytesPerSecond)
{
    /// <summary>Looked at again at least so often, whatever the rate: a stop or a new rate must not wait for a slow one.</summary>
    public const int LongestWait = 250;

    private readonly Lock _gate = new();
    private readonly double _perTick = (double)bytesPerSecond / Stopwatch.Frequency;
    private double _there;
    private long _at = Stopwatch.GetTimestamp();

    public long BytesPerSecond => bytesPerSecond;

    /// <summary>How many of these bytes may leave now; 0: none before so many milliseconds.</summary>
    public long Take(long wanted, out int wait)
    {
        // A tenth of a second at once: smaller pieces cost calls, larger ones make a player's buffer swing.
        var piece = Math.Min(wanted, Math.Max(1, bytesPerSecond / 10));
        lock (_gate)
        {
            var now = Stopwatch.GetTimestamp();
            // Half a second is kept for those who wake late; who was idle for longer does not save up.
            _there = Math.Min(_there + (now - _at) * _perTick, Math.Max(1, bytesPerSecond / 2.0));
            _at = now;
            if (_there >= piece)
            {
                var allowed = Math.Min(wanted, (long)_there);
                _there -= allowed;
                wait = 0;
                return allowed;
            }
            wait = (int)Math.Clamp((piece - _there) * 1000 / bytesPerSecond + 1, 1, LongestWait);
            return 0;
        }
    }

    public void PutBack(long bytes)
    {
        lock (_gate)
            _there += bytes;
    }
}
