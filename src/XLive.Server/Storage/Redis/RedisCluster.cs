using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Storage.Redis;

/// <summary>
/// The nodes of a cluster and the slots they serve: asked of any of them, mended by what they answer. A command goes to its slot's node
/// and after a redirection (MOVED, ASK) where that leads.
/// </summary>
internal sealed class RedisCluster : IDisposable
{
    /// <summary>A connection each; a cluster has a thousand at most, and one for shared sessions a few.</summary>
    private const int MostNodes = 128;

    private const int MostRedirections = 5;
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Seldom = TimeSpan.FromSeconds(15);

    private readonly RedisDialer _dialer;
    private readonly Supervisor _supervisor;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationToken _stop;
    private readonly Lock _gate = new();
    private readonly RedisServer?[] _slots = new RedisServer?[RedisSlots.Count];
    private volatile RedisServer[] _nodes;
    private volatile HashSet<RedisAddress> _masters = [];
    private volatile bool _stale = true;
    private volatile bool _known;

    public RedisCluster(RedisDialer dialer, Supervisor supervisor)
    {
        _dialer = dialer;
        _supervisor = supervisor;
        _stop = _stopping.Token;
        _nodes = [.. dialer.Target.Addresses.Distinct().Select(a => new RedisServer(dialer, a))];
    }

    public RedisServer[] Nodes => _nodes;

    /// <summary>Those that serve slots; all that are known, as long as none is known to.</summary>
    public IEnumerable<RedisServer> Masters => _known ? _nodes.Where(n => _masters.Contains(n.Address)) : _nodes;

    public bool IsKnown => _known;

    public void Start()
    {
        foreach (var node in _nodes)
            node.Start(_supervisor, "redis " + node.Address);
        _ = _supervisor.RunAsync("redis cluster", FollowAsync, _stop);
    }

    public async Task<RespValue> SendAsync(string? key, byte[] command)
    {
        var server = key is null ? AnyNode() : Volatile.Read(ref _slots[RedisSlots.Of(key)]) ?? AnyNode();
        var asking = false;
        for (var turn = 0; ; turn++)
        {
            var answer = await server.Send(asking
                ? new RedisRequest([.. Asking, .. command], _dialer.Clock.GetTimestamp(), answers: 2)
                : new RedisRequest(command, _dialer.Clock.GetTimestamp()));
            var code = answer.Code;
            if (code == RedisFault.Apart)
                _stale = true;
            if (turn == MostRedirections || code is not ("MOVED" or "ASK") || answer.Text.Split(' ') is not [_, var slotText, var where]
                || !WholeNumber.TryRead(slotText, RedisSlots.Count - 1, out var slot)
                || NodeAt(where, server.Address) is not { } next)
                return answer;
            asking = code == "ASK";
            if (!asking)
            {
                Volatile.Write(ref _slots[slot], next);
                _stale = true;
            }
            server = next;
            // One that was heard of a moment ago is being connected to.
            if (!server.IsConnected)
                await Task.WhenAny(server.Changed, Task.Delay(Often, _dialer.Clock, CancellationToken.None));
        }
    }

    private static readonly byte[] Asking = RedisWord.Write("ASKING");

    private RedisServer AnyNode()
    {
        var nodes = _nodes;
        foreach (var node in nodes)
        {
            if (node.IsConnected)
                return node;
        }
        return nodes[0];
    }

    /// <summary>Null for an address that is none, or one too many.</summary>
    private RedisServer? NodeAt(string text, RedisAddress toldBy)
    {
        // Without a host: the one that was asked.
        if (text.StartsWith(':'))
            text = toldBy.Host + text;
        if (!RedisAddress.TryParse(text, 0, out var address))
            return null;
        lock (_gate)
        {
            if (Array.Find(_nodes, n => n.Address == address) is { } known)
                return known;
            if (_nodes.Length >= MostNodes || _stop.IsCancellationRequested)
                return null;
            var node = new RedisServer(_dialer, address);
            _nodes = [.. _nodes, node];
            node.Start(_supervisor, "redis " + address);
            return node;
        }
    }

    private async Task FollowAsync(SupervisedLoop loop)
    {
        var since = _dialer.Clock.GetTimestamp();
        while (!_stop.IsCancellationRequested)
        {
            if (_stale || _dialer.Clock.GetElapsedTime(since) > Seldom)
            {
                loop.Beat();
                _stale = !await AskAsync();
                since = _dialer.Clock.GetTimestamp();
                loop.Rest();
            }
            var pause = _known ? Often : TimeSpan.FromMilliseconds(50);
            await Task.Delay(pause, _dialer.Clock, _stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> AskAsync()
    {
        foreach (var node in _nodes)
        {
            if (!node.IsConnected)
                continue;
            var answer = await node.Send(new RedisRequest(RedisWord.Write("CLUSTER", "SLOTS"), _dialer.Clock.GetTimestamp()));
            if (answer.Kind == RespKind.List && Take(answer, node.Address))
                return true;
        }
        return false;
    }

    /// <summary>[first, last, [host, port, id, ...], replicas...]...</summary>
    private bool Take(in RespValue ranges, RedisAddress toldBy)
    {
        var masters = new HashSet<RedisAddress>();
        foreach (var range in ranges.Items)
        {
            if (range.Items is not [var first, var last, var master, ..] || master.Items is not [var host, var port, ..]
                || first.Number < 0 || last.Number >= RedisSlots.Count || NodeAt(Bracketed(host.Text) + ":" + port.Text, toldBy) is not { } node)
                continue;
            masters.Add(node.Address);
            for (var slot = first.Number; slot <= last.Number; slot++)
                Volatile.Write(ref _slots[slot], node);
        }
        if (masters.Count == 0)
            return false;
        _masters = masters;
        _known = true;
        DropStrangers(ranges, toldBy);
        return true;
    }

    private static string Bracketed(string host) => host.Contains(':') ? $"[{host}]" : host;

    /// <summary>Nodes that neither the settings nor the cluster name any more.</summary>
    private void DropStrangers(in RespValue ranges, RedisAddress toldBy)
    {
        var named = new HashSet<RedisAddress>(_dialer.Target.Addresses);
        foreach (var range in ranges.Items)
        {
            foreach (var node in range.Items.Skip(2))
            {
                if (node.Items is [var host, var port, ..]
                    && RedisAddress.TryParse((host.Text.Length == 0 ? toldBy.Host : Bracketed(host.Text)) + ":" + port.Text, 0, out var address))
                    named.Add(address);
            }
        }
        lock (_gate)
        {
            var gone = _nodes.Where(n => !named.Contains(n.Address) && !_masters.Contains(n.Address)).ToArray();
            _nodes = [.. _nodes.Except(gone)];
            foreach (var node in gone)
                node.Dispose();
        }
    }

    public void Dispose()
    {
        if (_stop.IsCancellationRequested)
            return;
        _stopping.Cancel();
        foreach (var node in _nodes)
            node.Dispose();
        _stopping.Dispose();
    }
}
