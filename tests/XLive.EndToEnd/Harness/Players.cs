using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace XLive.EndToEnd.Harness;

/// <summary>What a player made of an address. <paramref name="Seconds"/> is how far it came in the film.</summary>
public sealed record Playback(bool Ended, double Seconds, string Report);

/// <summary>ffmpeg, decoding every rendition as fast as it can; any fault of the input ends it.</summary>
public static partial class FfmpegPlayer
{
    public static async Task<Playback> Play(string url, TimeSpan? limit = null)
    {
        var result = await Tool.Run("ffmpeg", ["-hide_banner", "-nostdin", "-loglevel", "warning", "-xerror", "-progress", "pipe:1",
            "-i", url, "-map", "0", "-f", "null", "-"], limit ?? TimeSpan.FromSeconds(60));
        var time = OutTime().Matches(result.Output).LastOrDefault();
        var seconds = time is null ? 0 : long.Parse(time.Groups[1].Value, CultureInfo.InvariantCulture) / 1e6;
        return new(result.ExitCode == 0 && !result.TimedOut && result.Output.Contains("progress=end", StringComparison.Ordinal), seconds,
            result.ToString());
    }

    [GeneratedRegex(@"^out_time_us=(\d+)", RegexOptions.Multiline)]
    private static partial Regex OutTime();
}

/// <summary>GStreamer's playbin3, to null sinks without a clock; the film's time comes from an element before the video's sink.</summary>
public static partial class GstPlayer
{
    public static async Task<Playback> Play(string url, TimeSpan? limit = null)
    {
        var result = await Tool.Run("gst-launch-1.0", ["playbin3", $"uri={url}",
            "video-sink=progressreport name=picture update-freq=1 ! fakesink sync=false",
            "audio-sink=fakesink sync=false"], limit ?? TimeSpan.FromSeconds(60));
        var place = Place().Matches(result.Output).LastOrDefault();
        var ended = result.ExitCode == 0 && !result.TimedOut && result.Output.Contains("Got EOS from element", StringComparison.Ordinal)
            && !result.Errors.Contains("ERROR", StringComparison.Ordinal);
        return new(ended, place is null ? 0 : double.Parse(place.Groups[1].Value, CultureInfo.InvariantCulture), result.ToString());
    }

    [GeneratedRegex(@"picture \([\d:]+\): (\d+) /")]
    private static partial Regex Place();
}

public sealed record BrowserError(string Type, string Details, bool Fatal, int Status);

public sealed record BrowserRequest(string Url, string Method, int Status, string? Failure);

public sealed record BrowserReport(bool Ended, bool TimedOut, double CurrentTime, double Duration, int Levels, int AudioTracks, int DecodedFrames,
    IReadOnlyList<BrowserError> Errors, IReadOnlyList<string> ConsoleErrors, IReadOnlyList<BrowserRequest> Requests)
{
    /// <summary>All but hls.js's own remarks on the media, which it gets over by itself.</summary>
    public IEnumerable<BrowserError> SeriousErrors => Errors.Where(error => error.Fatal || error.Type != "mediaError");

    public override string ToString() => JsonSerializer.Serialize(this, Browser.Json);
}

/// <summary>hls.js in Chromium, on a page of another origin than the film's.</summary>
public static class Browser
{
    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>
    /// <paramref name="config"/> goes to hls.js as it is; <paramref name="rate"/> is how fast the film is played. With a
    /// <paramref name="page"/> that one is opened instead of ours; it names the film itself, and its hls.js comes from here.
    /// </summary>
    public static async Task<BrowserReport> Play(string url, int seconds = 60, double rate = 2, object? config = null, string? page = null)
    {
        var folder = Path.Combine(Repository.EndToEnd, "browser");
        if (!Directory.Exists(Path.Combine(folder, "node_modules")))
        {
            throw new InvalidOperationException("The browser's packages are not there; ./test fetches them.");
        }
        var options = JsonSerializer.Serialize(new { url, timeout = seconds, rate, config = config ?? new { }, page }, Json);
        var result = (await Tool.Run("node", ["play.mjs", options], TimeSpan.FromSeconds(seconds + 60), folder)).MustSucceed();
        return JsonSerializer.Deserialize<BrowserReport>(result.Output, Json)!;
    }
}
