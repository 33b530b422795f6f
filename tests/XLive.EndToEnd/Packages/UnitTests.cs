using System.Diagnostics;
using System.Net;
using System.Text.Json;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd.Packages;

/// <summary>packaging/xlive.service: that systemd understands it, what it shuts, and that the server lives with it. There is no systemd here to start it.</summary>
public sealed class UnitTests : IDisposable
{
    static readonly string Unit = File.ReadAllText(Path.Combine(Repository.Root, "packaging/xlive.service"));

    readonly TempFolder _folder = new();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Systemd_understands_every_line_of_it()
    {
        // It looks whether the program is there.
        await File.WriteAllTextAsync(_folder["xlive.service"], Unit.Replace("/usr/lib/xlive/xlive", Repository.Server, StringComparison.Ordinal), Stop);
        var verified = await Tool.Run("systemd-analyze", ["verify", "--man=no", "--recursive-errors=no", _folder["xlive.service"]], TimeSpan.FromSeconds(30));
        Assert.True(verified is { ExitCode: 0, Errors: "", Output: "" }, verified.ToString());
    }

    /// <summary>2 of 10, where a unit without any of it has 9.6. What is left open stands in the unit, with the reasons.</summary>
    [Fact]
    public async Task What_it_leaves_open_is_little()
    {
        await File.WriteAllTextAsync(_folder["xlive.service"], Unit, Stop);
        var rated = await Tool.Run("systemd-analyze", ["security", "--offline=true", "--threshold=20", "--no-pager", _folder["xlive.service"]], TimeSpan.FromSeconds(30));
        Assert.True(rated.ExitCode == 0, rated.ToString());
    }

    [Fact]
    public async Task The_server_publishes_encodes_and_plays_under_its_system_call_filter()
    {
        var filter = await SystemCalls.Filter(Unit, _folder);
        var film = await Film.Get();
        // What is shut: a call of @privileged, that any other process of this user may make.
        var own = _folder["own"];
        await File.WriteAllTextAsync(own, "", Stop);
        var refused = await Tool.Run(filter, ["chown", "--reference", own, own], TimeSpan.FromSeconds(20));
        Assert.True(refused.ExitCode == 1 && refused.Errors.Contains("Operation not permitted", StringComparison.Ordinal), refused.ToString());

        await using var server = await ServerProcess.Start(film.Root, null,
            ["--auth.enable=false", "--live.segment_seconds=1", "--live.ladder=[{name: 180p, height: 180, video_bitrate: 200}]"], new(Within: [filter]));
        var status = await File.ReadAllTextAsync($"/proc/{server.Process.Id}/status", Stop);
        Assert.Contains("Seccomp:\t2\n", status, StringComparison.Ordinal);
        var played = await FfmpegPlayer.Play(server.Url(ServerProcess.Sign(Film.Path).InQuery));
        Assert.True(played.Ended, played.Report);
        var publisher = Process.Start(new ProcessStartInfo("ffmpeg", ["-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25",
            "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-b:v", "500k", "-f", "flv", $"rtmp://127.0.0.1:{server.RtmpPort}/live/cam"]) { RedirectStandardInput = true })!;
        try
        {
            // The rendition is the work of the server's own ffmpeg, which is under the filter too.
            var waited = Stopwatch.StartNew();
            while (await Status(server, "/live/cam_180p.m3u8") != HttpStatusCode.OK)
            {
                Assert.True(waited.Elapsed < TimeSpan.FromSeconds(40), "no rendition\n" + server.Output);
                await Task.Delay(100, Stop);
            }
        }
        finally
        {
            await Tool.Stop(publisher, TimeSpan.FromSeconds(5));
            publisher.Dispose();
        }
        using var health = JsonDocument.Parse(await server.Http.GetStringAsync("/health", Stop));
        Assert.True(health.RootElement.GetProperty("status").GetString() == "healthy", health.RootElement.ToString());
        Assert.Equal(0, await server.Stop());
    }

    static async Task<HttpStatusCode> Status(ServerProcess server, string path)
    {
        using var answer = await server.Http.GetAsync(ServerProcess.Sign(path, scope: path[..^".m3u8".Length]).InQuery, Stop);
        return answer.StatusCode;
    }

    /// <summary>What is written in the unit is what the server and its package have.</summary>
    [Fact]
    public void It_names_what_there_is()
    {
        Assert.Contains("Type=notify\n", Unit, StringComparison.Ordinal);
        var stop = int.Parse(Unit.Split("TimeoutStopSec=")[1].Split('\n')[0], System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(stop >= 30 + 10, "server.drain_timeout is 30 s, and the last report has 10");
        Assert.Contains("RestartPreventExitStatus=2\n", Unit, StringComparison.Ordinal);
    }
}
