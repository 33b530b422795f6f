using System.Net;
using XLive.Server.Settings;

namespace XLive.Server.Limits;

/// <summary>limits.requests. By address and for all at the door, before anything else is done; by viewer and stream when the gate knows them.</summary>
public sealed class RequestLimits(ServerSettings settings, TimeProvider clock)
{
    public RateLimiter Limiter { get; } = new(clock, () => settings.Of<LimitOptions>().Requests);

    public bool IsOn => settings.Of<LimitOptions>().Requests.Count > 0;

    public TooMany? Take(IPAddress address) => Limiter.TakeOf(LimitBy.Ip, LimitKey.Of(address)) ?? Limiter.TakeOf(LimitBy.All, LimitKey.Everybody);

    /// <param name="uid">Empty: nobody in particular.</param>
    public TooMany? Take(string uid, ReadOnlySpan<char> path)
    {
        if (uid.Length > 0 && Limiter.Counts(LimitBy.Uid) && Limiter.TakeOf(LimitBy.Uid, LimitKey.Of(uid)) is { } tooMany)
            return tooMany;
        return Limiter.Counts(LimitBy.Stream) ? Limiter.TakeOf(LimitBy.Stream, LimitKey.Of(StreamOf(path).ToString())) : null;
    }

    /// <summary>The first two segments, without an extension: live/cam of /live/cam.m3u8 and of all that is below /live/cam/.</summary>
    internal static ReadOnlySpan<char> StreamOf(ReadOnlySpan<char> path)
    {
        var rest = path.TrimStart('/');
        var first = rest.IndexOf('/');
        var second = first < 0 ? -1 : rest[(first + 1)..].IndexOf('/');
        if (second >= 0)
            return rest[..(first + 1 + second)];
        var dot = rest[(first + 1)..].LastIndexOf('.');
        return dot > 0 ? rest[..(first + 1 + dot)] : rest;
    }
}
