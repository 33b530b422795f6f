using System.Diagnostics;
using Microsoft.Extensions.Logging;
using XLive.Server.Door;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Health;

public enum HealthState { Healthy, Degraded, Unhealthy }

public sealed record HealthEntry(string Name, HealthState State, string Detail, double LatencyMs);

/// <summary>A look at one thing the server needs. It may take its time: the page never waits for it.</summary>
public sealed record HealthCheck(string Name, Func<(HealthState, string)> Look)
{
    /// <summary>It waits for nothing, so it is looked at whenever it is asked about, even when nobody looks around any more.</summary>
    public bool AtOnce { get; init; }
}

/// <summary>
/// Looks every few seconds, each check on a thread of its own and none twice at once, and answers from what was last seen: a disk that
/// hangs makes its own entry unhealthy and nothing else late.
/// </summary>
public sealed partial class HealthChecks(
    IEnumerable<HealthCheck> checks, Drain drain, Supervisor supervisor, TimeProvider clock, ILogger<HealthChecks> log) : IDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Watched[] _checks = [.. checks.Select(c => new Watched(c))];
    private SupervisedLoop? _looks;
    private volatile bool _started;
    private HealthState _last = HealthState.Healthy;

    /// <summary>The state before, and now, and why. Must not wait.</summary>
    public Action<HealthState, HealthState, string>? Turned { get; set; }

    public bool Draining => drain.Begun;

    public bool IsReady => _started && !drain.Begun && State != HealthState.Unhealthy;

    public HealthState State
    {
        get
        {
            var worst = HealthState.Healthy;
            foreach (var entry in Entries)
            {
                if (entry.State > worst)
                    worst = entry.State;
            }
            return worst;
        }
    }

    public IEnumerable<HealthEntry> Entries => _checks.Select(c => c.Entry(clock));

    public void Start()
    {
        // A mount that hangs must not hold up the start: its own entry says so when the time comes.
        foreach (var check in _checks)
        {
            check.Start(supervisor, clock);
            check.LookSoon();
        }
        _started = true;
        _looks = supervisor.Every("health", Every, LookAround);
    }

    private void LookAround()
    {
        foreach (var check in _checks)
            check.LookSoon();
        var state = State;
        if (state == _last)
            return;
        var before = _last;
        _last = state;
        var why = string.Join("; ", Entries.Where(e => e.State != HealthState.Healthy).Select(e => e.Name + ": " + e.Detail));
        LogState(state, why);
        Turned?.Invoke(before, state, why);
    }

    [LoggerMessage(LogLevel.Warning, "health is {State} now {Why}")]
    private partial void LogState(HealthState state, string why);

    public void Dispose()
    {
        _looks?.Dispose();
        foreach (var check in _checks)
            check.Dispose();
    }

    private sealed class Watched(HealthCheck check) : IDisposable
    {
#pragma warning disable CA2213 // its thread may still wait on it; it holds no handle unless one is asked for
        private readonly ManualResetEventSlim _soon = new(false, spinCount: 0);
#pragma warning restore CA2213
        private SupervisedLoop? _loop;
        private volatile HealthEntry _entry = new(check.Name, HealthState.Healthy, "not looked at yet", 0);
        private long _since;
        private int _looking;

        public HealthEntry Entry(TimeProvider clock)
        {
            if (check.AtOnce)
                Look(clock);
            var since = Volatile.Read(ref _since);
            return Volatile.Read(ref _looking) == 1 && since != 0 && clock.GetElapsedTime(since) is var waited && waited > Patience
                ? new HealthEntry(check.Name, HealthState.Unhealthy, $"has not answered for {waited.TotalSeconds:0} s", waited.TotalMilliseconds)
                : _entry;
        }

        public void LookSoon()
        {
            if (!check.AtOnce)
                _soon.Set();
        }

        /// <summary>Threads are started here once: without a descriptor left, which is when one wants to know, none can be.</summary>
        public void Start(Supervisor supervisor, TimeProvider clock)
        {
            if (!check.AtOnce)
                _loop = supervisor.OnThread("health " + check.Name, 128 * 1024, loop => Turns(loop, clock));
        }

        private void Turns(SupervisedLoop loop, TimeProvider clock)
        {
            while (true)
            {
                loop.Rest();
                _soon.Wait();
                _soon.Reset();
                if (loop.Ended)
                    return;
                loop.Beat();
                Look(clock);
            }
        }

        public void Dispose()
        {
            _loop?.Dispose();
            _soon.Set();
        }

        public void Look(TimeProvider clock)
        {
            if (Interlocked.Exchange(ref _looking, 1) == 1)
                return;
            var started = clock.GetTimestamp();
            Volatile.Write(ref _since, started);
            try
            {
                var (state, detail) = check.Look();
                _entry = new HealthEntry(check.Name, state, detail, clock.GetElapsedTime(started).TotalMilliseconds);
            }
            catch (Exception e)
            {
                _entry = new HealthEntry(check.Name, HealthState.Unhealthy, e.Message, clock.GetElapsedTime(started).TotalMilliseconds);
            }
            finally
            {
                Volatile.Write(ref _looking, 0);
            }
        }
    }
}
