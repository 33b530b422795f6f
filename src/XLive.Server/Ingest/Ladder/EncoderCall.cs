using System.Diagnostics;
using System.Globalization;

namespace XLive.Server.Ingest.Ladder;

/// <summary>How ffmpeg is called for a stream: FLV comes in, each rung goes out to this server's RTMP port.</summary>
internal static class EncoderCall
{
    /// <param name="outputs">A rung, and where it is published.</param>
    public static ProcessStartInfo Of(string program, IEnumerable<(LadderEntry Rung, string Url)> outputs)
    {
        // The stream's own times stay, to the millisecond, and its keyframes are the rungs': one moment is the same in all renditions, and so are their segments.
        List<string> arguments = ["-hide_banner", "-loglevel", "error", "-nostats", "-copyts", "-fflags", "nobuffer", "-f", "flv", "-i", "pipe:0"];
        foreach (var (rung, url) in outputs)
        {
            var rate = Kilo(rung.VideoBitrate);
            arguments.AddRange(["-map", "0:v:0", "-map", "0:a:0?", "-fps_mode", "passthrough", "-enc_time_base:v", "1:1000", "-pix_fmt", "yuv420p"]);
            if (rung.Height is { } height)
                arguments.AddRange(["-vf", string.Create(CultureInfo.InvariantCulture, $"scale=-2:{height}")]);
            // Nothing is looked ahead at: a rendition is never a part behind the others (bis B.1).
            arguments.AddRange(["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-b:v", rate, "-maxrate", rate, "-bufsize", rate]);
            arguments.AddRange(["-g", "9999", "-sc_threshold", "0", "-force_key_frames", "source", "-forced-idr", "1"]);
            arguments.AddRange(rung.AudioBitrate is { } sound ? ["-c:a", "aac", "-b:a", Kilo(sound)] : ["-c:a", "copy"]);
            arguments.AddRange(["-flvflags", "no_duration_filesize", "-flush_packets", "1", "-f", "flv", url]);
        }
        var call = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true };
        // It decodes what strangers send: what it need not know it does not.
        foreach (var name in call.Environment.Keys.Where(static n => n.StartsWith("XLIVE", StringComparison.OrdinalIgnoreCase)).ToList())
            call.Environment.Remove(name);
        return call;
    }

    private static string Kilo(int rate) => rate.ToString(CultureInfo.InvariantCulture) + "k";
}
