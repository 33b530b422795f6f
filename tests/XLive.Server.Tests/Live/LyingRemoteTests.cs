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
    private const int AtOnce = 4;

    private static readonly StreamName Cam = new("live", "cam");
    private static readonly StreamName Beside = new("live", "beside");

    // Each of these is a stream of its own that is fetched, or one more place that the one stream goes to.
    private static string Settings(bool isForward, IReadOnlyList<LyingRemote> remotes) => $"live: {{{(isForward ? "forward" : "pull")}: ["
        + string.Join(", ", remotes.Select((r, i) => $"{{stream: live/{(isForward ? "cam" : NameOf(i))}, url: \"rtmp://127.0.0.1:{r.Port}/app/cam?key=sk_secret\"}}")) + "]}";

    private static string NameOf(int remote) => $"cam{remote}";

    private static async Task<TestServer> NodeAsync(TimeProvider clock, bool isForward, params LyingRemote[] remotes)
    {
        var node = await TestServer.StartAsync(clock);
        Reload(node, Settings(isForward, remotes));
        return node;
    }

    private static void Reload(TestServer node, string settings)
    {
        File.WriteAllText(Path.Combine(node.Folder, "conf.yaml"), settings);
        Assert.Empty(node.Get<ServerSettings>().Reload());
    }

    private static string TroubleOf(TestServer node, bool isForward, LyingRemote remote, int number = 0) => isForward
        ? node.Get<Forwards>().All.FirstOrDefault(f => f.Host == remote.Host)?.Trouble ?? ""
        : node.Get<Pulls>().All.Single(p => p.Name.Stream == NameOf(number)).Trouble;

    /// <summary>A node that knows these remotes, a stream beside what they have to do with, and time that its test lets pass.</summary>
    private sealed class House(HandClock clock, TestServer node, bool isForward, LyingRemote[] remotes) : IAsyncDisposable
    {
        private readonly Broadcast _beside = new(node, Beside);
        private readonly Broadcast? _cam = isForward ? new Broadcast(node, Cam) : null;

        public TestServer Node => node;

        public static async Task<House> StartAsync(HandClock clock, bool isForward, params LyingRemote[] remotes) =>
            new(clock, await NodeAsync(clock, isForward, remotes), isForward, remotes);

        // Time passes while nobody is connected: what is tried is what is said, and not patience.
        public void Try(int count) => Until.True(() =>
        {
            if (Array.TrueForAll(remotes, static r => r.Open == 0))
                clock.Pass(TimeSpan.FromSeconds(5));
            return Array.TrueForAll(remotes, r => r.Connections >= count);
        }, $"{count} tries of each", TimeSpan.FromSeconds(120));

        /// <summary>What the settings no longer name leaves nothing behind, and what was beside it has not noticed.</summary>
        public string End()
        {
            var before = _beside.Turn.Received;
            Reload(node, "live: {forward: [], pull: []}");
            Until.True(() =>
            {
                clock.Pass(TimeSpan.FromSeconds(1));
                return Array.TrueForAll(remotes, static r => r.Open == 0) && node.Get<Forwards>().All.Count == 0 && node.Get<Pulls>().All.Count == 0;
            }, "connections end");
            Until.True(() => _beside.Turn.Received > before && _beside.Turn.EndedFor is null, "the stream beside goes on");
            Assert.Null(_cam?.Turn.EndedFor);
            var log = node.Log();
            Assert.DoesNotContain("sk_secret", log, StringComparison.Ordinal);
            return log;
        }

        public async ValueTask DisposeAsync()
        {
            _beside.Dispose();
            _cam?.Dispose();
            await node.DisposeAsync();
            Array.ForEach(remotes, static r => r.Dispose());
        }
    }

    /// <summary>One liar, and when it was asked.</summary>
    private sealed class Liar
    {
        private readonly string _lies;
        private readonly string _why;
        private readonly ConcurrentQueue<TimeSpan> _times = new();
        private string _trouble = "";

        public Liar(string lies, Action<LyingRemote.Peer> lie, string why, HandClock clock)
        {
            (_lies, _why) = (lies, why);
            Remote = new LyingRemote(peer =>
            {
                _times.Enqueue(clock.Steady);
                lie(peer);
            });
        }

        public LyingRemote Remote { get; }
        public bool IsTriedThrice => _times.Count >= 3;

        /// <summary>It waits for nothing: no time is to pass while it is at it.</summary>
        public bool IsTalking => _why != Lies.Silent && Remote.Open > 0;

        public void Look(string trouble) => _trouble = trouble.Length > 0 ? trouble : _trouble;

        /// <summary>Null: it was named as it should be, in the log too, and asked again later and later.</summary>
        public string? Fault(bool isForward, string log)
        {
            var isNamed = _why == Lies.Silent
                ? _trouble == (isForward ? $"{Remote.Host} does not answer" : $"nothing came from {Remote.Host}")
                : _trouble.StartsWith(Remote.Host, StringComparison.Ordinal) && _trouble.EndsWith(_why, StringComparison.Ordinal);
            var tries = _times.Take(3).ToArray();
            return isNamed && log.Contains($"{_trouble}; again in", StringComparison.Ordinal)
                && tries[1] - tries[0] >= TimeSpan.FromSeconds(0.75) && tries[2] - tries[1] >= TimeSpan.FromSeconds(1.5)
                ? null
                : $"one that {_lies}: '{_trouble}', tried at {string.Join(", ", tries)}";
        }
    }

    /// <summary>All of them at once: each has its own connection, and time, which is all that some wait for, passes for all.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Whatever_they_say_is_named_and_they_are_asked_again_later_and_later(bool isForward)
    {
        var clock = new HandClock();
        var liars = (isForward ? Lies.ToAll : Lies.ToAll.Concat(Lies.ToPulls)).Select(l => new Liar(l.Key, l.Value.Lie, l.Value.Why, clock)).ToList();
        await using var house = await House.StartAsync(clock, isForward, [.. liars.Select(static l => l.Remote)]);
        Until.True(() =>
        {
            if (!liars.Exists(static l => l.IsTalking))
                clock.Pass(TimeSpan.FromSeconds(0.2));
            for (var i = 0; i < liars.Count; i++)
                liars[i].Look(TroubleOf(house.Node, isForward, liars[i].Remote, i));
            return liars.TrueForAll(static l => l.IsTriedThrice);
        }, "a third try of each", TimeSpan.FromSeconds(60));
        var log = house.End();
        Assert.Empty(liars.Select(l => l.Fault(isForward, log)).OfType<string>());
        Assert.Equal(isForward ? 2 : 1, house.Node.Get<LiveStreams>().All.Count(static s => s.HasFrames));
    }

    /// <summary>Four at a time, each with every fourth of the points.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Connections_that_end_at_every_point(bool isForward)
    {
        byte[] said = [3, .. new byte[2 * ServerHandshake.PacketLength], .. LyingRemote.Connected, .. LyingRemote.Created, .. LyingRemote.Started(isForward), .. Wire.Message(6, 9, 1, 0, new byte[200])];
        // Few of the handshake's bytes, which are all alike, and every seventh behind it.
        int[] cuts = [0, 1, 2, 1536, 1537, 1538, 3072, .. Enumerable.Range(0, (said.Length - 3073) / 7).Select(static n => 3073 + (7 * n)), said.Length];
        var remotes = Several(number => peer =>
        {
            peer.Say(said[..cuts[Math.Min(number(peer), cuts.Length - 1)]]);
            if (number(peer) % 2 == 1)
                peer.Reset();
        });
        await using var house = await House.StartAsync(new HandClock(), isForward, remotes);
        house.Try((cuts.Length + AtOnce - 1) / AtOnce);
        house.End();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Answers_that_were_damaged(bool isForward)
    {
        var seed = ulong.TryParse(Environment.GetEnvironmentVariable("XLIVE_FUZZ_SEED"), CultureInfo.InvariantCulture, out var given) ? given : (ulong)Random.Shared.Next();
        output.WriteLine($"XLIVE_FUZZ_SEED={seed}");
        var fuzzer = new RtmpClientFuzzer();
        var remotes = Several(number => peer =>
        {
            byte[] input;
            lock (fuzzer)
                input = Fuzzer.Bytes(fuzzer.Make(seed, number(peer)));
            peer.Handshake().Say(input);
        });
        await using var house = await House.StartAsync(new HandClock(), isForward, remotes);
        house.Try(60 / AtOnce);
        // Of what comes from the other side nothing is an error of this one.
        Assert.DoesNotContain("failed", house.End(), StringComparison.OrdinalIgnoreCase);
    }

    // Each is told the number of a connection among those of all.
    private static LyingRemote[] Several(Func<Func<LyingRemote.Peer, int>, Action<LyingRemote.Peer>> lie) =>
        [.. Enumerable.Range(0, AtOnce).Select(i => new LyingRemote(lie(peer => (peer.Number * AtOnce) + i)))];

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
        await using var node = await NodeAsync(TimeProvider.System, isForward, remote);
        using var cam = isForward ? new Broadcast(node, Cam) : null;
        Until.True(() => TroubleOf(node, isForward, remote).EndsWith("refused: NetStream.Publish.BadName", StringComparison.Ordinal), "all of it is read");
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
        var clock = new HandClock();
        await using var node = await NodeAsync(clock, isForward, remote);
        using var cam = isForward ? new Broadcast(node, Cam) : null;
        Until.True(() =>
        {
            clock.Pass(TimeSpan.FromSeconds(0.2));
            return remote.Connections >= 2;
        }, "asked again where the settings say");
        Assert.EndsWith("refused: NetConnection.Connect.Rejected", TroubleOf(node, isForward, remote), StringComparison.Ordinal);
        Assert.Equal(0, elsewhere.Connections);
    }
}
