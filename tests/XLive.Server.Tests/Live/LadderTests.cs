using XLive.Server.Access;
using XLive.Server.Ingest.Ladder;
using XLive.Server.Live;
using XLive.Server.Rtmp;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Live;

/// <summary>live.ladder with encoders that go wrong; a right one is in LadderTests of XLive.EndToEnd.</summary>
public sealed class LadderTests
{
    private const string Rungs = "--live.ladder=[{name: 360p, height: 360, video_bitrate: 800}, {name: 180p, stream: live/*, height: 180, video_bitrate: 300, audio_bitrate: 48}, {name: 1080p, height: 1080, video_bitrate: 5000}, {name: 144p, stream: wida/*, height: 144, video_bitrate: 100}]";

    private static readonly StreamName Cam = new("live", "cam");

    private static Task<TestServer> StartAsync(TimeProvider? clock = null) => TestServer.StartAsync(clock ?? TimeProvider.System, [$"--rtmp.port={FreePort.Next()}", Rungs]);

    private static string Script(TestServer server, string text)
    {
        var path = Path.Combine(server.Folder, "ffmpeg");
        File.WriteAllText(path, "#!/bin/sh\n" + text);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return path;
    }

    [Fact]
    public async Task One_that_fails_is_begun_again_and_what_it_says_holds_no_key()
    {
        await using var server = await StartAsync();
        var ladders = server.Get<Ladders>();
        ladders.Program = Script(server, "cat >/dev/null &\necho \"$# of $*\" | tail -c 250 >&2\nexit 7\n");
        using var film = new Broadcast(server, Cam);
        Until.True(() => ladders.Begun >= 2, "it is begun again");
        Until.True(() => ladders.All.Single().Trouble.Length > 0, "what it said");
        var trouble = ladders.All.Single().Trouble;
        Assert.EndsWith($"rtmp://{ladders.Address}/live/cam_180p?key=***", trouble, StringComparison.Ordinal);
        Assert.Equal(["360p", "180p"], ladders.All.Single().Rungs.Select(static r => r.Name));
        Assert.Null(film.Turn.EndedFor);
        Assert.DoesNotContain("own_", server.Log(), StringComparison.Ordinal);
        film.End(PublishEnd.Finished);
        Until.Equal(0, () => ladders.All.Count, "encoders of a stream that is over");
        Assert.Equal(0, server.Get<OwnPublishers>().Count);
    }

    [Fact]
    public async Task One_that_is_not_there_costs_the_stream_nothing()
    {
        await using var server = await StartAsync();
        var ladders = server.Get<Ladders>();
        ladders.Program = "/nowhere/ffmpeg";
        using var film = new Broadcast(server, Cam);
        Until.True(() => ladders.All is [{ Trouble.Length: > 0 }], "it is tried");
        Assert.StartsWith("/nowhere/ffmpeg cannot be started: ", ladders.All.Single().Trouble, StringComparison.Ordinal);
        Assert.Equal(0, ladders.Begun);
        Assert.Null(film.Turn.EndedFor);
    }

    [Fact]
    public async Task One_that_takes_nothing_is_ended()
    {
        var clock = new HandClock();
        await using var server = await StartAsync(clock);
        var ladders = server.Get<Ladders>();
        ladders.Program = Script(server, "exec sleep 600\n");
        using var film = new Broadcast(server, Cam);
        Until.True(() =>
        {
            clock.Pass(TimeSpan.FromMilliseconds(500));
            return ladders.All is [{ Trouble: "it takes nothing more" }];
        }, "its end");
        Assert.Null(film.Turn.EndedFor);
    }

    [Fact]
    public async Task More_than_there_are_processors_wait()
    {
        await using var server = await StartAsync();
        var ladders = server.Get<Ladders>();
        ladders.Program = Script(server, "exec cat >/dev/null\n");
        var films = Enumerable.Range(0, Ladders.Most + 1).Select(i => new Broadcast(server, new StreamName("live", $"cam{i}"))).ToList();
        Until.True(() => ladders is { All.Count: var running, Waiting: 1 } && running == Ladders.Most, "one waits");
        films[0].End(PublishEnd.Finished);
        films[1].End(PublishEnd.Finished);
        Until.True(() => ladders is { Waiting: 0, All.Count: var running } && running == Ladders.Most - 1, "none waits");
        films.ForEach(static f => f.Dispose());
    }

    [Fact]
    public async Task A_key_of_ours_opens_one_stream_and_no_longer_than_it_is_wanted()
    {
        await using var server = await StartAsync();
        var (gate, own) = (server.Get<PublishGate>(), server.Get<OwnPublishers>());
        var query = own.Give("live", "cam_180p", "ladder live/cam_180p", "live/cam");
        var here = System.Net.IPAddress.Loopback;
        Assert.Equal("ladder live/cam_180p", (await gate.AdmitAsync(here, "live", "cam_180p", query)).Holder);
        Assert.Null((await gate.AdmitAsync(here, "live", "cam", query)).Holder);
        Assert.Null((await gate.AdmitAsync(here, "wida", "cam_180p", query)).Holder);
        Assert.Null((await gate.AdmitAsync(here, "live", "cam_180p", query[..^1] + "g")).Holder);
        own.Take(query);
        Assert.Null((await gate.AdmitAsync(here, "live", "cam_180p", query)).Holder);
    }

    [Theory]
    [InlineData("[{name: low, height: 360, video_bitrate: 800}]", "is no label")]
    [InlineData("[{name: 360p, height: 361, video_bitrate: 800}]", "must be even")]
    [InlineData("[{name: 360p, height: 360, video_bitrate: 800}, {name: 360p, height: 180, video_bitrate: 100}]", "is there twice")]
    [InlineData("[{name: 360p, height: 10, video_bitrate: 800}]", "16")]
    public async Task What_cannot_be_made_stops_the_start(string value, string why)
    {
        var fault = await Assert.ThrowsAsync<XLive.Server.Settings.SettingsException>(() => TestServer.StartAsync($"--rtmp.port={FreePort.Next()}", "--live.ladder=" + value));
        Assert.Contains(why, fault.Faults[0].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_port_of_RTMP_there_is_none()
    {
        var fault = await Assert.ThrowsAsync<XLive.Server.Settings.SettingsException>(() => TestServer.StartAsync("--rtmp.port=0", Rungs));
        Assert.Contains("needs rtmp.port", fault.Faults[0].ToString(), StringComparison.Ordinal);
    }
}
