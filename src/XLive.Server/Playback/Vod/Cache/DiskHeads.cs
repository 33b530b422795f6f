using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Http;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>What was written down of an origin's answers, under the rules of today.</summary>
internal sealed class DiskHeads(CachePolicies policies)
{
    public StoredHead HeadOf(string key, DiskVariant variant)
    {
        var path = PathOf(key);
        return new StoredHead(variant.Status, variant.Headers, policies.Of(path, MediaKind.Of(path), variant.Status, isLive: false), variant.AskedAt, variant.Received, variant.IsAuthorized);
    }

    /// <summary>The part of a key that is the path.</summary>
    public static string PathOf(string key) => key.IndexOf(CacheKey.Between, StringComparison.Ordinal) is >= 0 and var end ? key[..end] : key;

    public static bool Answers(StoredHead head, DiskVariant variant, IHeaderDictionary request) => head.VaryNames.Length == 0 || head.Matches(request, head.Asked(Request(variant.Sent)));

    public static HeaderDictionary Request(IReadOnlyList<KeyValuePair<string, string>> sent)
    {
        var request = new HeaderDictionary();
        foreach (var header in sent)
            request[header.Key] = header.Value;
        return request;
    }
}
