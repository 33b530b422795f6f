using XLive.Server.Sessions;

namespace XLive.Server.Playback.Http;

/// <summary>What an EXT-X-KEY names, whatever its own name is: told by the playlists that were read, so that no cache keeps a key.</summary>
internal sealed class KeyPaths
{
    // A key is 16 or 32 bytes; a licence a few hundred. What is larger is media, and need not be looked up.
    public const int LargestKey = 4096;

    private readonly RecentTable<object> _paths = new(100_000);

    /// <summary>Told of those that were not known to be keys: they may have been kept.</summary>
    public event Action<IReadOnlyList<string>>? Learned;

    public void Learn(IEnumerable<string> paths)
    {
        List<string>? learned = null;
        foreach (var path in paths)
        {
            if (_paths.Find(path) is not null)
                continue;
            _paths.Put(path, this);
            (learned ??= []).Add(path);
        }
        if (learned is not null)
            Learned?.Invoke(learned);
    }

    public bool Contains(ReadOnlySpan<char> path) => _paths.Find(path) is not null;
}
