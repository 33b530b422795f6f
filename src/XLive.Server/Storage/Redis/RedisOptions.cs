using System.Security.Cryptography;
using XLive.Server.Settings;

namespace XLive.Server.Storage.Redis;

public sealed class RedisOptions : ICheckedOptions
{
    [Setting("redis.url", "shared sessions, devices and revocations, in one of the forms of docs/redis.md; empty: all in this process",
        Secret = true, NeedsRestart = true)]
    public string? Url { get; set; }

    [Setting("redis.host", "instead of the URL", NeedsRestart = true)]
    public string? Host { get; set; }

    [Setting("redis.port", "with redis.host", NeedsRestart = true, Least = "1", Most = "65535")]
    public int Port { get; set; } = RedisAddress.UsualPort;

    [Setting("redis.db", "the database's number, with redis.host", NeedsRestart = true)]
    public int Db { get; set; }

    [Setting("redis.password", "with redis.host", Secret = true, NeedsRestart = true)]
    public string? Password { get; set; }

    /// <summary>Null without Redis.</summary>
    public RedisTarget? Target
    {
        get
        {
            if (!string.IsNullOrEmpty(Url))
                return RedisUrl.Parse(Url, out var target) is null ? target : null;
            return !string.IsNullOrEmpty(Host) && TryHost(out var address)
                ? new RedisTarget { Addresses = [address], Database = Db, Login = new RedisLogin("", Password ?? "") }
                : null;
        }
    }

    public void Check(Action<string, string> fault)
    {
        var (hasUrl, hasHost) = (!string.IsNullOrEmpty(Url), !string.IsNullOrEmpty(Host));
        if (hasUrl && hasHost)
            fault("redis.host", "given beside redis.url; only one of the two can hold");
        if (!hasHost && (!string.IsNullOrEmpty(Password) || Db != 0))
            fault(Db != 0 ? "redis.db" : "redis.password", hasUrl ? "redis.url holds its own, as in redis://:password@host:port/db" : "there is no redis.host for it");
        if (hasHost && !TryHost(out _))
            fault("redis.host", "is no name or address; a port stands in redis.port");
        if (!hasUrl)
            return;
        if (RedisUrl.Parse(Url!, out var target) is { } wrong)
        {
            fault("redis.url", wrong);
            return;
        }
        try
        {
            if (target.Tls is { } tls)
                RedisTlsFiles.Read(tls);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            fault("redis.url", "its certificates cannot be used: " + e.Message);
        }
    }

    private bool TryHost(out RedisAddress address)
    {
        var host = Host!;
        address = default;
        return !(host.Contains(':') && !System.Net.IPAddress.TryParse(host, out _))
            && RedisAddress.TryParse(host.Contains(':') ? $"[{host}]" : host, Port, out address);
    }
}
