using System.Collections.Frozen;

namespace XLive.Server.Live;

/// <summary>The names that begin when somebody asks for them. Asking for any other costs a look into a table, and leaves nothing behind.</summary>
public sealed class OnDemandStreams
{
    private volatile FrozenDictionary<string, IOnDemandStream>? _all;

    /// <summary>By app/stream. The rest are forgotten.</summary>
    public void Replace(IReadOnlyDictionary<string, IOnDemandStream> all) => _all = all.Count == 0 ? null : all.ToFrozenDictionary(StringComparer.Ordinal);

    public IOnDemandStream? Find(in StreamName name) => _all?.GetValueOrDefault(name.ToString());

    /// <summary>Of a URL's path: /app/stream.m3u8, /app/stream.flv, or what lies below /app/stream/.</summary>
    /// <param name="isEntry">It is the stream itself, and not a part of it.</param>
    public IOnDemandStream? Find(ReadOnlySpan<char> path, out bool isEntry)
    {
        isEntry = false;
        if (_all is not { } all || path.Length < 2 || path[1..].IndexOf('/') is not (> 0 and var app))
            return null;
        var name = path[1..];
        var end = name[(app + 1)..].IndexOf('/');
        isEntry = end < 0;
        name = isEntry ? WithoutExtension(name) : name[..(app + 1 + end)];
        return all.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out var stream) ? stream : null;
    }

    private static ReadOnlySpan<char> WithoutExtension(ReadOnlySpan<char> name) =>
        name.EndsWith(".m3u8", StringComparison.Ordinal) ? name[..^5] : name.EndsWith(".flv", StringComparison.Ordinal) ? name[..^4] : default;
}
