using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using XLive.Server.Sessions;
using XLive.Server.Storage.Redis;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Redis;

/// <summary>TLS, a socket file, sentinels and a cluster, with the real programs.</summary>
public sealed class RedisFormTests
{
    [Fact]
    public async Task Tls_with_an_authority_of_ones_own_and_a_certificate_of_ours()
    {
        var folder = Directory.CreateTempSubdirectory("xlive-redis-").FullName;
        try
        {
            var (certificate, key) = WriteCertificate(folder);
            using var redis = RedisProcess.Start("redis-server", folder, ["--tls", "--cacert", certificate, "--cert", certificate, "--key", key],
                "port 0", "tls-port $PORT", $"tls-cert-file {certificate}", $"tls-key-file {key}", $"tls-ca-cert-file {certificate}");
            var url = $"rediss://127.0.0.1:{redis.Port}?certificate={certificate}&key={key}";
            await using (var node = await Node.JoinedAsync(url + "&ca=" + certificate))
                await RedisFaultTests.AllIsWell(node, redis);
            await using (var lax = await Node.StartAsync(url + "&verify=false"))
                lax.IsWell();
            await using (var distrustful = await Node.StartAsync(url))
                distrustful.IsDegraded("certificate");
            await using (var nameless = await Node.StartAsync($"rediss://127.0.0.1:{redis.Port}?ca={certificate}"))
                nameless.IsDegraded("");
            await using var clear = await Node.StartAsync(redis.Url);
            clear.IsDegraded("");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_socket_file()
    {
        var folder = Directory.CreateTempSubdirectory("xlive-redis-").FullName;
        using (var redis = RedisProcess.Start("redis-server", folder, [], $"unixsocket {folder}/redis.sock"))
        {
            await using var node = await Node.JoinedAsync($"unix://{folder}/redis.sock?db=2");
            Assert.Equal(PlaceAnswer.Granted, await node.Enter(Node.Session("anna")));
            Assert.Equal("1", redis.Cli("-n", "2", "EXISTS", "xlive:{YW5uYQ}:places"));
        }
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Failed_over_by_sentinels_with_writes_in_flight()
    {
        using var master = RedisProcess.Start("repl-diskless-sync-delay 0");
        using var replica = RedisProcess.Start($"replicaof 127.0.0.1 {master.Port}", "repl-diskless-sync-delay 0");
        Until.True(() => replica.Cli("INFO", "replication").Contains("master_link_status:up", StringComparison.Ordinal), "replicating");
        using var sentinel = RedisProcess.Start($"sentinel monitor films 127.0.0.1 {master.Port} 1", "sentinel down-after-milliseconds films 500",
            "sentinel failover-timeout films 3000");
        Until.True(() => sentinel.Cli("SENTINEL", "replicas", "films").Contains(replica.Port.ToString(), StringComparison.Ordinal), "the sentinel knows the replica");
        // The first sentinel is not there.
        var url = $"redis-sentinel://127.0.0.1:{FreePort.Next()},127.0.0.1:{sentinel.Port}/films";
        await using var node = await Node.JoinedAsync(url);
        Assert.Equal("1", master.Cli("EXISTS", "xlive:service"));
        var revocation = Node.Of("anna");
        node.Revocations.Put(revocation);
        Assert.True(await node.Store.RevokeAsync(revocation));
        using var over = new CancellationTokenSource();
        var sessions = Enumerable.Range(0, 300).Select(i => Node.Session("u" + i)).ToArray();
        var writing = Task.Run(async () =>
        {
            for (var i = 0; !over.IsCancellationRequested; i++)
            {
                await node.Enter(sessions[i % sessions.Length]);
                await node.Save(sessions[i % sessions.Length] with { Bytes = i });
                await Task.Delay(2, CancellationToken.None);
            }
        }, TestContext.Current.CancellationToken);
        master.Kill();
        Until.True(() => replica.Cli("ROLE").StartsWith("master", StringComparison.Ordinal), "promoted", TimeSpan.FromSeconds(10));
        var clock = Stopwatch.StartNew();
        node.IsWell();
        TestContext.Current.TestOutputHelper?.WriteLine($"well {clock.Elapsed.TotalSeconds:0.00} s after the promotion");
        await over.CancelAsync();
        await writing;
        await node.Save(sessions);
        Until.Equal("300", () => replica.Cli("HLEN", $"xlive:{{{node.Name}}}:sessions"), "all are written at the new master");
        Until.Equal("1", () => replica.Cli("HEXISTS", "xlive:{revoked}", "uid:anna"), "what the old master may not have passed on is there");

        // Back again, this time in order: the one that was left is a replica that answers.
        master.Restart();
        Until.True(() => master.Cli("INFO", "replication").Contains("master_link_status:up", StringComparison.Ordinal), "the old master replicates");
        Until.Equal("OK", () => sentinel.Cli("SENTINEL", "failover", "films"), "asked to fail over");
        Until.True(() => master.Cli("ROLE").StartsWith("master", StringComparison.Ordinal), "promoted", TimeSpan.FromSeconds(10));
        var late = Node.Session("late");
        Until.True(() => node.Enter(late).Result == PlaceAnswer.Granted && master.Cli("EXISTS", "xlive:{bGF0ZQ}:places") == "1", "at the new master", TimeSpan.FromSeconds(4));
        Assert.Equal("", node.LoopFaults);
        Assert.InRange(node.MostLinesASecond(), 0, 1);
    }

    [Fact]
    public async Task A_cluster_of_three_whose_slots_move()
    {
        using var first = RedisProcess.StartForCluster();
        using var second = RedisProcess.StartForCluster();
        using var third = RedisProcess.StartForCluster();
        RedisProcess[] all = [first, second, third];
        var made = first.Cli(["--cluster", "create", .. all.Select(r => $"127.0.0.1:{r.Port}"), "--cluster-yes"]);
        Assert.Contains("All 16384 slots covered", made);
        Until.True(() => all.All(r => r.Cli("CLUSTER", "INFO").Contains("cluster_state:ok", StringComparison.Ordinal)), "the cluster is up");
        // One of them is enough to begin with, and one that is not there does no harm.
        await using var node = await Node.JoinedAsync($"redis-cluster://127.0.0.1:{second.Port},127.0.0.1:{FreePort.Next()}");
        await using var other = await Node.JoinedAsync($"redis-cluster://127.0.0.1:{third.Port}");
        for (var i = 0; i < 30; i++)
        {
            Assert.Equal(PlaceAnswer.Granted, await node.Answered(Node.Session("u" + i), 1));
            Assert.Equal(PlaceAnswer.Refused, await other.Answered(Node.Session("u" + i), 1));
        }
        Assert.All(all, r => Assert.NotEqual("0", r.Cli("DBSIZE")));
        var revocation = Node.Of("anna");
        node.Revocations.Put(revocation);
        Assert.True(await node.Store.RevokeAsync(revocation));
        Until.True(() => other.Bars("anna"), "heard through the cluster", TimeSpan.FromSeconds(2));
        var session = Node.Session("u1");
        await node.Save(session);
        Until.True(() => other.Sees(session).Result, "listed");

        // ASK: a slot on its way, its keys at the new place; then MOVED.
        var slot = RedisSlots.Of("xlive:{bW92aW5n}:places");
        Assert.Equal(slot.ToString(), first.Cli("CLUSTER", "KEYSLOT", "xlive:{bW92aW5n}:places"));
        var ids = all.Select(r => r.Cli("CLUSTER", "MYID")).ToArray();
        var from = Array.FindIndex(all, r => r.Cli("GET", "xlive:{bW92aW5n}:none").Length == 0);
        var to = (from + 1) % 3;
        Assert.Equal("OK", all[to].Cli("CLUSTER", "SETSLOT", slot.ToString(), "IMPORTING", ids[from]));
        Assert.Equal("OK", all[from].Cli("CLUSTER", "SETSLOT", slot.ToString(), "MIGRATING", ids[to]));
        // Redis itself answers what needs two keys with TRYAGAIN until the slot has arrived: the node decides alone.
        Assert.Equal(PlaceAnswer.Unanswered, await node.Enter(Node.Session("moving")));
        Assert.Equal(1, (await node.Client.SendAsync("xlive:{bW92aW5n}:places", "ZADD", "xlive:{bW92aW5n}:places", 9_000_000_000_000, "a device")).Number);
        Assert.Equal("1", all[to].Cli("CLUSTER", "COUNTKEYSINSLOT", slot.ToString()));
        foreach (var redis in (RedisProcess[])[all[to], all[from], all[(from + 2) % 3]])
            Assert.Equal("OK", redis.Cli("CLUSTER", "SETSLOT", slot.ToString(), "NODE", ids[to]));
        Assert.Equal(PlaceAnswer.Refused, await node.Answered(Node.Session("moving"), 1));
        Assert.Equal(["ASK", "MOVED"], node.Client.Stats.Errors.Select(e => e.Kind).Where(k => k is "ASK" or "MOVED").Order());

        third.Kill();
        node.IsDegraded(third.Port.ToString());
        third.Restart();
        // Until the others believe in it again the cluster itself says no.
        Until.True(() => all.All(r => r.Cli("CLUSTER", "INFO").Contains("cluster_state:ok", StringComparison.Ordinal)), "the cluster is up again");
        node.IsWell();
        Assert.Equal("", node.LoopFaults + other.LoopFaults);
    }

    [Theory]
    [InlineData("123456789", 0x31C3)]
    [InlineData("{user1000}.following", 3443)]
    [InlineData("{user1000}.followers", 3443)]
    [InlineData("foo{}{bar}", 8363)]
    [InlineData("foo{{bar}}zap", 4015)]
    [InlineData("", 0)]
    public void Slots_are_those_of_the_specification(string key, int slot) => Assert.Equal(slot, RedisSlots.Of(key));

    private static (string Certificate, string Key) WriteCertificate(string folder)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=redis", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(folder + "/redis.crt", made.ExportCertificatePem());
        File.WriteAllText(folder + "/redis.key", key.ExportPkcs8PrivateKeyPem());
        return (folder + "/redis.crt", folder + "/redis.key");
    }
}
