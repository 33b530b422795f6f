using System.Collections.Concurrent;
using System.Globalization;
using XLive.Fuzz.Engine;
using XLive.Fuzz.Inputs;
using XLive.Media.Rtmp;
using XLive.Media.Tests.Rtmp;
using XLive.Server.Ingest.Pull;
using XLive.Server.Live;
using XLive.Server.Playback.Forward;
using XLive.Server.Settings;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Live;

/// <summary>Servers that streams are fetched from or pushed to, and that say what they like. What is wrong is named, they are asked again later and later, and no other stream hears of it.</summary>
public sealed class LyingRemoteTests(ITestOutputHelper output)
{
    private const string Silent = "silence";

    private static readonly StreamName Cam = new("live", "cam");
    private static readonly StreamName Beside = new("live", "beside");

    private static readonly Dictionary<string, (Action<LyingRemote.Peer> Lie, string Why)> ToAll = new()
    {
        ["says nothing"] = (static p => p.Hold(), Silent),
        ["stops within the handshake"] = (static p => p.Say([3, .. new byte[2000]]).Hold(), Silent),
        ["speaks HTTP"] = (static p => p.Say("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray()).Hold(), "RTMP fault NotRtmp"),
        ["never answers connect"] = (static p => p.Handshake().Listen(), Silent),
        ["never says that it begins"] = (static p => p.Ask().Listen(), Silent),
        ["says anything but that it begins"] = (static p => Endless(p.Ask(), Wire.Command(1, "onStatus", 0, null, LyingRemote.Status("NetStream.Play.Reset"))), Silent),
        ["refuses connect"] = (static p => p.Handshake().Say(Wire.Command(0, "_error", 1, null, LyingRemote.Status("NetConnection.Connect.Rejected", "error"))).Listen(), "refused: NetConnection.Connect.Rejected"),
        ["refuses createStream"] = (static p => p.Handshake().Say(LyingRemote.Connected, Wire.Command(0, "_error", 4, null, LyingRemote.Status("NetConnection.Call.Failed", "error"))).Listen(), "refused: NetConnection.Call.Failed"),
        ["refuses the stream"] = (static p => p.Ask().Say(Wire.Command(1, "onStatus", 0, null, LyingRemote.Status("NetStream.Publish.BadName", "error"))).Listen(), "refused: NetStream.Publish.BadName"),
        ["refuses with lines for the log"] = (static p => p.Ask().Say(Wire.Command(1, "onStatus", 0, null, LyingRemote.Status("\r\n[error] all is lost", "error"))).Listen(), "refused: no known reason"),
        ["refuses without a word"] = (static p => p.Handshake().Say(Wire.Command(0, "_error", 1)).Listen(), "refused: no known reason"),
        ["ends what has begun"] = (static p => p.Begin().Say(Wire.Command(1, "onStatus", 0, null, LyingRemote.Status("NetStream.Publish.Denied", "error"))).Listen(), "ended it: NetStream.Publish.Denied"),
        ["creates no stream"] = (static p => p.Handshake().Say(LyingRemote.Connected, Wire.Command(0, "_result", 4, null, "one")).Listen(), "RTMP fault Command"),
        ["creates a stream that is no number"] = (static p => p.Handshake().Say(LyingRemote.Connected, Wire.Command(0, "_result", 4, null, double.NaN)).Listen(), "RTMP fault Command"),
        ["has chunks of nothing"] = (static p => p.Handshake().Say(Wire.Message(2, 1, 0, 0, Wire.UInt32(0))).Listen(), "RTMP fault ChunkSize"),
        ["has chunks of 2 GiB"] = (static p => p.Handshake().Say(Wire.Message(2, 1, 0, 0, Wire.UInt32(0x80000000))).Listen(), "RTMP fault ChunkSize"),
        ["has chunks and messages of 16 MiB"] = (static p => p.Begin().Say(Wire.Message(2, 1, 0, 0, Wire.UInt32(0x7FFFFFFF)), Head(6, 9, 0xFFFFFF)).Listen(), "RTMP fault MessageTooLong"),
        ["has commands of 16 MiB"] = (static p => p.Handshake().Say(Head(3, 20, 0xFFFFFF)).Listen(), "RTMP fault MessageTooLong"),
        ["has more chunk streams than anybody"] = (static p => p.Begin().Say([.. Enumerable.Range(2, 62).Select(static n => Head(n, 18, 200, 128)), .. Enumerable.Range(0, 3).Select(static n => Behind(Head(0, 18, 200, 128), (byte)n))]).Listen(), "RTMP fault TooManyChunkStreams"),
        ["nests without end"] = (static p => p.Handshake().Say(Wire.Message(3, 20, 0, 0, [.. Wire.Amf("onStatus", 0, null), .. Enumerable.Repeat<byte[]>([3, 0, 1, 0x61], 5000).SelectMany(static b => b)])).Listen(), "RTMP fault Command"),
        ["has a list of 2^32"] = (static p => p.Handshake().Say(Wire.Message(3, 20, 0, 0, [.. Wire.Amf("onStatus", 0, null), 0x0A, 0xFF, 0xFF, 0xFF, 0xFF])).Listen(), "RTMP fault Command"),
        ["begins and resets"] = (static p => p.Begin().Reset(), ""),
    };

    private static readonly Dictionary<string, (Action<LyingRemote.Peer> Lie, string Why)> ToPulls = new()
    {
        ["begins and closes"] = (static p => p.Begin(), "closed the connection"),
        ["sends media before it begins"] = (static p => p.Ask().Say(Wire.Message(6, 9, 1, 0, new byte[100]), Wire.Message(4, 8, 1, 0, new byte[100])), "closed the connection before anything began"),
        ["ends an aggregate within a header"] = (static p => p.Begin().Say(Wire.Message(6, 22, 1, 0, [9, 0, 0])).Listen(), "RTMP fault Aggregate"),
        ["ends an aggregate within a message"] = (static p => p.Begin().Say(Wire.Message(6, 22, 1, 0, [9, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 1])).Listen(), "RTMP fault Aggregate"),
        ["has an aggregate that points nowhere"] = (static p => p.Begin().Say(Wire.Message(6, 22, 1, 0, [9, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 99])).Listen(), "RTMP fault Aggregate"),
        ["has an aggregate of aggregates"] = (static p => p.Begin().Say(Wire.Message(6, 22, 1, 0, [.. Enumerable.Repeat<byte[]>([22, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11], 1001).SelectMany(static b => b)])).Listen(), "RTMP fault Aggregate"),
        ["begins many messages and ends none"] = (static p => BeginMany(p.Begin()), "RTMP fault TooMuchHeld"),
        ["sends frames of noise"] = (static p => Endless(p.Begin(), Wire.Message(6, 9, 1, 0, Wire.Bytes(300))), Silent),
    };

    public static TheoryData<string, bool> Lies
    {
        get
        {
            var lies = new TheoryData<string, bool>();
            foreach (var name in ToAll.Keys)
            {
                lies.Add(name, true);
                lies.Add(name, false);
            }
            foreach (var name in ToPulls.Keys)
                lies.Add(name, false);
            return lies;
        }
    }

    // The first chunk of a message, with so much of it.
    private static byte[] Head(int chunks, byte type, uint length, int bytes = 10) => [(byte)chunks, 0, 0, 0, .. Wire.UInt24(length), type, 1, 0, 0, 0, .. new byte[bytes]];

    // With the number of its chunk stream behind the first byte: 64 and what it says.
    private static byte[] Behind(byte[] head, byte number) => [head[0], number, .. head.AsSpan(1)];

    private static void Endless(LyingRemote.Peer peer, byte[] message)
    {
        for (; ; Thread.Sleep(1))
            peer.Say(message);
    }

    private static void BeginMany(LyingRemote.Peer peer)
    {
        peer.Say(Wire.Message(2, 1, 0, 0, Wire.UInt32(4 << 20)));
        // Of 5 MiB each four have come.
        for (var chunks = 10; chunks < 20; chunks++)
            peer.Say(Head(chunks, 9, 5 << 20, 4 << 20));
        peer.Listen();
    }

    private static async Task<TestServer> NodeAsync(TimeProvider clock, int port, bool isForward)
    {
        var node = await TestServer.StartAsync(clock);
        Reload(node, $"live: {{{(isForward ? "forward" : "pull")}: [{{stream: live/cam, url: \"rtmp://127.0.0.1:{port}/app/cam?key=sk_secret\"}}]}}");
        return node;
    }

    private static void Reload(TestServer node, string settings)
    {
        File.WriteAllText(Path.Combine(node.Folder, "conf.yaml"), settings);
        Assert.Empty(node.Get<ServerSettings>().Reload());
    }

    private static string TroubleOf(TestServer node, bool isForward) =>
        isForward ? node.Get<Forwards>().All.FirstOrDefault()?.Trouble ?? "" : node.Get<Pulls>().All.Single().Trouble;

    private static async Task<(TestServer Node, Broadcast Beside, Broadcast? Cam)> StartAsync(HandClock clock, LyingRemote remote, bool isForward)
    {
        var node = await NodeAsync(clock, remote.Port, isForward);
        return (node, new Broadcast(node, Beside), isForward ? new Broadcast(node, Cam) : null);
    }

    // What the settings no longer name leaves nothing behind, and what was beside it has not noticed.
    private static void End(TestServer node, LyingRemote remote, HandClock clock, Broadcast beside, Broadcast? cam)
    {
        var before = beside.Turn.Received;
        Reload(node, "live: {forward: [], pull: []}");
        Until.True(() =>
        {
            clock.Pass(TimeSpan.FromSeconds(1));
            return remote.Open == 0 && node.Get<Forwards>().All.Count == 0 && node.Get<Pulls>().All.Count == 0;
        }, "connections end");
        Until.True(() => beside.Turn.Received > before && beside.Turn.EndedFor is null, "the stream beside goes on");
        Assert.Null(cam?.Turn.EndedFor);
        Assert.DoesNotContain("sk_secret", node.Log(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task One_that(string lies, bool isForward)
    {
        var (lie, why) = ToAll.TryGetValue(lies, out var found) ? found : ToPulls[lies];
        var clock = new HandClock();
        var times = new ConcurrentQueue<TimeSpan>();
        using var remote = new LyingRemote(peer =>
        {
            times.Enqueue(clock.Steady);
            lie(peer);
        });
        var (node, beside, cam) = await StartAsync(clock, remote, isForward);
        await using var _ = node;
        using var __ = beside;
        using var ___ = cam;
        var host = "127.0.0.1:" + remote.Port;
        var trouble = "";
        Until.True(() =>
        {
            clock.Pass(TimeSpan.FromSeconds(0.2));
            trouble = TroubleOf(node, isForward) is { Length: > 0 } said ? said : trouble;
            return times.Count >= 3;
        }, "a third try after " + lies, TimeSpan.FromSeconds(60));
        Assert.StartsWith(why == Silent && !isForward ? "nothing came from " + host : host, trouble, StringComparison.Ordinal);
        Assert.EndsWith(why != Silent ? why : isForward ? "does not answer" : host, trouble, StringComparison.Ordinal);
        Assert.Contains($"{trouble}; again in", node.Log(), StringComparison.Ordinal);
        var tries = times.Take(3).ToArray();
        Assert.True(tries[1] - tries[0] >= TimeSpan.FromSeconds(0.75) && tries[2] - tries[1] >= TimeSpan.FromSeconds(1.5), string.Join(", ", tries));
        End(node, remote, clock, beside, cam);
        Assert.Equal(isForward ? 2 : 1, node.Get<LiveStreams>().All.Count(static s => s.HasFrames));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Connections_that_end_at_every_point(bool isForward)
    {
        byte[] said = [3, .. new byte[2 * ServerHandshake.PacketLength], .. LyingRemote.Connected, .. LyingRemote.Created, .. LyingRemote.Started(isForward), .. Wire.Message(6, 9, 1, 0, new byte[200])];
        // Few of the handshake's bytes, which are all alike, and every seventh behind it.
        int[] cuts = [0, 1, 2, 1536, 1537, 1538, 3072, .. Enumerable.Range(0, (said.Length - 3073) / 7).Select(static n => 3073 + (7 * n)), said.Length];
        var clock = new HandClock();
        using var remote = new LyingRemote(peer =>
        {
            peer.Say(said[..cuts[Math.Min(peer.Number, cuts.Length - 1)]]);
            if (peer.Number % 2 == 1)
                peer.Reset();
        });
        var (node, beside, cam) = await StartAsync(clock, remote, isForward);
        await using var _ = node;
        using var __ = beside;
        using var ___ = cam;
        Tries(node, remote, clock, cuts.Length);
        End(node, remote, clock, beside, cam);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Answers_that_were_damaged(bool isForward)
    {
        var seed = ulong.TryParse(Environment.GetEnvironmentVariable("XLIVE_FUZZ_SEED"), CultureInfo.InvariantCulture, out var given) ? given : (ulong)Random.Shared.Next();
        output.WriteLine($"XLIVE_FUZZ_SEED={seed}");
        var fuzzer = new RtmpClientFuzzer();
        var clock = new HandClock();
        using var remote = new LyingRemote(peer =>
        {
            byte[] input;
            lock (fuzzer)
                input = Fuzzer.Bytes(fuzzer.Make(seed, peer.Number));
            peer.Handshake().Say(input);
        });
        var (node, beside, cam) = await StartAsync(clock, remote, isForward);
        await using var _ = node;
        using var __ = beside;
        using var ___ = cam;
        Tries(node, remote, clock, 60);
        End(node, remote, clock, beside, cam);
        // Of what comes from the other side nothing is an error of this one.
        Assert.DoesNotContain("failed", node.Log(), StringComparison.OrdinalIgnoreCase);
    }

    // Time passes while nobody is connected: what is tried is what is said, and not patience.
    private static void Tries(TestServer node, LyingRemote remote, HandClock clock, int count) => Until.True(() =>
    {
        if (remote.Open == 0)
            clock.Pass(TimeSpan.FromSeconds(5));
        return remote.Connections >= count;
    }, $"{count} tries", TimeSpan.FromSeconds(120));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_it_asks_to_be_told_is_no_lever(bool isForward)
    {
        var said = 0L;
        using var remote = new LyingRemote(peer =>
        {
            // Acknowledge each byte, each 4 GiB, none; pong; and take as much as we allow.
            byte[] word = [.. Wire.Message(2, 5, 0, 0, Wire.UInt32(1)), .. Wire.Message(2, 5, 0, 0, Wire.UInt32(uint.MaxValue)), .. Wire.Message(2, 5, 0, 0, Wire.UInt32(0)),
                .. Wire.Message(2, 4, 0, 0, [0, 6, 0, 0, 0, 1]), .. Wire.Message(2, 6, 0, 0, [.. Wire.UInt32(0), 2])];
            peer.Ask();
            for (var i = 0; i < 5000; i++, said += word.Length)
                peer.Say(word);
            peer.Say(Wire.Command(1, "onStatus", 0, null, LyingRemote.Status("NetStream.Publish.BadName", "error"))).Listen();
        });
        await using var node = await NodeAsync(TimeProvider.System, remote.Port, isForward);
        using var cam = isForward ? new Broadcast(node, Cam) : null;
        Until.True(() => TroubleOf(node, isForward).EndsWith("refused: NetStream.Publish.BadName", StringComparison.Ordinal), "all of it is read");
        Assert.InRange(remote.Received, 1, 10_000 + said);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_redirect_in_a_status_leads_nowhere(bool isForward)
    {
        using var elsewhere = new LyingRemote(static p => p.Hold());
        using var remote = new LyingRemote(peer =>
        {
            var refusal = LyingRemote.Status("NetConnection.Connect.Rejected", "error");
            (refusal["description"], refusal["redirect"]) = ("[ 302 ]", $"rtmp://127.0.0.1:{elsewhere.Port}/app/cam");
            peer.Handshake().Say(Wire.Command(0, "_error", 1, null, refusal)).Listen();
        });
        await using var node = await NodeAsync(TimeProvider.System, remote.Port, isForward);
        using var cam = isForward ? new Broadcast(node, Cam) : null;
        Until.True(() => remote.Connections >= 2, "asked again where the settings say");
        Assert.EndsWith("refused: NetConnection.Connect.Rejected", TroubleOf(node, isForward), StringComparison.Ordinal);
        Assert.Equal(0, elsewhere.Connections);
    }
}
