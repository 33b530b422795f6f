using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using XLive.Server.Playback.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Playback.Vod.Origin;

namespace XLive.Server.Playback.Vod.Warming;

/// <summary>
/// Warmings under way, and those that have ended lately. Together they use a share of the connections to the origins: who watches comes first.
/// </summary>
internal sealed partial class WarmJobs : IDisposable
{
    public const int MostRunning = 4;
    public const int MostKept = 50;

    // One of five connections, and of many no more than fill a gigabit: warming is not urgent.
    private const int ShareOfConnections = 5;
    private const int MostAtOnce = 4;

    private readonly OriginCache _cache;
    private readonly KeyPaths _keys;
    private readonly Func<string, CancellationToken, ValueTask<bool>>? _isInFolder;
    private readonly TimeProvider _clock;
    private readonly ILogger<WarmJobs> _log;
    private readonly Turns _turns;
    private readonly Lock _gate = new();
    private readonly List<WarmJob> _jobs = [];

    /// <param name="isInFolder">With hybrid: a file that lies there is never asked of an origin.</param>
    public WarmJobs(OriginCache cache, KeyPaths keys, OriginOptions origin, Func<string, CancellationToken, ValueTask<bool>>? isInFolder, TimeProvider clock, ILogger<WarmJobs> log)
    {
        (_cache, _keys, _isInFolder, _clock, _log) = (cache, keys, isInFolder, clock, log);
        AtOnce = Math.Clamp(Math.Min(origin.ConnectorLimit, origin.ConnectorLimitPerHost) / ShareOfConnections, 1, MostAtOnce);
        _turns = new Turns(AtOnce, MostRunning * AtOnce);
    }

    /// <summary>Requests to the origins by all jobs together.</summary>
    public int AtOnce { get; }

    /// <summary>The newest first.</summary>
    public WarmJob[] All
    {
        get
        {
            lock (_gate)
                return [.. _jobs.AsEnumerable().Reverse()];
        }
    }

    public int Running => All.Count(static j => !j.IsOver);

    public WarmJob? Find(string id) => Array.Find(All, j => j.Id == id);

    /// <returns>Null: as many run as may.</returns>
    public WarmJob? Start(IReadOnlyList<WarmPiece> pieces)
    {
        WarmJob job;
        lock (_gate)
        {
            if (_jobs.Count(static j => !j.IsOver) >= MostRunning)
                return null;
            if (_jobs.Count == MostKept)
                _jobs.Remove(_jobs.First(static j => j.IsOver));
            job = new WarmJob(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6)), _clock.GetUtcNow());
            _jobs.Add(job);
        }
        _ = RunAsync(new WarmWalk(job, _cache, _keys, _isInFolder, _turns, AtOnce, _clock), pieces);
        return job;
    }

    private async Task RunAsync(WarmWalk walk, IReadOnlyList<WarmPiece> pieces)
    {
        // Whoever asked has his answer first.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var job = walk.Job;
        try
        {
            await walk.RunAsync(pieces);
        }
        catch (Exception e)
        {
            job.GiveUp("a fault of the server; its log says more");
            LogUnexpected(job.Id, e);
        }
        finally
        {
            job.End(_clock.GetUtcNow());
            LogEnded(job.Id, job.Warm, job.Total, job.Bytes, job.Failed);
        }
    }

    public void Dispose()
    {
        foreach (var job in All)
            job.Stop();
    }

    [LoggerMessage(LogLevel.Information, "warming {Id} has ended: {Warm} of {Total}, {Bytes} bytes, {Failed} failed")]
    private partial void LogEnded(string id, int warm, int total, long bytes, int failed);

    [LoggerMessage(LogLevel.Error, "warming {Id} failed")]
    private partial void LogUnexpected(string id, Exception e);
}
