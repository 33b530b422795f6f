using XLive.Server.Telemetry;

namespace XLive.Server.Storage.Redis;

/// <summary>
/// A channel that is listened to. What is published while the connection is down is lost, so whoever listens also asks for himself now
/// and then; <see cref="Joined"/> says when it is time.
/// </summary>
public sealed class RedisSubscription : IDisposable
{
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(500);

    private readonly RedisClient _client;
    private readonly string _channel;
    private readonly Action<RespValue> _heard;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationToken _stop;
    private volatile bool _listens;
    private int _joined;

    /// <param name="heard">Told of each payload, on the thread that reads: it must not wait.</param>
    internal RedisSubscription(RedisClient client, Supervisor supervisor, string channel, Action<RespValue> heard)
    {
        _client = client;
        _channel = channel;
        _heard = heard;
        _stop = _stopping.Token;
        _ = supervisor.RunAsync("redis messages", ListenAsync, _stop);
    }

    public bool Listens => _listens;

    /// <summary>Times that it began to listen.</summary>
    public int Joined => Volatile.Read(ref _joined);

    private async Task ListenAsync(SupervisedLoop loop)
    {
        for (var turn = 0; !_stop.IsCancellationRequested; turn++)
        {
            try
            {
                loop.Beat();
                var address = await _client.LocateAsync(turn, _stop);
                using var connection = await _client.Dialer.DialAsync(address, _heard, _stop);
                var answer = await connection.SendAsync("SUBSCRIBE", _channel);
                if (!answer.IsError)
                {
                    Interlocked.Increment(ref _joined);
                    _listens = true;
                }
                loop.Rest();
                // A server that is frozen, or a network that is gone, closes nothing: a question now and then finds it out.
                while (_listens && !connection.Ended.IsCompleted && connection.OldestWait <= RedisServer.Patience && !_stop.IsCancellationRequested)
                {
                    if (connection.Waiting == 0)
                        _ = connection.SendAsync("PING");
                    await Task.WhenAny(connection.Ended, Task.Delay(Breath, _client.Dialer.Clock, _stop));
                }
            }
            catch (Exception e) when (RedisDialer.IsOutage(e))
            {
                // The client's own connection to the same server says what is wrong.
            }
            _listens = false;
            loop.Rest();
            await Task.Delay(Breath * (0.5 + (Random.Shared.NextDouble() / 2)), _client.Dialer.Clock, _stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose()
    {
        if (_stop.IsCancellationRequested)
            return;
        _stopping.Cancel();
        _stopping.Dispose();
    }
}
