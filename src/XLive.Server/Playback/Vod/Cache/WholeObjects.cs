using System.Security.Cryptography;
using XLive.Media.Hls;
using XLive.Server.Playback.Http;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>Takes into memory what is there as a whole or not: playlists, which must be understood first, and what has no strong tag.</summary>
internal sealed class WholeObjects(BlockBudget budget, KeyPaths keys, Func<IReadOnlyList<string>> ownHosts)
{
    /// <summary>Null: it is no playlist. Its keys are known from now on.</summary>
    public HeldPlaylist? Playlist(byte[] text, string path, string origin)
    {
        var template = PlaylistTemplate.Parse(text, path, HostsOf(origin));
        if (!template.IsPlaylist)
            return null;
        keys.Learn(template.KeyPaths);
        return new HeldPlaylist(template, text);
    }

    // What a playlist names at the origin's own address is the origin's, and comes by us.
    private List<string> HostsOf(string origin)
    {
        var hosts = new List<string>(ownHosts()) { origin };
        if (origin.EndsWith(":80", StringComparison.Ordinal) || origin.EndsWith(":443", StringComparison.Ordinal))
            hosts.Add(origin[..origin.LastIndexOf(':')]);
        return hosts;
    }

    public static string TagOf(ReadOnlySpan<byte> text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text, hash);
        return $"\"{Convert.ToHexStringLower(hash[..8])}\"";
    }

    /// <summary>Its blocks, each held for the caller until <see cref="StoredObject.Unpin"/>. False: there is no room.</summary>
    public bool TryFill(StoredObject kept, ReadOnlySpan<byte> body)
    {
        var beside = kept.Playlist?.HeldBytes * 3 ?? 0;
        for (var index = 0; index < kept.BlockCount; index++)
        {
            if (budget.TryTake(kept, index, kept.LengthOf(index), index == 0 ? beside : 0) is not { } block)
            {
                kept.Unpin();
                return false;
            }
            body.Slice(index << Block.Bits, block.Length).CopyTo(block.Rest.Span);
            block.Grow(block.Length);
            kept.TryPlace(block);
        }
        return true;
    }
}
