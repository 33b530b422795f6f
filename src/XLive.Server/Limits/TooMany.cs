namespace XLive.Server.Limits;

public enum TooManyOf { Requests, Connections, OpenConnections }

/// <summary>One attempt more than a limit has room for, and how long until the next may come.</summary>
public readonly record struct TooMany(RateLimit Limit, TimeSpan Wait, TooManyOf Of = TooManyOf.Requests)
{
    /// <summary>Whole, for Retry-After: whoever comes then is let in.</summary>
    public int Seconds => Math.Max(1, (int)Math.Ceiling(Wait.TotalSeconds));

    public string Words =>
        $"too many {What} {(Limit.By switch { LimitBy.Ip => "from this address", LimitBy.Uid => "by this viewer", LimitBy.Stream => "for this stream", _ => "at this server" })}; {Next}";

    private string What => Of switch { TooManyOf.Requests => "requests", TooManyOf.Connections => "new connections", _ => "open connections" };

    private string Next => Of == TooManyOf.OpenConnections ? $"no more than {Limit.Count} may be open at a time" : $"the next may come in {Seconds} s";
}
