using System.Diagnostics;
using System.Net;
using System.Text.Json;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>The page of a live stream in Chromium, from before its publisher comes until after he has gone, by each way that it plays.</summary>
[Collection(Undisturbed.Name)]
public sealed class WatchTests
{
    private sealed record Look(string State, string Title, string Headline, string Detail, string Word, double Time, int Frames, bool Muted, bool Paused, string Facts, bool TooWide, string[] Buttons);

    private sealed record Seen(Dictionary<string, Look> Steps, Dictionary<string, int> Opened, string[] ConsoleErrors, string[] Referers, string[] Elsewhere, string Fault);

    private static readonly string s_folder = Path.Combine(Repository.EndToEnd, "browser");

    private static async Task<Seen> Visit(ServerProcess server)
    {
        const string Page = "/watch/live/cam", Scope = "/live/cam";
        var live = ServerProcess.Sign(Page, scope: Scope);
        var options = JsonSerializer.Serialize(new
        {
            server = server.Url(""),
            publish = (string[])["ffmpeg", "-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-f", "lavfi", "-i", "sine=f=440:r=48000",
                "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-b:v", "300k", "-c:a", "aac", "-t", "240", "-f", "flv", $"rtmp://127.0.0.1:{server.RtmpPort}/live/cam"],
            links = new
            {
                live = live.InQuery,
                inPath = live.InPath,
                flv = live.InQuery + "&player=flv",
                expired = (live with { Expires = 1_700_000_000 }).InQuery,
                noGrant = Page,
                wrong = live.InQuery.Replace("uid=viewer", "uid=another", StringComparison.Ordinal),
                otherStream = ServerProcess.Sign(Page, scope: "/live/other").InQuery,
                nobody = ServerProcess.Sign("/watch/live/nobody", scope: "/live/nobody").InQuery,
            },
            screens = Environment.GetEnvironmentVariable("XLIVE_TEST_SCREENS"),
        });
        var result = (await Tool.Run("node", ["watch.mjs", options], TimeSpan.FromMinutes(5), s_folder)).MustSucceed();
        return JsonSerializer.Deserialize<Seen>(result.Output, JsonSerializerOptions.Web)!;
    }

    [Fact]
    public async Task It_plays_waits_ends_and_explains()
    {
        using var folder = new TempFolder();
        await using var server = await ServerProcess.Start(folder.Path, "--auth.enable=false", "--live.segment_seconds=1", "--live.part_ms=200");
        var seen = await Visit(server);
        Assert.True(seen.Fault.Length == 0, seen.Fault + "\n" + string.Join('\n', seen.ConsoleErrors));
        var steps = seen.Steps;

        Assert.Equal(("cam", "Nobody is streaming yet"), (steps["waiting"].Title, steps["waiting"].Headline));
        Assert.True(steps["playing"] is { Muted: true, Frames: > 0 });
        Assert.Matches(@"^Behind live \d+\.\d s Picture 320 × 180 Protocol LL-HLS$", steps["playing"].Facts);
        Assert.Contains("Turn sound on", steps["playing"].Buttons);
        Assert.True(steps["paused"] is { Muted: false, Paused: true });
        Assert.Contains("Play", steps["paused"].Buttons);
        Assert.Equal("The stream is interrupted", steps["interrupted"].Headline);
        Assert.Equal("The stream has ended", steps["ended"].Headline);
        Assert.EndsWith("Picture 320 × 180 Protocol HTTP-FLV", steps["flv"].Facts, StringComparison.Ordinal);
        Assert.Equal(["Play cam"], steps["ready"].Buttons);
        Assert.False(steps["started"].Muted, "who presses the button hears it");
        Assert.True(steps["frame"] is { State: "playing", Muted: true, TooWide: false });
        Assert.Contains("avc1", steps["unplayable"].Detail, StringComparison.Ordinal);

        Assert.Equal(("This link has expired", "410 expired"), (steps["expired"].Headline, steps["expired"].Word));
        Assert.Equal(("This page needs a link of your own", "401 no_grant"), (steps["noGrant"].Headline, steps["noGrant"].Word));
        Assert.Equal(("This link is not right", "401 wrong_token"), (steps["wrong"].Headline, steps["wrong"].Word));
        Assert.Equal(("You may not watch this stream", "403 outside_scope"), (steps["otherStream"].Headline, steps["otherStream"].Word));
        Assert.Equal("No connection", steps["offline"].Headline);

        // Who waits is no viewer yet; who plays is one.
        Assert.Equal((0, 1), (seen.Opened["waiting"], seen.Opened["playing"]));
        Assert.All(steps.Values, static step => Assert.DoesNotContain("", step.Buttons));
        Assert.All(steps, static step => Assert.False(step.Value.TooWide, step.Key));
        Assert.Empty(seen.Elsewhere);
        Assert.All(seen.Referers, static referer => Assert.DoesNotContain("token", referer, StringComparison.Ordinal));
        // Chromium itself reports every answer of 4xx, and every request that fails.
        Assert.DoesNotContain(seen.ConsoleErrors, static e => !e.StartsWith("Failed to load resource", StringComparison.Ordinal));
    }

    /// <summary>What a newcomer is given: where to push to, a page that is there before he does, and an address for players.</summary>
    [Fact]
    public async Task The_first_start_prints_a_link_to_it_and_one_for_players()
    {
        var stop = TestContext.Current.CancellationToken;
        using var folder = new TempFolder();
        await using var server = await ServerProcess.Start(folder.Path, "--live.segment_seconds=1");
        string Label(string label) => Assert.Single(server.Output.Split('\n'), line => line.StartsWith(label + ":", StringComparison.Ordinal))[(label.Length + 1)..].Split("   (")[0].Trim();
        var page = await server.Http.GetAsync(Label("Watch"), stop);
        Assert.Equal((HttpStatusCode.OK, "text/html"), (page.StatusCode, page.Content.Headers.ContentType!.MediaType));
        var start = new ProcessStartInfo("ffmpeg", ["-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25", "-c:v", "libx264", "-preset", "ultrafast",
            "-g", "25", "-t", "60", "-f", "flv", Label("Publish")])
        {
            RedirectStandardInput = true,
        };
        using var encoder = Process.Start(start)!;
        try
        {
            for (var clock = Stopwatch.StartNew(); ; await Task.Delay(100, stop))
            {
                using var playlist = await server.Http.GetAsync(Label("For players"), stop);
                if (playlist.IsSuccessStatusCode)
                    break;
                Assert.Equal(HttpStatusCode.NotFound, playlist.StatusCode);
                Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), "no stream");
            }
            var played = (await Tool.Run("ffmpeg", ["-hide_banner", "-nostdin", "-loglevel", "error", "-i", Label("For players"), "-t", "1", "-f", "null", "-"], TimeSpan.FromSeconds(30))).MustSucceed();
            Assert.Equal("", played.Errors);
        }
        finally
        {
            await Tool.Stop(encoder, TimeSpan.FromSeconds(2));
        }
    }

    [Fact]
    public async Task Its_types_hold()
    {
        var console = Path.Combine(Repository.Root, "console");
        var compiler = Path.Combine(console, "node_modules", ".bin", "tsc");
        Assert.True(File.Exists(compiler), "The packages of console/ are not there; ./test fetches them.");
        var checkedTypes = await Tool.Run(compiler, ["--noEmit", "--project", console], TimeSpan.FromMinutes(2));
        Assert.Equal((0, ""), (checkedTypes.ExitCode, checkedTypes.Output));
    }
}
