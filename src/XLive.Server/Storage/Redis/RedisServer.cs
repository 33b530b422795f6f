using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using XLive.Server.Telemetry;

namespace XLive.Server.Storage.Redis;

/// <summary>
/// A server that is kept connected: tried anew for as long as it does not answer, more seldom each time and never at the same moment as
/// by others. Nothing waits for it to come back.
/// </summary>
internal sealed class RedisServer : IDisposable
{
    /// <summary>A connection, a handshake or a command that takes longer has failed. A SYN that is lost comes again after one second.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);

    // What is back must be seen within 2 s.
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly RedisDialer _dialer;
    private readonly Func<CancellationToken, Task<RedisAddress>> _locate;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationToken _stop;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile RedisConnection? _connection;
    private volatile string _code = RedisFault.Apart;
    private volatile string _fault = "not connected yet";
    private int _generation;

    /// <param name="locate">Asked before each connection: a master that sentinels name moves.</param>
    public RedisServer(RedisDialer dialer, Func<CancellationToken, Task<RedisAddress>> locate)
    {
        _dialer = dialer;
        _locate = locate;
        _stop = _stopping.Token;
    }

    public RedisServer(RedisDialer dialer, RedisAddress address)
        : this(dialer, _ => Task.FromResult(address)) => Address = address;

    /// <summary>Where it was last.</summary>
    public RedisAddress Address { get; private set; }

    public bool IsConnected => _connection is not null;

    /// <summary>Why it is not connected: the code of an error, and the words.</summary>
    public (string Code, string Text) Fault => (_code, _fault);

    public int Waiting => _connection?.Waiting ?? 0;

    public TimeSpan OldestWait => _connection?.OldestWait ?? TimeSpan.Zero;

    /// <summary>Another number for each connection.</summary>
    public int Generation => Volatile.Read(ref _generation);

    /// <summary>Completed when it is connected or has failed to be.</summary>
    public Task Changed => Volatile.Read(ref _changed).Task;

    public void Start(Supervisor supervisor, string name) => _ = supervisor.RunAsync(name, KeepAsync, _stop);

    public Task<RespValue> Send(RedisRequest request)
    {
        if (_connection is { } connection)
            return connection.Send(request);
        var why = RedisFault.Of(RedisFault.Apart, _fault);
        _dialer.Stats.Failed(why);
        return Task.FromResult(why);
    }

    /// <summary>Away from it: it is no longer who it was.</summary>
    public void Leave(string why) => _connection?.End(RedisFault.Of(RedisFault.Apart, why));

    private async Task KeepAsync(SupervisedLoop loop)
    {
        var pause = FirstPause;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                loop.Beat();
                Address = await _locate(_stop);
                using var connection = await _dialer.DialAsync(Address, null, _stop);
                if (Interlocked.Increment(ref _generation) > 1)
                    _dialer.Stats.Reconnected();
                _connection = connection;
                pause = FirstPause;
                Tell();
                loop.Rest();
                Failed(await WatchAsync(connection));
            }
            catch (Exception e) when (RedisDialer.IsOutage(e))
            {
                Failed(e is RedisException known ? RedisFault.Of(known.Code, known.Message) : RedisFault.Of(RedisFault.Apart, RedisDialer.Words(e, Address)));
            }
            loop.Rest();
            await Task.Delay(pause * (0.5 + (Random.Shared.NextDouble() / 2)), _dialer.Clock, _stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async Task<RespValue> WatchAsync(RedisConnection connection)
    {
        try
        {
            while (!connection.Ended.IsCompleted && !_stop.IsCancellationRequested)
            {
                await Task.WhenAny(connection.Ended, Task.Delay(Look, _dialer.Clock, _stop));
                if (connection.OldestWait > Patience)
                    connection.End(RedisFault.Of(RedisFault.Silent, $"{Address} has not answered for {Patience.TotalSeconds:0} s"));
            }
        }
        finally
        {
            _connection = null;
        }
        connection.Dispose();
        return await connection.Ended;
    }

    private void Failed(RespValue why)
    {
        (_code, _fault) = (why.Code, why.Text[Math.Min(why.Text.Length, why.Code.Length + 1)..]);
        Tell();
    }

    private void Tell() =>
        Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    public void Dispose()
    {
        if (_stop.IsCancellationRequested)
            return;
        _stopping.Cancel();
        _connection?.Dispose();
        _stopping.Dispose();
    }
}
