using XLive.Server.Telemetry;

namespace XLive.Server.Storage.Redis;

/// <summary>
/// Redis as the rest of the server sees it: commands that are answered or fail at once, never an exception, and word of what is wrong.
/// Every key begins with <see cref="Prefix"/>. StackExchange.Redis would queue what it cannot send; here an outage is an answer.
/// </summary>
public sealed class RedisClient : IDisposable
{
    public const string Prefix = "xlive:";

    private readonly RedisTarget _target;
    private readonly RedisDialer _dialer;
    private readonly Supervisor _supervisor;
    private readonly RedisSentinels? _sentinels;
    private readonly RedisServer? _server;
    private readonly RedisCluster? _cluster;
    private readonly TimeProvider _clock;

    public RedisClient(RedisTarget target, Supervisor supervisor, TimeProvider clock)
    {
        _target = target;
        _clock = clock;
        _supervisor = supervisor;
        _dialer = new RedisDialer(target, clock, Stats);
        switch (target.Form)
        {
            case RedisForm.Cluster:
                _cluster = new RedisCluster(_dialer, supervisor);
                break;
            case RedisForm.Sentinel:
                _sentinels = new RedisSentinels(_dialer);
                _server = new RedisServer(_dialer, _sentinels.LocateAsync);
                _sentinels.Moved = address => _server.Leave("the master is " + address + " now");
                break;
            default:
                _server = new RedisServer(_dialer, target.Addresses[0]);
                break;
        }
    }

    public RedisTarget Target => _target;

    public RedisStats Stats { get; } = new();

    internal RedisServer[] Servers => _cluster?.Nodes ?? [_server!];

    private IEnumerable<RedisServer> Needed => _cluster?.Masters ?? [_server!];

    internal RedisDialer Dialer => _dialer;

    /// <summary>Why a command would not reach its server; null when all are connected.</summary>
    public (string Code, string Text)? Fault
    {
        get
        {
            foreach (var server in Needed)
            {
                if (!server.IsConnected)
                    return server.Fault;
            }
            return _cluster is { IsKnown: false } ? (RedisFault.Apart, "no node says who serves which slots") : null;
        }
    }

    public int Waiting => Servers.Sum(s => s.Waiting);

    /// <summary>Where the bound on <see cref="Waiting"/> lies, for all servers together.</summary>
    public int MostWaiting => RedisConnection.MostWaiting * Servers.Length;

    public int ServerCount => Servers.Length;

    public int Connected => Servers.Count(s => s.IsConnected);

    public TimeSpan OldestWait => Needed.Select(s => s.OldestWait).DefaultIfEmpty().Max();

    /// <summary>Another number whenever a connection has been made anew.</summary>
    public int Generation => Servers.Sum(s => s.Generation);

    public void Start()
    {
        _sentinels?.Start(_supervisor);
        _server?.Start(_supervisor, "redis");
        _cluster?.Start();
    }

    /// <param name="key">The key that decides where in a cluster it goes; null: anywhere.</param>
    public Task<RespValue> SendAsync(string? key, params ReadOnlySpan<RedisWord> words) => SendAsync(key, RedisWord.Write(words));

    private Task<RespValue> SendAsync(string? key, byte[] command)
    {
        if (_cluster is not null)
            return _cluster.SendAsync(key, command);
        var sent = _server!.Send(new RedisRequest(command, _clock.GetTimestamp()));
        return _sentinels is null ? sent : AsMaster(sent);
    }

    /// <summary>A replica in the place of the master: the sentinels are asked again.</summary>
    private async Task<RespValue> AsMaster(Task<RespValue> sent)
    {
        var answer = await sent;
        if (answer.Code == "READONLY")
            _server!.Leave("it is a replica now");
        return answer;
    }

    /// <param name="words">The keys, all of one slot, and the arguments.</param>
    public async Task<RespValue> EvalAsync(RedisScript script, string[] keys, params RedisWord[] words)
    {
        var answer = await SendAsync(keys[0], RedisWord.Write(["EVALSHA", script.Hash, keys.Length, .. Words(keys), .. words]));
        return answer.Code == "NOSCRIPT" ? await SendAsync(keys[0], RedisWord.Write(["EVAL", script.Text, keys.Length, .. Words(keys), .. words])) : answer;
    }

    private static RedisWord[] Words(string[] keys) => Array.ConvertAll(keys, static k => (RedisWord)k);

    /// <summary>What others publish, heard on a connection of its own for as long as the client lives.</summary>
    public RedisSubscription Subscribe(string channel, Action<RespValue> heard) => new(this, _supervisor, channel, heard);

    internal Task<RedisAddress> LocateAsync(int turn, CancellationToken stop)
    {
        if (_sentinels is not null)
            return _sentinels.LocateAsync(stop);
        var servers = Servers;
        return Task.FromResult(servers[turn % servers.Length].Address);
    }

    public void Dispose()
    {
        _sentinels?.Dispose();
        _server?.Dispose();
        _cluster?.Dispose();
    }
}
