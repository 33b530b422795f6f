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
    public async Task Hls_js_plays_what_run_sign_prints_with_prefix()
    {
        var server = served.Server;
        var link = (await Tool.Run(Path.Combine(Repository.Root, "run"), ["sign", Film.Path, "--uid", "viewer", "--for", "1h", "--prefix",
            $"--server.port={server.Port}", $"--data.dir={server.DataFolder}", $"--access.secret={ServerProcess.Secret}"], TimeSpan.FromSeconds(30)))
            .MustSucceed().Output.Trim();
        Assert.StartsWith($"http://localhost:{server.Port}/~v1.", link, StringComparison.Ordinal);
        var played = await Browser.Play(link);
        Assert.True(played.Ended && !played.SeriousErrors.Any(), played.ToString());
        Assert.InRange(played.CurrentTime, Film.Duration - 0.3, Film.Duration + 0.3);
        // The grant opened the first playlist; what followed came below the session's path.
        Assert.Equal(1, played.Requests.Count(request => request.Url.Contains("/~v1.", StringComparison.Ordinal)));
        Assert.All(played.Requests.Skip(1), request => Assert.Contains("/~s1.", request.Url, StringComparison.Ordinal));
    }

    /// <summary>A link to one rendition: its segments lie beside it, its key above it, so the link says how far it reaches.</summary>
    [Theory, InlineData(Form.Query), InlineData(Form.Path)]
    public async Task A_link_to_a_media_playlist_plays_it_to_the_end(Form form)
    {
        var link = ServerProcess.Sign("/film/high/index.m3u8", scope: "/film/");
        var url = served.Server.Url(form == Form.Query ? link.InQuery : link.InPath);
        var byFfmpeg = await FfmpegPlayer.Play(url);
        Assert.True(byFfmpeg.Ended, byFfmpeg.Report);
        Assert.InRange(byFfmpeg.Seconds, Film.Duration - 0.3, Film.Duration + 0.3);
        var byGst = await GstPlayer.Play(url);
        Assert.True(byGst.Ended, byGst.Report);
        var byBrowser = await Browser.Play(url);
        Assert.True(byBrowser.Ended && !byBrowser.SeriousErrors.Any() && byBrowser.Requests.All(request => request.Status == 200), byBrowser.ToString());
    }

    /// <summary>Packagers write whole URLs and paths from the root; both must come back below the session's path.</summary>
    [Fact]
    public async Task Own_hosts_and_paths_from_the_root_are_played_through_the_session()
    {
        using var folder = new TempFolder();
        var film = Path.Combine((await Film.Get()).Root, "film");
        foreach (var file in Directory.EnumerateFiles(film, "*", SearchOption.AllDirectories))
        {
            var copy = folder["elsewhere/" + Path.GetRelativePath(film, file)];
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        // Nobody can resolve this host: what is not rewritten cannot be played.
        await Rewrite("master.m3u8", line => line.Replace("URI=\"sound/", "URI=\"https://media.invalid/elsewhere/sound/", StringComparison.Ordinal)
            .Replace("high/index", "/elsewhere/high/index", StringComparison.Ordinal));
        await Rewrite("high/index.m3u8", line => line.Replace("../enc.key", "//media.invalid/elsewhere/enc.key", StringComparison.Ordinal)
            .Replace("0.ts", "https://MEDIA.invalid:443/elsewhere/high/0.ts", StringComparison.Ordinal)
            .Replace("1.ts", "/elsewhere/high/1.ts", StringComparison.Ordinal));
        await using var server = await ServerProcess.Start(folder.Path, "--server.public_url=https://media.invalid");
        var url = server.Url(ServerProcess.Sign("/elsewhere/master.m3u8").InQuery);
        var byFfmpeg = await FfmpegPlayer.Play(url);
        Assert.True(byFfmpeg.Ended, byFfmpeg.Report);
        var byBrowser = await Browser.Play(url);
        Assert.True(byBrowser.Ended && !byBrowser.SeriousErrors.Any() && byBrowser.ConsoleErrors.Count == 0, byBrowser.ToString());
        Assert.All(byBrowser.Requests.Skip(1), request => Assert.Contains("/~s1.", request.Url, StringComparison.Ordinal));

        async Task Rewrite(string name, Func<string, string> line)
        {
            var lines = await File.ReadAllLinesAsync(folder["elsewhere/" + name]);
            await File.WriteAllLinesAsync(folder["elsewhere/" + name], lines.Select(line));
        }
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
