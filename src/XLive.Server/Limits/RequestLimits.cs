using System.Net;
using XLive.Server.Settings;

namespace XLive.Server.Limits;

/// <summary>limits.requests. By address and for all at the door, before anything else is done; by viewer and stream when the gate knows them.</summary>
public sealed class RequestLimits(ServerSettings settings, RateLimiters limiters)
{
    public RateLimiter Limiter { get; } = limiters.Make("requests", () => settings.Of<LimitOptions>().Requests);

    public bool IsOn => settings.Of<LimitOptions>().Requests.Count > 0;

    public TooMany? Take(IPAddress address) => Limiter.TakeOf(LimitBy.Ip, LimitKey.Of(address)) ?? Limiter.TakeOf(LimitBy.All, LimitKey.Everybody);

    /// <param name="uid">Empty: nobody in particular.</param>
    public TooMany? Take(string uid, ReadOnlySpan<char> path)
    {
        if (uid.Length > 0 && Limiter.Counts(LimitBy.Uid) && Limiter.TakeOf(LimitBy.Uid, LimitKey.Of(uid)) is { } tooMany)
            return tooMany;
        return Limiter.Counts(LimitBy.Stream) ? Limiter.TakeOf(LimitBy.Stream, LimitKey.Of(StreamPath.Of(path).ToString())) : null;
    }
}
