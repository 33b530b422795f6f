using System.Diagnostics;
using XLive.Server.Sessions;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Redis;

/// <summary>
/// The fault menu, each on a real redis-server: the state says what is wrong, who enters does not wait, little is logged, and within 2 s
/// of its end all is written anew.
/// </summary>
public sealed class RedisFaultTests
{
    private static readonly CancellationToken Stop = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Slow()
    {
        using var redis = RedisProcess.Start();
        await using var node = await Joined(redis);
        using var paused = new CancellationTokenSource();
        // Half a second for each answer: a pause, let go at once, and again.
        var slow = Task.Run(async () =>
        {
            while (!paused.IsCancellationRequested)
            {
                redis.Freeze();
                await Task.Delay(500, CancellationToken.None);
                redis.Thaw();
                await Task.Delay(10, CancellationToken.None);
            }
        }, Stop);
        node.IsDegraded("slow");
        await EntersAreQuick(node);
        await paused.CancelAsync();
        await slow;
        await AllIsWell(node, redis);
        Assert.True(node.Client.Stats.Slow > 0);
    }

    [Fact]
    public async Task Stopped()
    {
        using var redis = RedisProcess.Start();
        await using var node = await Joined(redis);
        redis.Freeze();
        node.IsDegraded("slow");
        await EntersAreQuick(node);
        node.IsDegraded("not answered");
        await EntersAreQuick(node);
        Assert.InRange(node.Client.Waiting, 0, 100);
        redis.Thaw();
        await AllIsWell(node, redis);
        Assert.True(node.Client.Stats.Reconnects > 0);
    }

    [Fact]
    public async Task Killed_and_back_empty()
    {
        using var redis = RedisProcess.Start();
        await using var node = await Joined(redis);
        var revocation = Node.Of("before");
        node.Revocations.Put(revocation);
        Assert.True(await node.Store.RevokeAsync(revocation));
        redis.Kill();
        node.IsDegraded("");
        node.IsDegraded("refused");
        await EntersAreQuick(node);
        var meanwhile = Node.Of("meanwhile");
        node.Revocations.Put(meanwhile);
        Assert.False(await node.Store.RevokeAsync(meanwhile));
        redis.Restart();
        await AllIsWell(node, redis);
        Assert.Equal("2", redis.Cli("HLEN", "xlive:{revoked}"));
        await using var other = await Node.JoinedAsync(redis.Url);
        Assert.True(other.Bars("before") && other.Bars("meanwhile"));
    }

    [Fact]
    public async Task What_was_lifted_in_an_outage_stays_lifted()
    {
        using var redis = RedisProcess.Start("appendonly yes", "appendfsync always");
        await using var node = await Joined(redis);
        await using var other = await Node.JoinedAsync(redis.Url);
        var revocation = Node.Of("anna");
        node.Revocations.Put(revocation);
        Assert.True(await node.Store.RevokeAsync(revocation));
        Until.True(() => other.Bars("anna"), "heard");
        redis.Kill();
        node.IsDegraded("");
        node.Revocations.Lift(revocation.Name);
        Assert.False(await node.Store.LiftAsync(revocation.Name));
        redis.Restart();
        Until.True(() => !other.Bars("anna"), "lifted there too");
        Assert.False(node.Bars("anna"));
    }

    [Fact]
    public async Task Down_at_the_start()
    {
        using var redis = RedisProcess.Start();
        redis.Kill();
        var clock = Stopwatch.StartNew();
        await using var node = await Node.StartAsync(redis.Url);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(3), $"the start took {clock.Elapsed}");
        node.IsDegraded("refused");
        await node.Save(Node.Session("anna"));
        await EntersAreQuick(node);
        redis.Restart();
        await AllIsWell(node, redis);
    }

    [Fact]
    public async Task Flushed()
    {
        using var redis = RedisProcess.Start();
        await using var node = await Joined(redis);
        var (epoch, revocation) = (node.Watch.Epoch, Node.Of("anna"));
        node.Revocations.Put(revocation);
        Assert.True(await node.Store.RevokeAsync(revocation));
        redis.Cli("FLUSHALL");
        Until.True(() => node.Watch.Epoch > epoch, "seen", TimeSpan.FromSeconds(2));
        await AllIsWell(node, redis);
        Assert.Equal("1", redis.Cli("HLEN", "xlive:{revoked}"));
    }

    [Fact]
    public async Task Full()
    {
        using var redis = RedisProcess.Start("maxmemory-policy noeviction");
        await using var node = await Joined(redis);
        redis.Cli("CONFIG", "SET", "maxmemory", "1");
        node.IsDegraded("OOM");
        await EntersAreQuick(node);
        redis.Cli("CONFIG", "SET", "maxmemory", "0");
        await AllIsWell(node, redis);
    }

    [Fact]
    public async Task A_replica_that_takes_no_writes()
    {
        using var redis = RedisProcess.Start();
        await using var node = await Joined(redis);
        // Of a master that does not exist.
        redis.Cli("REPLICAOF", "127.0.0.1", "1");
        node.IsDegraded("READONLY");
        await EntersAreQuick(node);
        redis.Cli("REPLICAOF", "NO", "ONE");
        await AllIsWell(node, redis);
    }

    [Fact]
    public async Task Loading_its_file()
    {
        using var redis = RedisProcess.Start("enable-debug-command yes", "key-load-delay 200", "loading-process-events-interval-bytes 1024");
        await using var node = await Joined(redis);
        redis.Cli("DEBUG", "POPULATE", "20000");
        redis.Cli("SAVE");
        redis.Kill();
        redis.Restart(awaited: false);
        node.IsDegraded("LOADING");
        await EntersAreQuick(node);
        Until.True(() => redis.Cli("PING") == "PONG", "loaded");
        await AllIsWell(node, redis);
    }

    [Fact]
    public async Task Not_able_to_save()
    {
        using var redis = RedisProcess.Start("save 3600 1", "stop-writes-on-bgsave-error yes");
        await using var node = await Joined(redis);
        redis.Cli("CONFIG", "SET", "dbfilename", "dump.rdb");
        // Where its file should be is a directory, and root cannot write into that either.
        Directory.CreateDirectory(Path.Combine(redis.Folder, "dump.rdb", "in-the-way"));
        redis.Cli("BGSAVE");
        node.IsDegraded("MISCONF");
        await EntersAreQuick(node);
        Directory.Delete(Path.Combine(redis.Folder, "dump.rdb"), recursive: true);
        redis.Cli("BGSAVE");
        Until.True(() => redis.Cli("INFO", "persistence").Contains("rdb_last_bgsave_status:ok", StringComparison.Ordinal), "it can save again");
        await AllIsWell(node, redis);
    }

    [Fact]
    public async Task Another_type_under_our_key()
    {
        using var redis = RedisProcess.Start();
        await using var node = await Joined(redis);
        redis.Cli("SET", "xlive:{YW5uYQ}:places", "not a set");
        Assert.Equal(PlaceAnswer.Granted, await node.Answered(Node.Session("anna")));
        Assert.Equal(1, node.Store.Quarantined);
        Assert.Equal("not a set", redis.Cli("GET", "xlive:{YW5uYQ}:places:put-aside"));
        Assert.Equal("1", redis.Cli("ZCARD", "xlive:{YW5uYQ}:places"));
        foreach (var key in (ReadOnlySpan<string>)["xlive:{revoked}", "xlive:nodes", $"xlive:{{{node.Name}}}:sessions", $"xlive:{{{node.Name}}}:order", $"xlive:node:{node.Name}"])
        {
            redis.Cli("DEL", key);
            redis.Cli("LPUSH", key, "a list");
        }
        redis.Cli("INCR", "xlive:{revoked}:version");
        await node.Save(Node.Session("berta"));
        Until.True(() => node.Store.Quarantined >= 4, "each is put aside once: " + node.Store.Quarantined);
        await AllIsWell(node, redis);
        Assert.InRange(node.Store.Quarantined, 4, 6);
        Assert.Equal("", node.LoopFaults);
    }

    [Fact]
    public async Task Nothing_queues_behind_an_outage()
    {
        using var redis = RedisProcess.Start();
        await using var node = await Joined(redis);
        redis.Freeze();
        var clock = Stopwatch.StartNew();
        var asked = Enumerable.Range(0, 20_000).Select(_ => node.Client.SendAsync(null, "PING")).ToArray();
        Assert.InRange(asked.Count(t => t.IsCompleted && t.Result.Code == "FULL"), 3_000, 4_000);
        Assert.InRange(node.Client.Waiting, 16_000, node.Client.MostWaiting);
        // All of it fails with the connection.
        await Task.WhenAll(asked);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(6), $"{clock.Elapsed}");
        Assert.Equal(["FULL", "TIMEOUT"], asked.Select(t => t.Result.Code).Distinct().Order());
        // And then there is none to wait for.
        Assert.Equal("DISCONNECTED", (await node.Client.SendAsync(null, "PING")).Code);
        redis.Thaw();
        await AllIsWell(node, redis);
    }

    [Fact]
    public async Task An_answer_that_is_none()
    {
        using var liar = new LyingServer();
        await using var node = await Node.StartAsync($"redis://127.0.0.1:{liar.Port}");
        foreach (var lie in (string[])["HTTP/1.1 400 Bad Request\r\n\r\n", "*2147483647\r\n", "$99999999999\r\n", string.Concat(Enumerable.Repeat("*1\r\n", 100)), ""])
        {
            liar.Answer = lie;
            var before = liar.Connections;
            Until.True(() => liar.Connections > before + 1, "tried again");
            Assert.True(node.Store.Status.IsDegraded);
            await EntersAreQuick(node);
        }
        Assert.Equal("", node.LoopFaults);
        Assert.InRange(node.MostLinesASecond(), 0, 1);
    }

    private static async Task<Node> Joined(RedisProcess redis)
    {
        var node = await Node.JoinedAsync(redis.Url);
        Assert.Equal(PlaceAnswer.Granted, await node.Answered(Node.Session("anna")));
        return node;
    }

    /// <summary>Nobody waits for what does not answer: 50 ms and what the test's own machine needs.</summary>
    internal static async Task EntersAreQuick(Node node)
    {
        for (var i = 0; i < 20; i++)
        {
            var clock = Stopwatch.StartNew();
            Assert.Equal(PlaceAnswer.Unanswered, await node.Enter(Node.Session("quick" + i)));
            Assert.True(clock.ElapsedMilliseconds < 50 + 100, $"entering took {clock.Elapsed.TotalMilliseconds:0} ms");
        }
    }

    /// <summary>Within 2 s of its return, doubled for a busy machine, with all that this node has.</summary>
    internal static async Task AllIsWell(Node node, RedisProcess redis)
    {
        var session = Node.Session("carla");
        await node.Save(session);
        var clock = Stopwatch.StartNew();
        node.IsWell();
        Until.True(() => redis.Cli("HEXISTS", $"xlive:{{{node.Name}}}:sessions", Hex(session.Id)) == "1" || redis.CliOptions.Length > 0, "its sessions are written", TimeSpan.FromSeconds(4));
        Assert.Equal(PlaceAnswer.Granted, await node.Answered(session));
        Assert.InRange(node.MostLinesASecond(), 0, 1);
        TestContext.Current.TestOutputHelper?.WriteLine($"all is well after {clock.Elapsed.TotalSeconds:0.00} s");
    }

    private static string Hex(SessionId id)
    {
        Span<byte> bytes = stackalloc byte[SessionId.Size];
        id.Write(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
