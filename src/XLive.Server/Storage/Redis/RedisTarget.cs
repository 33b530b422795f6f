using System.Net;
using System.Net.Sockets;
using XLive.Server.Settings;

namespace XLive.Server.Storage.Redis;

public enum RedisForm : byte { Single, Sentinel, Cluster }

/// <summary>A host and port, or a socket in the file system.</summary>
public readonly record struct RedisAddress(string Host, int Port)
{
    public const int UsualPort = 6379;
    public const int UsualSentinelPort = 26379;

    public bool IsSocketFile => Port == 0;

    /// <summary>"10.0.0.1:6379", "[::1]:6379", as servers write them in redirections too.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, int usualPort, out RedisAddress address)
    {
        address = default;
        var colon = text.LastIndexOf(':');
        var bracket = text.LastIndexOf(']');
        // Redis writes an IPv6 address in redirections without brackets.
        var hasPort = colon > bracket && (bracket >= 0 || text[..colon].IndexOf(':') < 0 || usualPort == 0);
        var port = usualPort;
        if (hasPort && (!WholeNumber.TryRead(text[(colon + 1)..], ushort.MaxValue, out port) || port < 1) || port == 0)
            return false;
        var host = hasPort ? text[..colon] : text;
        if (host is ['[', .. var inner, ']'])
            host = IPAddress.TryParse(inner, out var six) && six.AddressFamily == AddressFamily.InterNetworkV6 ? inner : default;
        if (host.IsEmpty || host.Length > 255 || host.ContainsAnyExcept(HostCharacters))
            return false;
        address = new RedisAddress(host.ToString(), port);
        return true;
    }

    private static readonly System.Buffers.SearchValues<char> HostCharacters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:%");

    public override string ToString() => IsSocketFile ? Host : Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}

/// <summary>Who we are to a server; empty texts: nobody in particular.</summary>
public sealed record RedisLogin(string User, string Password)
{
    public static RedisLogin Nobody { get; } = new("", "");

    public override string ToString() => User.Length > 0 ? User : Password.Length > 0 ? "with a password" : "without a password";
}

/// <summary>How a server is spoken to through TLS.</summary>
/// <param name="Authority">PEM file of whoever signed the servers' certificates; empty: the system's.</param>
/// <param name="Certificate">PEM file of our own, for servers that ask (Redis' tls-auth-clients does by default).</param>
public sealed record RedisTls(string Authority, bool Verify, string Certificate, string Key);

/// <summary>What redis.url, or redis.host and its like, lead to.</summary>
public sealed record RedisTarget
{
    public RedisForm Form { get; init; }

    /// <summary>The server, or the sentinels, or some of the cluster's nodes.</summary>
    public required RedisAddress[] Addresses { get; init; }

    /// <summary>What the sentinels call it.</summary>
    public string Master { get; init; } = "";
    public RedisLogin Login { get; init; } = RedisLogin.Nobody;
    public RedisLogin SentinelLogin { get; init; } = RedisLogin.Nobody;
    public int Database { get; init; }
    public RedisTls? Tls { get; init; }

    /// <summary>For logs and pages: no secrets.</summary>
    public override string ToString() => Form switch
    {
        RedisForm.Sentinel => $"{Master} by the sentinels {string.Join(", ", Addresses)}",
        RedisForm.Cluster => $"the cluster of {string.Join(", ", Addresses)}",
        _ => Addresses[0].ToString(),
    };
}
