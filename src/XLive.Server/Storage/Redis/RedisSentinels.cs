using XLive.Server.Telemetry;

namespace XLive.Server.Storage.Redis;

/// <summary>Asks the sentinels who the master is, and listens to one of them for another.</summary>
internal sealed class RedisSentinels : IDisposable
{
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(500);

    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationToken _stop;
    private volatile string _master = "";
    private readonly RedisDialer _dialer;
    private int _next;

    public RedisSentinels(RedisDialer dialer)
    {
        _dialer = dialer;
        _stop = _stopping.Token;
    }

    /// <summary>Told when the master is another one than before.</summary>
    public Action<string>? Moved { get; set; }

    public void Start(Supervisor supervisor) => _ = supervisor.RunAsync("redis sentinels", ListenAsync, _stop);

    /// <exception cref="RedisException">No sentinel knows.</exception>
    public async Task<RedisAddress> LocateAsync(CancellationToken stop)
    {
        var sentinels = _dialer.Target.Addresses;
        var why = "";
        for (var i = 0; i < sentinels.Length; i++)
        {
            // The one that answered last comes first.
            var at = (_next + i) % sentinels.Length;
            try
            {
                using var connection = await _dialer.DialSentinelAsync(sentinels[at], null, stop);
                var address = await AskAsync(connection, sentinels[at]).WaitAsync(RedisServer.Patience, _dialer.Clock, stop);
                _next = at;
                _master = address.ToString();
                return address;
            }
            catch (Exception e) when (RedisDialer.IsOutage(e) || e is TimeoutException)
            {
                why = e is RedisException ? e.Message : RedisDialer.Words(e, sentinels[at]);
            }
            stop.ThrowIfCancellationRequested();
        }
        throw new RedisException(RedisFault.Apart, "no sentinel names a master: " + why);
    }

    private async Task<RedisAddress> AskAsync(RedisConnection connection, RedisAddress sentinel)
    {
        var answer = await connection.SendAsync("SENTINEL", "get-master-addr-by-name", _dialer.Target.Master);
        if (answer.IsError)
            throw new RedisException(answer.Code, $"{sentinel}: {answer.Text}");
        return answer.Items is [var host, var port] && RedisAddress.TryParse(host.Text + ":" + port.Text, 0, out var address)
            ? address
            : throw new RedisException(RedisFault.Apart, $"{sentinel} knows no master {_dialer.Target.Master}");
    }

    private async Task ListenAsync(SupervisedLoop loop)
    {
        for (var turn = 0; !_stop.IsCancellationRequested; turn++)
        {
            var sentinel = _dialer.Target.Addresses[turn % _dialer.Target.Addresses.Length];
            try
            {
                loop.Beat();
                using var connection = await _dialer.DialSentinelAsync(sentinel, Heard, _stop);
                await connection.SendAsync("SUBSCRIBE", "+switch-master");
                loop.Rest();
                while (!connection.Ended.IsCompleted && !_stop.IsCancellationRequested)
                {
                    // Also asked now and then: a message may have been lost with the connection before this one.
                    await Task.WhenAny(connection.Ended, Task.Delay(Breath, _dialer.Clock, _stop));
                    if (connection.OldestWait > RedisServer.Patience)
                        break;
                    if (connection.Waiting == 0)
                        _ = connection.SendAsync("PING");
                }
            }
            catch (Exception e) when (RedisDialer.IsOutage(e))
            {
                // The next one knows as much; when none answers, whoever asks them for the master says so.
            }
            loop.Rest();
            await Task.Delay(Breath, _dialer.Clock, _stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>"name old-host old-port new-host new-port"</summary>
    private void Heard(RespValue payload)
    {
        if (payload.Text.Split(' ') is [var name, _, _, var host, var port] && name == _dialer.Target.Master
            && RedisAddress.TryParse(host + ":" + port, 0, out var address) && address.ToString() != _master)
            Moved?.Invoke(address.ToString());
    }

    public void Dispose()
    {
        if (_stop.IsCancellationRequested)
            return;
        _stopping.Cancel();
        _stopping.Dispose();
    }
}
