using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>A player that was given one signed address, and nothing else, plays the film to its end: playlists, segments, sound, key.</summary>
public sealed class PlayersTests(PlayersTests.Served served) : IClassFixture<PlayersTests.Served>
{
    public sealed class Served : IAsyncLifetime
    {
        public ServerProcess Server { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Server = await ServerProcess.Start((await Film.Get()).Root);

        public ValueTask DisposeAsync() => Server.DisposeAsync();
    }

    public enum Form
    {
        Query,
        Path,
    }

    string Link(Form form)
    {
        var link = ServerProcess.Sign(Film.Path);
        return served.Server.Url(form == Form.Query ? link.InQuery : link.InPath);
    }

    [Theory, InlineData(Form.Query), InlineData(Form.Path)]
    public async Task Ffmpeg_plays_every_rendition_to_the_end(Form form)
    {
        var played = await FfmpegPlayer.Play(Link(form));
        Assert.True(played.Ended, played.Report);
        Assert.InRange(played.Seconds, Film.Duration - 0.3, Film.Duration + 0.3);
    }

    [Theory, InlineData(Form.Query), InlineData(Form.Path)]
    public async Task GStreamer_plays_to_the_end(Form form)
    {
        var played = await GstPlayer.Play(Link(form));
        Assert.True(played.Ended, played.Report);
        Assert.InRange(played.Seconds, Film.Duration - 1, Film.Duration + 1);
    }

    [Theory, InlineData(Form.Query), InlineData(Form.Path)]
    public async Task Hls_js_plays_to_the_end_from_another_origin(Form form)
    {
        var played = await Browser.Play(Link(form));
        var report = played.ToString();
        Assert.True(played.Ended, report);
        Assert.InRange(played.CurrentTime, Film.Duration - 0.3, Film.Duration + 0.3);
        Assert.True(played.DecodedFrames > Film.Duration * 25 * 0.8, report);
        Assert.True(played.Levels == 2 && played.AudioTracks == 1, report);
        Assert.True(!played.SeriousErrors.Any() && played.ConsoleErrors.Count == 0, report);
        Assert.True(played.Requests.All(request => request.Status == 200), report);
        Assert.Contains(played.Requests, request => request.Url.EndsWith("/film/enc.key", StringComparison.Ordinal));
        Assert.Equal(Film.Segments, played.Requests.Count(request => request.Url.Contains("/film/sound/", StringComparison.Ordinal)
            && request.Url.EndsWith(".ts", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_link_without_a_grant_is_played_by_nobody()
    {
        var bare = served.Server.Url(Film.Path);
        Assert.False((await FfmpegPlayer.Play(bare)).Ended);
        Assert.False((await GstPlayer.Play(bare)).Ended);
        var browser = await Browser.Play(bare, seconds: 20);
        Assert.False(browser.Ended);
        // CORS headers stand on errors too: the page learns the status, not just that something went wrong.
        Assert.Contains(browser.Requests, request => request.Status == 401);
        Assert.Contains(browser.Errors, error => error.Status == 401);
    }
}
