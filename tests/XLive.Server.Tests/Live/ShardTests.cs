using System.Globalization;
using XLive.Media.Flv;
using XLive.Server.Live;
using XLive.Server.Sessions;
using XLive.Server.Tests.Delivery;
using XLive.Server.Traffic;

namespace XLive.Server.Tests.Live;

/// <summary>Viewers in clear, whom the shards send to.</summary>
public sealed class ShardTests
{
    private static readonly StreamName Name = new("live", "cam");

    private static Publication Publish(TestServer server) => Film.Publish(server, Name);

    private static RawClient Watch(TestServer server, string uid, int receiveBuffer = 0)
    {
        var client = server.Connect(receiveBuffer);
        client.Send(RawClient.Request("GET", "/live/cam.flv?" + TestServer.Grant(uid)));
        Assert.Equal(200, client.ReadHead().Status);
        return client;
    }

    private static long BytesOf(TestServer server, string uid) => server.Get<UserMeters>().Of(uid).Bytes;

    [Theory]
    [InlineData("0")]    // each frame by itself
    [InlineData("20ms")]
    public async Task Good_viewers_miss_nothing_beside_slow_ones_and_a_slow_one_goes_on_at_a_keyframe(string batch)
    {
        const int good = 12, slow = 6, frames = 900;
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        await using var server = await TestServer.StartAsync("--live.send_batch=" + batch, "--live.memory_per_stream=4MiB");
        var turn = Publish(server);
        var film = new Film(new Random(seed));
        turn.Publish(film.Next());
        var stream = server.Get<LiveStreams>().All.Single();
        List<RawClient> goodOnes = [.. Enumerable.Range(0, good).Select(i => Watch(server, string.Create(CultureInfo.InvariantCulture, $"good{i}")))];
        List<RawClient> slowOnes = [.. Enumerable.Range(0, slow).Select(i => Watch(server, string.Create(CultureInfo.InvariantCulture, $"slow{i}"), 4096))];
        Until.True(() => stream.Viewers == good + slow && server.Get<Shards>().Viewers == good + slow, "all watch");
        var seen = new List<int>[good];
        var bytes = new long[good];
        var reading = Enumerable.Range(0, good).Select(i => Task.Run(() =>
        {
            var viewer = new FlvViewer(goodOnes[i]);
            seen[i] = new List<int>(frames);
            foreach (var (_, number) in viewer.Tags().Skip(3))
                seen[i].Add(number);
            bytes[i] = viewer.Bytes;
        })).ToArray();
        for (var i = 1; i < frames; i++)
        {
            turn.Publish(film.Next());
            // A megabyte of the log is a hundred frames of this film.
            if (i % 20 == 0)
                Until.True(() => seen.All(s => s?.Count > i - 40), "the good ones have read");
        }
        turn.End(PublishEnd.Finished);
        for (var i = 0; i < good; i++)
        {
            await reading[i];
            Assert.Equal(Enumerable.Range(0, frames), seen[i]);
            var uid = string.Create(CultureInfo.InvariantCulture, $"good{i}");
            Until.Equal(bytes[i], () => BytesOf(server, uid), "he is charged what he took");
        }
        foreach (var client in slowOnes)
        {
            int[] numbers = [.. new FlvViewer(client).Tags().Select(static t => t.Number).Where(static n => n >= 0)];
            Assert.NotEmpty(numbers);
            for (var i = 1; i < numbers.Length; i++)
                Assert.True(numbers[i] == numbers[i - 1] + 1 || (numbers[i] > numbers[i - 1] && numbers[i] % 20 == 0), $"{numbers[i]} after {numbers[i - 1]}");
            Assert.True(numbers.Length < frames, "he was late for nothing");
        }
        Until.True(() => stream.Viewers == 0 && server.Get<Shards>().Viewers == 0, "all have gone");
        Assert.Equal(0, stream.Bytes);
        foreach (var client in goodOnes.Concat(slowOnes))
            client.Dispose();
    }

    [Fact]
    public async Task Who_is_told_to_go_while_nothing_comes_is_gone()
    {
        await using var server = await TestServer.StartAsync();
        var turn = Publish(server);
        turn.Publish(new Film(new Random(3)).Next());
        var stream = server.Get<LiveStreams>().All.Single();
        using var kicked = Watch(server, "kicked");
        using var other = Watch(server, "other");
        Until.True(() => server.Get<Shards>().Viewers == 2, "both watch");
        var session = server.Get<SessionTable>().All.Single(static s => s.Uid == "kicked");
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        server.Get<SessionTable>().Revocations.Put(new Revocation(RevocationKind.Sid, session.Sid, now, now + 600, "", "test", IsKick: true, session.Entry));
        Until.True(() => stream.Viewers == 1 && server.Get<Shards>().Viewers == 1, "one is gone");
        kicked.ReadToEnd(out var ending);
        Assert.Equal(Ending.Reset, ending);
        turn.End(PublishEnd.Finished);
        Assert.Equal([FlvTagType.Script, FlvTagType.Video, FlvTagType.Audio, FlvTagType.Video], new FlvViewer(other).Tags().Select(static t => t.Type));
    }

    [Fact]
    public async Task Who_leaves_with_his_socket_full_gives_back_what_he_was_being_sent()
    {
        await using var server = await TestServer.StartAsync("--live.memory_per_stream=4MiB");
        var turn = Publish(server);
        var film = new Film(new Random(5)) { MostBytes = 200_000 };
        turn.Publish(film.Next());
        var stream = server.Get<LiveStreams>().All.Single();
        using (var slow = Watch(server, "slow", 4096))
        {
            Until.True(() => server.Get<Shards>().Viewers == 1, "he watches");
            for (var i = 0; i < 200; i++)
                turn.Publish(film.Next());
            slow.Reset();
        }
        Until.True(() => stream.Viewers == 0 && server.Get<Shards>().Viewers == 0, "he is gone");
        turn.End(PublishEnd.Finished);
        Until.True(() => server.Get<LiveStreams>().MemoryBytes == 0, "nothing is held");
    }
}
