namespace XLive.Server.Rtmp;

/// <summary>How long to wait before another server is asked again: doubling from a second to half a minute, and a quarter more or less, so that nodes that lost one server do not come back to it at once.</summary>
internal sealed class RelayPause
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    // More than the silence that ends one: a server that begins well and then fails each time is spared too.
    private static readonly TimeSpan Settled = 2 * RtmpRemote.Silence;

    private TimeSpan _next = First;

    /// <param name="lasted">For so long media went over it this time.</param>
    public TimeSpan Next(TimeSpan lasted)
    {
        if (lasted > Settled)
            _next = First;
        var pause = _next * (0.75 + (Random.Shared.NextDouble() / 2));
        _next = _next * 2 < Longest ? _next * 2 : Longest;
        return pause;
    }
}
