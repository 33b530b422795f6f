using XLive.Media.Tests.Rtmp;
using XLive.Server.Live;
using XLive.Server.Playback.Forward;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Live;

/// <summary>Streams pushed on to servers that name the codecs that they take, and to those that do not.</summary>
public sealed class CodecForwardTests
{
    private const string HevcHead = "9068766331", HevcKey = "9368766331", OpusHead = "904f707573";

    private static readonly StreamName Cam = new("live", "cam");

    private static Task<TestServer> StartAsync(LyingRemote remote) =>
        TestServer.StartAsync($"--live.forward=[{{stream: live/*, url: \"rtmp://{remote.Host}/app/{{stream}}\"}}]", "--auth.enable=false");

    private static Forward? ForwardOf(TestServer server) => server.Get<Forwards>().All.SingleOrDefault();

    [Theory]
    [InlineData("av01,Opus", "hvc1.1.6.L60.90")]
    [InlineData("hvc1", "Opus")]
    [InlineData("", "hvc1.1.6.L60.90")]
    public async Task One_that_names_others_is_sent_nothing_and_asked_again(string list, string codec)
    {
        using var remote = new LyingRemote(p =>
        {
            p.Handshake().Hear("connect");
            p.Say(Wire.Connected(list.Split(',', StringSplitOptions.RemoveEmptyEntries))).Listen();
        });
        await using var server = await StartAsync(remote);
        var turn = Film.Publish(server, Cam, Film.Hevc, Film.Opus);
        Until.True(() => remote.Heard.Length >= 4, "two tries");
        Assert.Equal(["connect", "end", "connect", "end"], remote.Heard.Take(4));
        Assert.Empty(remote.Media);
        Assert.Equal(($"{remote.Host} does not take {codec}: it is none of the codecs that it named at connect (fourCcList)", false), (ForwardOf(server)!.Trouble, ForwardOf(server)!.IsTaken));
        Assert.Contains($"live/cam is not forwarded: {remote.Host} does not take {codec}", server.Log(), StringComparison.Ordinal);
        using var operators = new HttpClient();
        var stats = await operators.GetStringAsync(new Uri($"http://127.0.0.1:{server.Port}/stats"), TestContext.Current.CancellationToken);
        Assert.Matches($"\"trouble\": ?\"{remote.Host} does not take {codec}", stats);
        Assert.Null(turn.EndedFor);
    }

    [Theory]
    [InlineData("Opus,hvc1", "")]
    [InlineData("*", "")]
    [InlineData(null, "hvc1.1.6.L60.90")]
    public async Task One_that_names_them_is_sent_them_and_one_that_names_none_too_but_that_is_said(string? list, string undeclared)
    {
        using var remote = new LyingRemote(p => p.Begin(Wire.Connected(list?.Split(','))).Listen());
        await using var server = await StartAsync(remote);
        var turn = Film.Publish(server, Cam, Film.Hevc, Film.Opus);
        Until.True(() => remote.Media.Length >= 3, "it is taken");
        Assert.Equal([HevcHead, OpusHead, HevcKey], remote.Media.Take(3));
        Assert.Equal((undeclared, ""), (ForwardOf(server)!.Undeclared, ForwardOf(server)!.Trouble));
        Assert.Equal(undeclared.Length > 0, server.Log().Contains("which named no codecs at connect and may not take hvc1.1.6.L60.90", StringComparison.Ordinal));
        turn.End(PublishEnd.Finished);
    }

    [Fact]
    public async Task A_stream_that_comes_to_be_of_another_codec_is_taken_back_until_it_is_of_the_old_one_again()
    {
        using var remote = new LyingRemote(static p => p.Begin(Wire.Connected(["av01"])).Listen());
        await using var server = await StartAsync(remote);
        var turn = Film.Publish(server, Cam, Film.Video, Film.Audio);
        Until.True(() => remote.Media.Length >= 4, "it is taken");
        turn.End(PublishEnd.Lost);
        turn = Film.Publish(server, Cam, Film.Hevc, Film.Audio);
        Until.True(() => remote.Heard.Contains("end"), "its end");
        Assert.Equal(["connect", "releaseStream", "FCPublish", "createStream", "publish", "FCUnpublish", "deleteStream", "end"], remote.Heard.Take(8));
        Until.True(() => ForwardOf(server)!.Trouble.Contains("does not take hvc1.1.6.L60.90", StringComparison.Ordinal), "its trouble");
        Assert.Equal(1, server.Get<LiveStreams>().EndedByCodec);
        Assert.DoesNotContain("is not forwarded: ;", server.Log(), StringComparison.Ordinal);
        turn.End(PublishEnd.Lost);
        turn = Film.Publish(server, Cam, Film.Video, Film.Audio);
        Until.True(() => ForwardOf(server)!.IsTaken, "it is taken again");
        Until.True(() => remote.Media.Length >= 8, "its frames");
        Assert.DoesNotContain(remote.Media, static m => m[0] == '9');
        turn.End(PublishEnd.Finished);
    }
}
