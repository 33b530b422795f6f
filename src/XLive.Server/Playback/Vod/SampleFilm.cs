using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace XLive.Server.Playback.Vod;

/// <summary>
/// Something to play before there are films: ffmpeg's test picture with a clock and a tone, in two sizes, made once on the first start
/// of a server that was given no folder.
/// </summary>
internal static class SampleFilm
{
    public const string Path = "/sample/playlist.m3u8";

    /// <summary>True when it is there. Says what it does while it does it.</summary>
    public static async Task<bool> EnsureAsync(string root, Action<string> say, CancellationToken stop)
    {
        var folder = System.IO.Path.Combine(root, "sample");
        if (File.Exists(System.IO.Path.Combine(folder, "playlist.m3u8")))
            return true;
        if (!OnPath("ffmpeg"))
        {
            say("Sample film:  left out, for ffmpeg is not installed");
            return false;
        }
        say("Sample film:  being made with ffmpeg, some seconds ...");
        // Made beside and moved: a start that is stopped half-way leaves no half film.
        var work = folder + ".tmp";
        try
        {
            if (Directory.Exists(work))
                Directory.Delete(work, recursive: true);
            Directory.CreateDirectory(work);
            using var ffmpeg = Process.Start(new ProcessStartInfo("ffmpeg", Arguments) { WorkingDirectory = work, RedirectStandardError = true })!;
            var said = ffmpeg.StandardError.ReadToEndAsync(stop);
            await using (stop.Register(() => ffmpeg.Kill()))
                await ffmpeg.WaitForExitAsync(stop);
            if (ffmpeg.ExitCode != 0)
            {
                var why = (await said).Split('\n', StringSplitOptions.RemoveEmptyEntries);
                say("Sample film:  left out, for ffmpeg failed: " + (why.Length > 0 ? why[^1] : "it said nothing"));
                return false;
            }
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
            Directory.Move(work, folder);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.ComponentModel.Win32Exception)
        {
            say("Sample film:  left out: " + e.Message);
            return false;
        }
    }

    private static bool OnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => folder.Length > 0 && File.Exists(System.IO.Path.Combine(folder, program)));

    // Keyframes each two seconds, so that both sizes cut at the same places and a player can change between them.
    private static readonly string[] Arguments =
    [
        "-nostdin", "-loglevel", "error", "-y",
        "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25:duration=20",
        "-f", "lavfi", "-i", "sine=frequency=440:beep_factor=4:duration=20",
        "-filter_complex", "[0:v]split[large][s];[s]scale=640:360[small]",
        "-map", "[large]", "-map", "1:a", "-map", "[small]", "-map", "1:a",
        "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0",
        "-b:v:0", "1500k", "-maxrate:v:0", "1700k", "-bufsize:v:0", "3000k", "-b:v:1", "500k", "-maxrate:v:1", "600k", "-bufsize:v:1", "1000k",
        "-c:a", "aac", "-b:a", "96k", "-ac", "2",
        "-f", "hls", "-hls_time", "4", "-hls_playlist_type", "vod", "-hls_segment_filename", "%v/%03d.ts",
        "-master_pl_name", "playlist.m3u8", "-var_stream_map", "v:0,a:0,name:720p v:1,a:1,name:360p", "%v/index.m3u8",
    ];
}
