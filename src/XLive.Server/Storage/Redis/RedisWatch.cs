using XLive.Server.Telemetry;

namespace XLive.Server.Storage.Redis;

/// <param name="IsUsable">What is written there is taken.</param>
/// <param name="Reason">What is wrong; empty when nothing is. A slow one is usable, and is wrong all the same.</param>
public sealed record RedisState(bool IsUsable, string Reason, double LatencyMs);

/// <summary>
/// Looks four times a second whether Redis answers, how fast, and whether it takes what is written: a full one, a replica and one that
/// cannot save answer every question and keep nothing. A sign of our own that is gone tells of one that has lost all it had.
/// </summary>
public sealed partial class RedisWatch : IDisposable
{
    /// <summary>Who opens a session waits no longer than this for it.</summary>
    public static readonly TimeSpan Prompt = TimeSpan.FromMilliseconds(RedisStats.GoodMs);

    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan SignLasts = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(1);

    private static readonly RedisScript Sign = new("""
        local known = redis.call('EXISTS', KEYS[1])
        redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
        return known
        """);

    private readonly RedisClient _client;
    private readonly string _sign;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationToken _stop;
    private volatile RedisState _state = new(false, "not connected yet", 0);
    private int _epoch;
    private int _generation;
    private string _said = "";
    private long _saidAt;

    public RedisWatch(RedisClient client, string node, TimeProvider clock, ILogger<RedisWatch> log)
    {
        _client = client;
        _sign = $"{RedisClient.Prefix}node:{node}";
        _clock = clock;
        _log = log;
        _saidAt = clock.GetTimestamp();
        _stop = _stopping.Token;
    }

    public RedisState State => _state;

    /// <summary>Another number whenever what was written before may be gone; 0: never usable so far.</summary>
    public int Epoch => Volatile.Read(ref _epoch);

    /// <summary>It answers fast enough for somebody to wait for it.</summary>
    public bool IsPrompt => _state is { IsUsable: true, Reason: "" } && _client.OldestWait <= Prompt;

    public void Start(Supervisor supervisor) => _ = supervisor.RunAsync("redis watch", LookAsync, _stop);

    private async Task LookAsync(SupervisedLoop loop)
    {
        while (!_stop.IsCancellationRequested)
        {
            loop.Beat();
            await LookOnceAsync();
            Say();
            loop.Rest();
            await Task.Delay(Every, _clock, _stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task LookOnceAsync()
    {
        var generation = _client.Generation;
        if (_client.Fault is { } fault)
        {
            _state = new RedisState(false, fault.Text, _state.LatencyMs);
            return;
        }
        var asked = _clock.GetTimestamp();
        var answering = _client.EvalAsync(Sign, [_sign], (long)SignLasts.TotalMilliseconds);
        while (await Task.WhenAny(answering, Task.Delay(Prompt, _clock, CancellationToken.None)) != answering)
        {
            var waited = _clock.GetElapsedTime(asked).TotalMilliseconds;
            _state = _state with { Reason = $"slow: no answer for {waited:0} ms", LatencyMs = waited };
        }
        var answer = await answering;
        var took = _clock.GetElapsedTime(asked).TotalMilliseconds;
        if (answer.IsError)
        {
            _state = new RedisState(false, answer.Text, took);
            return;
        }
        if (!_state.IsUsable || generation != _generation || answer.Number == 0)
            Interlocked.Increment(ref _epoch);
        _generation = generation;
        _state = new RedisState(true, took <= RedisStats.GoodMs ? "" : $"slow: {took:0} ms for an answer", took);
    }

    /// <summary>Changes of kind only, and never two within a second: a Redis that comes and goes must not fill the log.</summary>
    private void Say()
    {
        var state = _state;
        var kind = state.IsUsable ? state.Reason.Length > 0 ? "slow" : "" : state.Reason;
        if (kind == _said || _clock.GetElapsedTime(_saidAt) < BetweenLines)
            return;
        (_said, _saidAt) = (kind, _clock.GetTimestamp());
        if (state.Reason.Length == 0)
            LogBack(_client.Target);
        else
            LogTrouble(state.Reason);
    }

    [LoggerMessage(LogLevel.Warning, "redis: {Reason}; viewers play on, devices are counted on this node alone")]
    private partial void LogTrouble(string reason);

    [LoggerMessage(LogLevel.Information, "redis: {Target} is there")]
    private partial void LogBack(RedisTarget target);

    public void Dispose()
    {
        if (_stop.IsCancellationRequested)
            return;
        _stopping.Cancel();
        _stopping.Dispose();
    }
}
