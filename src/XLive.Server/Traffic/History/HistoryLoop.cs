using XLive.Server.Storage;
using XLive.Server.Telemetry;

namespace XLive.Server.Traffic.History;

/// <summary>Every few seconds what was counted goes into the database; once an hour what is too old goes out of it.</summary>
internal sealed class HistoryLoop(
    HistoryMover mover, TrafficHistory history, Database db, Func<HistoryOptions> options, Supervisor supervisor, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_sweep = TimeSpan.FromHours(1);

    private long _swept;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => supervisor.RunAsync("traffic history", async loop =>
    {
        using PeriodicTimer turns = new(s_period, clock);
        do
        {
            loop.Beat();
            await mover.MoveAsync(stoppingToken);
            if (_swept == 0 || clock.GetElapsedTime(_swept) >= s_sweep)
            {
                await SweepAsync(loop, stoppingToken);
            }
            loop.Rest();
        }
        while (await turns.WaitForNextTickAsync(stoppingToken));
    }, stoppingToken);

    private async Task SweepAsync(SupervisedLoop loop, CancellationToken stop)
    {
        TimeSpan kept = options().History;
        if (kept > TimeSpan.Zero)
        {
            long before = (clock.GetUtcNow() - kept).ToUnixTimeSeconds();
            try
            {
                while (!stop.IsCancellationRequested && await db.RunAsync(_ => history.Forget(before - before % TrafficHistory.Hour)))
                {
                    loop.Beat();
                }
            }
            catch (DatabaseException)
            {
                return; // away, as health says: at the next turn
            }
        }
        _swept = clock.GetTimestamp();
    }
}
