using System.Security.Cryptography;
using System.Text;

namespace XLive.EndToEnd.Harness;

/// <summary>
/// A small film as packagers write them: two video renditions and the sound apart, in folders of their own, encrypted with
/// a key file beside the multivariant playlist. Made by ffmpeg once, kept below artifacts/.
/// </summary>
public sealed class Film
{
    /// <summary>Seconds. The sound ends a little earlier, so that it needs no last segment of a few samples.</summary>
    public const double Duration = 12;

    /// <summary>Video and sound have as many each.</summary>
    public const int Segments = 6;

    public const string Path = "/film/master.m3u8";
    public const string KeyPath = "/film/enc.key";

    static readonly string[] Recipe = [
        "-hide_banner", "-loglevel", "error", "-nostdin", "-y",
        "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=12", "-f", "lavfi", "-i", "sine=f=440:r=48000:d=11.9",
        "-filter_complex", "[0:v]split=2[high][big];[big]scale=320:180[low]", "-map", "[high]", "-map", "[low]", "-map", "1:a",
        "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0",
        "-b:v:0", "600k", "-b:v:1", "200k", "-c:a", "aac", "-b:a", "64k",
        "-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod", "-hls_key_info_file", "enc.keyinfo",
        "-hls_segment_filename", "%v/%d.ts", "-master_pl_name", "master.m3u8",
        "-var_stream_map", "v:0,agroup:sound,name:high v:1,agroup:sound,name:low a:0,agroup:sound,default:yes,language:en,name:sound",
        "%v/index.m3u8"];

    static readonly Lazy<Task<Film>> Made = new(Make);

    Film(string root) => Root = root;

    /// <summary>The folder to serve; the film is in <c>film/</c> below it.</summary>
    public string Root { get; }

    public static Task<Film> Get() => Made.Value;

    static async Task<Film> Make()
    {
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', Recipe))))[..12];
        var films = Directory.CreateDirectory(System.IO.Path.Combine(Repository.Artifacts, "films")).FullName;
        var root = System.IO.Path.Combine(films, name);
        if (Directory.Exists(root))
        {
            return new(root);
        }
        var making = System.IO.Path.Combine(films, $"{name}.{Environment.ProcessId}");
        var folder = Directory.CreateDirectory(System.IO.Path.Combine(making, "film")).FullName;
        await File.WriteAllBytesAsync(System.IO.Path.Combine(folder, "enc.key"), RandomNumberGenerator.GetBytes(16));
        await File.WriteAllTextAsync(System.IO.Path.Combine(folder, "enc.keyinfo"), "../enc.key\nenc.key\n");
        (await Tool.Run("ffmpeg", Recipe, TimeSpan.FromMinutes(2), folder)).MustSucceed();
        try
        {
            Directory.Move(making, root);
        }
        catch (IOException) when (Directory.Exists(root))
        {
            Directory.Delete(making, recursive: true); // another run was quicker
        }
        return new(root);
    }
}
