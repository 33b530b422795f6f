using System.Diagnostics;
using System.Text;
using System.Text.Json;
using XLive.Server.Access;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Storage;

namespace XLive.Server.Tests.Redis;

/// <summary>The built program, twice, on one real Redis and one real PostgreSQL.</summary>
[Collection(ProgramTests.Name)]
public sealed class RedisNodesTests : IDisposable
{
    private const string LinkSecret = "links-of-both-nodes-0123456789";
    private const string Password = "nodes-tests-password";

    private readonly RedisProcess _redis = RedisProcess.Start();
    private readonly ProgramFolder _one = new();
    private readonly ProgramFolder _other = new();

    [Fact]
    public async Task Two_nodes_are_one_service()
    {
        var database = "--database.url=" + PostgresServer.Shared.NewDatabase();
        await using var one = await Serve(_one, database, "--sessions.max_per_user=2");
        await using var other = await Serve(_other, database, "--sessions.max_per_user=2");
        var bearer = await SignIn(one);

        // A session that one has opened plays at the other; devices are counted together.
        var path = GateServer.SessionPathOf(await one.Get(Link("u1"), Device(1)));
        Assert.Equal("200", GateServer.VerdictOf(await other.Get(path + Films.Segment, Device(1))));
        Assert.Equal("200", GateServer.VerdictOf(await other.Get(Link("u1"), Device(2))));
        Assert.Equal("403 device_limit", GateServer.VerdictOf(await other.Get(Link("u1"), Device(3))));
        Assert.Equal("403 device_limit", GateServer.VerdictOf(await one.Get(Link("u1"), Device(3))));

        // Each lists the other's, and kicks it.
        var sid = "";
        await Eventually(async () =>
        {
            using var list = JsonDocument.Parse((await one.Get("/api/v1/sessions?uid=u1", bearer)).Body);
            var all = list.RootElement.GetProperty("sessions").EnumerateArray().ToList();
            sid = all.FirstOrDefault(s => s.GetProperty("user_agent").GetString() == "Device/1") is { ValueKind: JsonValueKind.Object } first ? first.GetProperty("sid").GetString()! : "";
            return all.Count == 2;
        }, "both sessions are listed", 5);
        Assert.InRange((await Reply.Of(one.Port, "DELETE", "/api/v1/sessions/" + sid, null, bearer)).Status, 200, 204);
        await Eventually(async () => GateServer.VerdictOf(await other.Get(path + Films.Segment, Device(1))) == "403 kicked", "kicked at the other node", 2);
        await Eventually(async () => (await other.Get(Link("u1"), Device(4))).Status == 200, "its place is free", 2);

        using (var stats = JsonDocument.Parse((await one.Get("/stats", bearer)).Body))
        {
            var redis = stats.RootElement.GetProperty("redis");
            var answers = redis.GetProperty("answers");
            var total = answers.GetProperty("total").GetInt64();
            Assert.True(total > 10);
            // More may come while the page is written.
            Assert.InRange(new[] { "excellent", "good", "slow" }.Sum(w => answers.GetProperty(w).GetInt64()), total, total + 20);
            Assert.InRange(redis.GetProperty("histogram").EnumerateObject().Sum(c => c.Value.GetInt64()), total, total + 20);
            Assert.Equal((1, 1), (redis.GetProperty("servers").GetInt32(), redis.GetProperty("connected").GetInt32()));
        }

        var playing = GateServer.SessionPathOf(await other.Get(Link("u2"), Device(1)));
        Assert.Equal(201, (await one.Post("/api/v1/revocations", """{"uid":"u2"}""", bearer)).Status);
        await Eventually(async () => GateServer.VerdictOf(await other.Get(playing + Films.Segment, Device(1))) == "403 revoked", "revoked at the other node", 2);
    }

    [Fact]
    public async Task Viewers_play_on_whatever_becomes_of_it()
    {
        await using var node = await Serve(_one, "--sessions.max_per_user=3", "--sessions.lease=5s");
        var bearer = await SignIn(node);
        var path = GateServer.SessionPathOf(await node.Get(Link("viewer"), Device(1)));
        using var over = new CancellationTokenSource();
        var refusals = new List<string>();
        var played = 0;
        var viewing = Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                var verdict = GateServer.VerdictOf(await node.Get(path + Films.Segment, Device(1)));
                if (verdict != "200")
                    refusals.Add(verdict);
                played++;
                await Task.Delay(5, CancellationToken.None);
            }
        }, TestContext.Current.CancellationToken);
        (Action Break, Action Mend, string Word)[] faults =
        [
            (_redis.Freeze, _redis.Thaw, "slow"),
            (_redis.Kill, () => _redis.Restart(), "redis"),
            (() => _redis.Cli("CONFIG", "SET", "maxmemory", "1"), () => _redis.Cli("CONFIG", "SET", "maxmemory", "0"), "OOM"),
        ];
        var newcomer = 0;
        foreach (var (breakIt, mend, word) in faults)
        {
            // An answer is read where sockets are polled, and these wait.
            await Task.Run(breakIt, TestContext.Current.CancellationToken);
            await Eventually(async () => (await Sessions(node, bearer)).State == "degraded", word, 10);
            Assert.Equal(200, (await node.Get("/health")).Status);
            for (var i = 0; i < 10; i++)
            {
                var clock = Stopwatch.StartNew();
                Assert.Equal(200, (await node.Get(Link("new" + newcomer++), Device(1))).Status);
                // 50 ms and what it takes without a limit, on a machine that is busy with other tests.
                Assert.True(clock.ElapsedMilliseconds < 50 + 400, $"{word}: entering took {clock.ElapsedMilliseconds} ms");
            }
            // This node's own limit holds.
            var crowd = new List<int>();
            for (var device = 0; device < 5; device++)
                crowd.Add((await node.Get(Link("crowd" + word), Device(device))).Status);
            Assert.Equal([200, 200, 200, 403, 403], crowd);
            await Task.Run(mend, TestContext.Current.CancellationToken);
            var back = Stopwatch.StartNew();
            await Eventually(async () => (await Sessions(node, bearer)).State == "healthy", "well again after " + word, 10);
            TestContext.Current.TestOutputHelper?.WriteLine($"{word}: well again after {back.Elapsed.TotalSeconds:0.00} s");
        }
        // What plays is there again, and what was let in meanwhile is counted.
        await Eventually(() => Task.Run(() => _redis.Cli("ZCARD", "xlive:{Y3Jvd2RPT00}:places") == "3" && _redis.Cli("ZCARD", "xlive:{dmlld2Vy}:places") == "1"), "joined anew", 10);
        await over.CancelAsync();
        await viewing;
        Assert.Empty(refusals);
        Assert.True(played > 20, $"{played} segments");
    }

    [Fact]
    public async Task In_a_partition_each_counts_for_itself_and_afterwards_all_are_counted()
    {
        await using var one = await Serve(_one, "--sessions.max_per_user=2");
        await using var other = await Serve(_other, "--sessions.max_per_user=2");
        var bearer = await SignIn(one);
        Assert.Equal(200, (await one.Get(Link("u1"), Device(0))).Status);
        _redis.Freeze();
        await Eventually(async () => (await Sessions(one, bearer)).State == "degraded", "seen", 4);
        // The other may not have seen it yet: its first newcomer waits the 50 ms.
        var admitted = 1;
        for (var device = 1; device < 6; device++)
        {
            admitted += (await one.Get(Link("u1"), Device(device))).Status == 200 ? 1 : 0;
            admitted += (await other.Get(Link("u1"), Device(10 + device))).Status == 200 ? 1 : 0;
        }
        Assert.Equal(4, admitted);
        _redis.Thaw();
        var clock = Stopwatch.StartNew();
        await Eventually(() => Task.Run(() => _redis.Cli("ZCARD", "xlive:{dTE}:places") == "4"), "all four are counted, none twice", 10);
        TestContext.Current.TestOutputHelper?.WriteLine($"exact after {clock.Elapsed.TotalSeconds:0.00} s");
        await Eventually(async () => (await Sessions(one, bearer)).State == "healthy", "well", 4);
        Assert.Equal(403, (await one.Get(Link("u1"), Device(20))).Status);
        Assert.Equal(403, (await other.Get(Link("u1"), Device(20))).Status);
    }

    [Theory]
    [InlineData("server.secret", "--redis.url=redis://127.0.0.1")]
    [InlineData("redis.url", "--redis.url=127.0.0.1:6379", "--server.secret=0123456789abcdef")]
    public async Task Settings_that_cannot_be_shared_are_exit_2(string key, params string[] options)
    {
        var ended = await XliveProgram.RunAsync(_one.Path, ["--server.port=0", "--hls.port=0", "--rtmp.port=0", .. options]);
        Assert.Equal(2, ended.Code);
        Assert.Contains(key + ":", ended.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_of_another_service_is_exit_2()
    {
        await using var one = await Serve(_one);
        var ended = await XliveProgram.RunAsync(_other.Path, ["--server.port=0", "--hls.port=0", "--rtmp.port=0", $"--backend.filesystem.root={_other.Path}/media", $"--redis.url={_redis.Url}",
            "--server.secret=another-0123456789abcdef"]);
        Assert.Equal(2, ended.Code);
        Assert.Contains("redis.url: other nodes that share it have another server.secret or database.url", ended.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("XLive is ready", ended.Output, StringComparison.Ordinal);
    }

    private Task<XliveProgram> Serve(ProgramFolder folder, params string[] options) => XliveProgram.ServeAsync(folder.Path,
    [
        $"--redis.url={_redis.Url}", "--server.secret=secret-of-both-nodes-0123456789", $"--access.secret={LinkSecret}", $"--auth.admin_password={Password}", .. options,
    ]);

    private static async Task<string> SignIn(XliveProgram node)
    {
        using var answer = JsonDocument.Parse((await node.Post("/login", $$"""{"username":"admin","password":"{{Password}}"}""")).Body);
        return "Authorization: Bearer " + answer.RootElement.GetProperty("access_token").GetString();
    }

    private static async Task<(string State, string Reason)> Sessions(XliveProgram node, string bearer)
    {
        using var stats = JsonDocument.Parse((await node.Get("/stats", bearer)).Body);
        var redis = stats.RootElement.GetProperty("redis");
        return (redis.GetProperty("state").GetString()!, redis.GetProperty("reason").GetString()!);
    }

    private static string Link(string uid) =>
        SignedUrl.Sign(Films.Master, uid, DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 3600, Encoding.UTF8.GetBytes(LinkSecret), scope: "/v/film/");

    private static string Device(int number) => $"User-Agent: Device/{number}";

    private static async Task Eventually(Func<Task<bool>> holds, string what, double seconds)
    {
        for (var clock = Stopwatch.StartNew(); !await holds(); await Task.Delay(20, TestContext.Current.CancellationToken))
            Assert.True(clock.Elapsed.TotalSeconds < seconds, "did not come to pass: " + what);
    }

    public void Dispose()
    {
        _redis.Dispose();
        _one.Dispose();
        _other.Dispose();
    }
}
