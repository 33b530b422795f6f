using System.Diagnostics;
using XLive.Server.Playback.Vod.Origin;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// Asks an origin that has just gone away again until it is back, for as long as a player waits without a stall: an origin that is started anew is
/// away for a second, its breaker for two more. What it says is another matter, and so is silence: both have had their time.
/// </summary>
internal sealed class PatientOrigins(OriginClient origins)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    // One that breaks off each time is not away, but broken.
    private const int MostBrokenOff = 2;

    public async ValueTask<OriginReply> OpenAsync(OriginRequest request, CancellationToken cancel)
    {
        var began = Stopwatch.GetTimestamp();
        var broken = 0;
        while (true)
        {
            try
            {
                return await origins.OpenAsync(request, cancel);
            }
            catch (OriginException e) when (e.Fault is OriginFault.Refused or OriginFault.Busy || (e.Fault is OriginFault.BrokenOff && ++broken <= MostBrokenOff))
            {
                if (Stopwatch.GetElapsedTime(began) + Pause > Patience)
                    throw;
            }
            await Task.Delay(Pause, cancel);
        }
    }
}
