using System.Collections.Frozen;
using System.Security.Cryptography;

namespace XLive.Server.Playback.Http;

/// <summary>A file of a page, held in memory.</summary>
internal sealed class PageFile(string name, ReadOnlyMemory<byte> plain, ReadOnlyMemory<byte> gzipped)
{
    public ReadOnlyMemory<byte> Plain => plain;

    /// <summary>Empty: it would not be smaller.</summary>
    public ReadOnlyMemory<byte> Gzipped => gzipped;

    public string ContentType { get; } = Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        var other => throw new InvalidOperationException($"no content type for {other}"),
    };

    public string ETag { get; } = $"\"{Convert.ToHexStringLower(SHA256.HashData(plain.Span).AsSpan(0, 8))}\"";
}

/// <summary>
/// What console/build.mjs made of one page, in its folder of wwwroot, as it lies in this assembly. A server that was built without npm has none of it.
/// </summary>
internal sealed class BuiltPages
{
    private const string Zipped = ".gz";

    private readonly FrozenDictionary<string, PageFile> _files;

    public BuiltPages(IReadOnlyDictionary<string, byte[]> files) => _files = files.Where(f => !f.Key.EndsWith(Zipped, StringComparison.Ordinal))
        .ToFrozenDictionary(f => f.Key, f => new PageFile(f.Key, f.Value, files.GetValueOrDefault(f.Key + Zipped)), StringComparer.Ordinal);

    /// <param name="page">Its folder: "watch".</param>
    public static BuiltPages Of(string page)
    {
        var prefix = $"pages/{page}/";
        var assembly = typeof(BuiltPages).Assembly;
        var files = new Dictionary<string, byte[]>();
        foreach (var name in assembly.GetManifestResourceNames())
        {
            if (!name.StartsWith(prefix, StringComparison.Ordinal))
                continue;
            using var stream = assembly.GetManifestResourceStream(name)!;
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            files[name[prefix.Length..]] = bytes;
        }
        return new BuiltPages(files);
    }

    public PageFile? Find(ReadOnlySpan<char> name) => _files.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out var file) ? file : null;
}
