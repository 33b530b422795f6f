using XLive.Server.Telemetry;

namespace XLive.Server.Playback.Vod.Origin;

/// <summary>Origins that are not asked are looked at, so that they are asked again when they are well, and by no viewer first.</summary>
internal sealed partial class OriginClient
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan ProbePatience = TimeSpan.FromSeconds(5);

    private async Task ProbeAsync(SupervisedLoop loop)
    {
        var probes = new Task?[_servers.Length];
        while (!_stop.IsCancellationRequested)
        {
            await Task.Delay(Look, _clock, _stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            loop.Beat();
            for (var i = 0; i < _servers.Length; i++)
            {
                // One at a time to each, and one that hangs holds up none of the others.
                if (probes[i] is null or { IsCompleted: true } && _servers[i].Breaker.TryHalfOpen())
                    probes[i] = ProbeAsync(_servers[i]);
            }
            loop.Rest();
        }
    }

    /// <summary>One byte of what it was asked for before: some answer HEAD from another place than GET, or not at all.</summary>
    private async Task ProbeAsync(OriginServer server)
    {
        var request = new OriginRequest(server.KnownPath ?? "/", "", OriginKind.Small);
        try
        {
            (await server.AskAsync(new Asking(request, 0, 0, null), ProbePatience, _stop)).Dispose();
        }
        catch (Exception e) when (e is OriginException or OperationCanceledException or ObjectDisposedException)
        {
            // The breaker has been told.
        }
    }
}
