using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using XLive.Media;
using XLive.Server.Door;
using XLive.Server.Hooks;
using XLive.Server.Limits;
using XLive.Server.Live;
using XLive.Server.Operations.Health;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Telemetry;
using XLive.Server.Tests.Cache.Disk;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Docs;
using XLive.Server.Tests.Live;
using XLive.Server.Tests.Origin;
using XLive.Server.Tests.Redis;
using XLive.Server.Tests.Reports;
using XLive.Server.Tests.Storage;
using XLive.Server.Tests.Tls;
using XLive.Server.Tests.Traffic;
using XLive.Server.Traffic;

namespace XLive.Server.Tests.Health;

/// <summary>
/// A fault for each check there is: it is made, within five seconds /health and /metrics have it, it is mended, and all is well again.
/// </summary>
public sealed class HealthFaultTests(ITestOutputHelper output)
{
    // A check that is new must be broken here, or by a test named here.
    private static readonly Dictionary<string, Func<HealthHouse, Task>> s_faults = new(StringComparer.Ordinal)
    {
        ["media"] = Media, ["data"] = Data, ["disk"] = Disk, ["database"] = DatabaseGone, ["sessions"] = Sessions, ["redis"] = RedisGone, ["connections"] = Connections,
        ["memory"] = Memory, ["cpu"] = Processors, ["clock"] = WallClock, ["live"] = LiveFull, ["segments"] = Segments, ["loops"] = Loops, ["logs"] = Logs, ["hooks"] = Hooks,
        ["traffic"] = Books, ["reports"] = Reports, ["proxy_logs"] = ProxyLogs, ["certificate"] = Certificate, ["origin"] = OriginGone, ["cache"] = CacheDisk,
    };

    // A process that has no descriptor left cannot be this one.
    private static readonly Dictionary<string, (string File, string Test)> s_elsewhere = new(StringComparer.Ordinal)
    {
        ["descriptors"] = ("tests/XLive.EndToEnd/FullTests.cs", "Health_and_figures_tell_of_descriptors_that_are_used_up_and_of_their_return"),
    };

    public static TheoryData<string> Checks => [.. s_faults.Keys];

    [Fact]
    public void Every_check_has_a_fault()
    {
        Assert.Equal(ProgramFacts.ChecksOfAll().Order(StringComparer.Ordinal), s_faults.Keys.Concat(s_elsewhere.Keys).Order(StringComparer.Ordinal));
        var root = Path.GetFullPath("../../..", Path.GetDirectoryName(Here())!);
        Assert.All(s_elsewhere.Values, there => Assert.Contains($" {there.Test}(", File.ReadAllText(Path.Combine(root, there.File)), StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task It_shows_within_five_seconds_and_goes_with_its_cause(string check)
    {
        await using var house = new HealthHouse(check, output);
        await s_faults[check](house);
    }

    private static async Task Media(HealthHouse house)
    {
        await house.StartAsync();
        var media = house.Server.Media;
        Directory.Move(media, media + ".gone");
        house.Is(HealthState.Unhealthy, media);
        Directory.CreateDirectory(media);
        house.Degraded("is empty");
        house.Server.Write("film.ts", "a film");
        house.Well();
    }

    private static async Task Data(HealthHouse house)
    {
        await house.StartAsync();
        // What may be written depends on who tests; a folder is no file for root either.
        var probe = Path.Combine(house.Server.Folder, "data/.probe");
        Directory.CreateDirectory(probe);
        house.Degraded("cannot be written");
        Directory.Delete(probe);
        house.Well();
    }

    private static async Task Disk(HealthHouse house)
    {
        var logs = house.Disk("logs", "66m");
        await house.StartAsync($"--log.dir={logs}");
        using (var filler = File.Create(Path.Combine(logs, "filler")))
            filler.Write(new byte[4 << 20]);
        house.Degraded("log.dir: 6");
        File.Delete(Path.Combine(logs, "filler"));
        house.Well();
    }

    private static async Task DatabaseGone(HealthHouse house)
    {
        var postgres = house.Has(new PostgresServer());
        await house.StartAsync($"--database.url={postgres.NewDatabase()}");
        postgres.Stop();
        house.Degraded("");
        postgres.Start();
        house.Well();
    }

    private static async Task Sessions(HealthHouse house) => await Full(house, "sessions.db");

    private static async Task Books(HealthHouse house) => await Full(house, "the ledger cannot be written");

    /// <summary>A disk without a byte left, and viewers who go on coming.</summary>
    private static async Task Full(HealthHouse house, string says)
    {
        var data = house.Disk("data", "24m");
        // What users took goes from the counters into the ledger after a second.
        await house.StartAsync($"--data.dir={data}", "--traffic.accumulator_timeout=1s", "--traffic.long_term_timeout=1s");
        var filler = Path.Combine(data, "filler");
        HealthHouse.Fill(filler);
        var viewers = 0;
        house.Meanwhile = () =>
        {
            for (var i = 0; i < 20; i++)
            {
                using var client = house.Server.Connect();
                Assert.Equal(200, client.Ask("GET", "/film.ts?" + TestServer.Grant($"a viewer with a name so long that pages fill {viewers++}")).Status);
            }
        };
        house.Degraded(says);
        File.Delete(filler);
        house.Meanwhile = null;
        house.Well();
    }

    private static async Task RedisGone(HealthHouse house)
    {
        var redis = house.Has(RedisProcess.Start());
        await house.StartAsync($"--redis.url={redis.Url}", "--server.secret=health-tests-secret-0123456789");
        redis.Kill();
        house.Degraded("refused");
        redis.Restart();
        house.Well();
        redis.Freeze();
        house.Degraded("");
        redis.Thaw();
        house.Well();
    }

    private static async Task Connections(HealthHouse house)
    {
        await house.StartAsync("--server.max_connections=20");
        var sockets = new List<TcpClient>();
        for (var i = 0; i < 18; i++)
            sockets.Add(house.Has(new TcpClient("127.0.0.1", house.Server.Port)));
        house.Degraded("of 20");
        sockets.ForEach(static s => s.Dispose());
        house.Well();
    }

    private static async Task Memory(HealthHouse house)
    {
        await house.StartAsync();
        var overload = house.Server.Get<Overload>();
        overload.Forced = 0.86;
        house.Degraded("new viewers are refused");
        overload.Forced = 0.93;
        house.Is(HealthState.Unhealthy, "new connections are closed");
        overload.Forced = null;
        house.Well();
    }

    private static async Task Processors(HealthHouse house)
    {
        var clock = new HandClock();
        await house.StartAsync(clock);
        var began = clock.GetTimestamp();
        long idleSince = 0;
        // A machine of 100 ticks a second, of which none is left.
        house.Server.Get<ProcessorLoad>().Instead = () =>
        {
            var all = (long)(clock.GetElapsedTime(began).TotalSeconds * 100);
            var idle = idleSince == 0 ? 0 : (long)(clock.GetElapsedTime(idleSince).TotalSeconds * 100);
            return new ProcessorReading(0, 1000 + all - idle, 1000 + all, 0, 0);
        };
        house.Is(HealthState.Degraded, "the machine 1", ProcessorLoad.Window + TimeSpan.FromSeconds(10) + HealthHouse.Soon);
        idleSince = clock.GetTimestamp();
        // A tenth of the window.
        house.Well(TimeSpan.FromSeconds(14) + HealthHouse.Soon);
    }

    private static async Task WallClock(HealthHouse house)
    {
        var clock = new HandClock();
        await house.StartAsync(clock);
        clock.Step(TimeSpan.FromHours(1));
        house.Degraded("was set 3600 s ahead");
        clock.Pass(ClockWatch.Told);
        house.Well();
    }

    private static async Task LiveFull(HealthHouse house)
    {
        await house.StartAsync();
        var room = house.Server.Get<LiveRoom>();
        var most = room.MostBytes;
        room.MostBytes = 0;
        house.Degraded("new publishers are refused");
        room.MostBytes = most;
        house.Well();
    }

    private static async Task Segments(HealthHouse house)
    {
        var clock = new HandClock();
        await house.StartAsync(clock, "--live.segment_seconds=1");
        var turn = house.Server.Get<LiveStreams>().TryPublish(new StreamName("live", "cam"), Film.Somebody, out _)!;
        turn.Announce(Film.Video, turn.Begin);
        var pictures = 0;
        Publish();
        house.Well();
        // He is there and sends nothing. Three segments are due before it is said.
        house.Degraded("live/cam has made no segment for");
        Publish();
        house.Well();
        turn.End(PublishEnd.OutOfMemory);
        house.Degraded("live/cam was cut: more of it came than live.memory_per_stream holds");
        clock.Pass(TimeSpan.FromMinutes(1));
        house.Well();

        void Publish()
        {
            for (var until = pictures + 100; pictures < until; pictures++)
            {
                turn.Publish(Picture(turn.Begin + (pictures * (Timestamp.PerSecond / 25)), pictures % 25 == 0));
                clock.Pass(TimeSpan.FromMilliseconds(40));
            }
        }
    }

    private static Frame Picture(Timestamp at, bool isKey)
    {
        // One NAL unit.
        var payload = new byte[1000];
        BinaryPrimitives.WriteInt32BigEndian(payload, payload.Length - 4);
        payload[4] = (byte)(isKey ? 0x65 : 0x41);
        payload.AsSpan(5).Fill(0xAA);
        return new Frame(Film.Video, at, 0, isKey ? FrameFlags.Key : FrameFlags.None, payload);
    }

    private static async Task Loops(HealthHouse house)
    {
        var clock = new HandClock();
        await house.StartAsync(clock);
        house.Server.Get<Supervisor>().Loops.Single(static l => l.Name == "live playlists").FailNext(new InvalidOperationException("broken on purpose"));
        house.Degraded("live playlists failed (InvalidOperationException: broken on purpose)");
        clock.Pass(SupervisedLoop.Patience);
        house.Well();
    }

    private static async Task Logs(HealthHouse house)
    {
        await house.StartAsync();
        var logs = Path.Combine(house.Server.Folder, "logs");
        // A file in the folder's place, as a mount that has gone leaves it.
        Directory.Move(logs, logs + ".gone");
        File.WriteAllText(logs, "");
        house.Degraded(logs);
        File.Delete(logs);
        Directory.Move(logs + ".gone", logs);
        house.Well();
    }

    private static async Task Hooks(HealthHouse house)
    {
        var site = house.Has(new ScriptedReceiver());
        await house.StartAsync($"--hooks.url={site.Url}", "--hooks.secret=health-tests-secret", "--hooks.events=[on_quota]", "--hooks.timeout=1s");
        site.Answer = static (_, socket) => socket.Close();
        house.Server.Get<HookEvents>().Tell(HookKind.Quota, new() { Uid = "u1", Reason = "exceeded" });
        house.Degraded("does not answer");
        site.Answer = static (_, socket) => ScriptedReceiver.Say(socket, "200 OK", "");
        // The pause before the next post had become a few seconds.
        house.Well(TimeSpan.FromSeconds(10));
    }

    private static async Task Reports(HealthHouse house)
    {
        var receiver = house.Has(new ScriptedReceiver());
        await house.StartAsync($"--traffic.report_url={receiver.Url}", "--traffic.api_key=health-tests-key");
        receiver.Answer = static (_, socket) => ScriptedReceiver.Say(socket, "503 Away", "");
        var outbox = house.Server.Get<Ledger>().Outbox;
        outbox.Put("of-the-test", Encoding.UTF8.GetBytes("{\"report_id\": \"of-the-test\", \"items\": []}"), 0, 0);
        outbox.Filled!();
        house.Degraded("answered 503");
        receiver.Answer = static (_, socket) => ScriptedReceiver.Say(socket, "200 OK", "");
        house.Well(TimeSpan.FromSeconds(15));
    }

    private static async Task ProxyLogs(HealthHouse house)
    {
        var log = Path.Combine(house.Folder, "bytes.log");
        await File.WriteAllTextAsync(log, "", TestContext.Current.CancellationToken);
        await house.StartAsync($"--traffic.proxy_logs=[{log}]");
        File.Delete(log);
        house.Degraded("bytes.log is not there");
        await File.WriteAllTextAsync(log, "", TestContext.Current.CancellationToken);
        house.Well();
    }

    private static async Task Certificate(HealthHouse house)
    {
        var port = FreePort.Next();
        await house.StartAsync(TestAuthority.SelfSigned().Options(house.Folder, port));
        TestAuthority.SelfSigned(lasts: TimeSpan.FromMinutes(-1)).Options(house.Folder, port);
        house.Degraded("expired");
        TestAuthority.SelfSigned(lasts: TimeSpan.FromDays(3)).Options(house.Folder, port);
        house.Degraded("expires in 2 days");
        TestAuthority.SelfSigned().Options(house.Folder, port);
        house.Well();
    }

    private static async Task OriginGone(HealthHouse house)
    {
        var film = HostileOrigin.File(new byte[100]);
        var origin = new HostileOrigin(film);
        await house.StartAsync("--backend.mode=http", $"--backend.origins=[{origin.Url}]");
        Assert.Equal(200, house.Server.Fetch("/a.ts").Status);
        origin.Dispose();
        house.Meanwhile = () => house.Server.Fetch("/b.ts");
        house.Is(HealthState.Unhealthy, "not asked until a probe is answered");
        house.Meanwhile = null;
        house.Has(new HostileOrigin(film, port: origin.Port));
        house.Well();
    }

    private static async Task CacheDisk(HealthHouse house)
    {
        var folder = house.Has(new DiskFolder());
        var origin = house.Has(new HostileOrigin(HostileOrigin.File(new byte[100_000])));
        await house.StartAsync([.. folder.Settings(), "--backend.mode=http", $"--backend.origins=[{origin.Url}]"]);
        var disk = house.Server.Get<DiskCache>();
        disk.Files.OnCall = static writes => _ = writes ? throw new IOException("Input/output error", 5) : 0;
        var films = 0;
        house.Meanwhile = () => house.Server.Fetch($"/{films++}.ts");
        house.Degraded("Input/output error");
        house.Meanwhile = null;
        disk.Files.OnCall = null;
        // It is tried again every ten seconds.
        house.Well(TimeSpan.FromSeconds(10) + HealthHouse.Soon);
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
