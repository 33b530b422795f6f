using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Cache.Disk;

/// <summary>A cache.dir that outlives the servers that are started over it.</summary>
public sealed class DiskFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("xlive-cache-").FullName;

    public string[] Settings(string size = "64MiB") => [$"--cache.dir={Path}", $"--cache.disk={size}", "--access.max_lifetime=0"];

    public Task<TestServer> FrontAsync(ScriptedOrigin origin, params string[] settings) => FrontAsync(origin, TimeProvider.System, settings);

    public async Task<TestServer> FrontAsync(ScriptedOrigin origin, TimeProvider clock, params string[] settings)
    {
        var server = await origin.FrontAsync(clock, [.. Settings(), "--backend.retries=0", .. settings]);
        Until.True(() => server.Get<DiskCache>().IsScanned, "the folder looked through");
        return server;
    }

    /// <summary>The cache's own files, without the lock and the list of purges.</summary>
    public string[] Files => [.. Directory.EnumerateFiles(Path, "*", SearchOption.AllDirectories).Where(static f => System.IO.Path.GetFileName(f).Length >= 32)];

    /// <summary>Whether any of them holds these words, as far as it is there when it is looked at.</summary>
    public bool Holds(string words)
    {
        foreach (var file in Files)
        {
            try
            {
                if (File.ReadAllText(file, System.Text.Encoding.Latin1).Contains(words, StringComparison.Ordinal))
                    return true;
            }
            catch (FileNotFoundException)
            {
                // Renamed or removed just then.
            }
        }
        return false;
    }

    public string[] Blocks => [.. Files.Where(static f => System.IO.Path.GetFileName(f).Contains('.'))];

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
