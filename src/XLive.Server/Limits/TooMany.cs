namespace XLive.Server.Limits;

/// <summary>One attempt more than a limit has room for, and how long until the next may come.</summary>
public readonly record struct TooMany(RateLimit Limit, TimeSpan Wait)
{
    /// <summary>Whole, for Retry-After: whoever comes then is let in.</summary>
    public int Seconds => Math.Max(1, (int)Math.Ceiling(Wait.TotalSeconds));

    public string Words => $"too many requests {(Limit.By switch { LimitBy.Ip => "from this address", LimitBy.Uid => "by this viewer", LimitBy.Stream => "for this stream", _ => "at this server" })}; the next may come in {Seconds} s";
}
