using XLive.Server.Telemetry;

namespace XLive.Server.Storage.Redis;

/// <summary>Asks the sentinels who the master is, and listens to one of them for another.</summary>
internal sealed class RedisSentinels(RedisDialer dialer) : IDisposable
{
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(500);

    private readonly CancellationTokenSource _stop = new();
    private volatile string _master = "";
    private int _next;

    /// <summary>Told when the master is another one than before.</summary>
    public Action<string>? Moved { get; set; }

    public void Start(Supervisor supervisor) => _ = supervisor.RunAsync("redis sentinels", ListenAsync, _stop.Token);

    /// <exception cref="RedisException">No sentinel knows.</exception>
    public async Task<RedisAddress> LocateAsync(CancellationToken stop)
    {
        var sentinels = dialer.Target.Addresses;
        var why = "";
        for (var i = 0; i < sentinels.Length; i++)
        {
            // The one that answered last comes first.
            var at = (_next + i) % sentinels.Length;
            try
            {
                using var connection = await dialer.DialSentinelAsync(sentinels[at], null, stop);
                var address = await AskAsync(connection, sentinels[at]).WaitAsync(RedisServer.Patience, dialer.Clock, stop);
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
        var answer = await connection.SendAsync("SENTINEL", "get-master-addr-by-name", dialer.Target.Master);
        if (answer.IsError)
            throw new RedisException(answer.Code, $"{sentinel}: {answer.Text}");
        return answer.Items is [var host, var port] && RedisAddress.TryParse(host.Text + ":" + port.Text, 0, out var address)
            ? address
            : throw new RedisException(RedisFault.Apart, $"{sentinel} knows no master {dialer.Target.Master}");
    }

    private async Task ListenAsync(SupervisedLoop loop)
    {
        for (var turn = 0; !_stop.IsCancellationRequested; turn++)
        {
            var sentinel = dialer.Target.Addresses[turn % dialer.Target.Addresses.Length];
            try
            {
                loop.Beat();
                using var connection = await dialer.DialSentinelAsync(sentinel, Heard, _stop.Token);
                await connection.SendAsync("SUBSCRIBE", "+switch-master");
                loop.Rest();
                while (!connection.Ended.IsCompleted && !_stop.IsCancellationRequested)
                {
                    // Also asked now and then: a message may have been lost with the connection before this one.
                    await Task.WhenAny(connection.Ended, Task.Delay(Breath, dialer.Clock, _stop.Token));
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
            await Task.Delay(Breath, dialer.Clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>"name old-host old-port new-host new-port"</summary>
    private void Heard(RespValue payload)
    {
        if (payload.Text.Split(' ') is [var name, _, _, var host, var port] && name == dialer.Target.Master
            && RedisAddress.TryParse(host + ":" + port, 0, out var address) && address.ToString() != _master)
            Moved?.Invoke(address.ToString());
    }

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }
}
