using System.Security.Cryptography;
using System.Text;

namespace XLive.Server.Settings;

/// <summary>
/// The files that one reading of the settings came from, with what was in them: the configuration, the places where it could
/// have stood, the secrets. A watcher compares contents, not times: a rename of an equally old file of the same size, the
/// swapped symlinks of Kubernetes and a coarse clock are all the same to it, and these files are small.
/// </summary>
internal sealed class InputFiles(SettingsInput input)
{
    public const int LargestConfig = 1 << 20;
    private const int LargestSecret = 64 << 10;

    private static readonly UTF8Encoding Utf8 = new(false, true);

    private readonly Dictionary<string, (int Limit, string Print)> _seen = new(StringComparer.Ordinal);

    public IReadOnlyCollection<string> Paths => _seen.Keys;

    /// <summary>A word for the contents as they were read.</summary>
    public string Fingerprint => Joined(_seen.Values.Select(s => s.Print));

    /// <summary>A word for the contents as they are now.</summary>
    public string FingerprintNow() => Joined(_seen.Select(s => Print(Bytes(s.Key, s.Value.Limit, out var problem), problem)));

    public bool Exists(string path)
    {
        var full = input.FullPath(path);
        if (File.Exists(full))
        {
            return true;
        }

        // Remembered as absent: when it appears it may come first in the search order.
        _seen[full] = (LargestConfig, Print(null, "does not exist"));
        return false;
    }

    public string? ReadConfig(string path, out string problem) => Read(path, LargestConfig, out problem);

    public string? ReadSecret(string path, out string problem)
    {
        var content = Read(path, LargestSecret, out problem)?.TrimEnd('\r', '\n');
        if (content is { Length: 0 })
        {
            // A secret that somebody mounted empty must not become "no secret".
            problem = "is empty";
            return null;
        }

        return content;
    }

    private string? Read(string path, int limit, out string problem)
    {
        var full = input.FullPath(path);
        var bytes = Bytes(full, limit, out problem);
        _seen[full] = (limit, Print(bytes, problem));
        if (bytes is null)
        {
            return null;
        }

        try
        {
            var text = Utf8.GetString(bytes);
            return text.StartsWith('\uFEFF') ? text[1..] : text;
        }
        catch (DecoderFallbackException)
        {
            problem = "is not UTF-8 text";
            return null;
        }
    }

    private static byte[]? Bytes(string path, int limit, out string problem)
    {
        problem = "";
        try
        {
            if (Directory.Exists(path))
            {
                problem = "is a directory";
                return null;
            }

            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0);
            // One byte more than allowed tells too large from just full; lengths of pipes and devices are not to be asked.
            var buffer = new byte[Math.Min(file.CanSeek && file.Length > 0 ? file.Length : limit, limit) + 1];
            var count = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            if (count > limit)
            {
                problem = $"is larger than {Quantity.WriteSize(limit)}";
                return null;
            }

            return buffer[..count];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            problem = "does not exist";
        }
        catch (UnauthorizedAccessException)
        {
            problem = "may not be read";
        }
        catch (Exception e) when (e is IOException or ArgumentException or NotSupportedException)
        {
            problem = "cannot be read: " + FaultList.Short(e.Message);
        }

        return null;
    }

    private static string Print(byte[]? bytes, string problem) => bytes is null ? problem : Convert.ToHexString(SHA256.HashData(bytes));

    private static string Joined(IEnumerable<string> prints) => string.Join('|', prints);
}
