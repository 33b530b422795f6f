using XLive.Server.Settings;

namespace XLive.Server.Storage.Redis;

/// <summary>
/// Reads redis://, rediss:// (TLS), unix://, redis-sentinel:// and redis-cluster:// (rediss-sentinel://, rediss-cluster:// with TLS):
/// "scheme://[user:password@]host[:port][,host[:port]...][/database]", with sentinels "/master[/database]". What it says of a wrong one
/// never repeats what may be a password.
/// </summary>
public static class RedisUrl
{
    /// <summary>Sentinels or nodes to begin with.</summary>
    private const int MostAddresses = 64;

    /// <returns>What is wrong; null when nothing is.</returns>
    public static string? Parse(string url, out RedisTarget target)
    {
        target = null!;
        var scheme = url.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0)
            return "is no URL; write redis://host:port or another form of docs/redis.md";
        var (form, isTls, isFile) = url[..scheme] switch
        {
            "redis" => (RedisForm.Single, false, false),
            "rediss" => (RedisForm.Single, true, false),
            "unix" => (RedisForm.Single, false, true),
            "redis-sentinel" => (RedisForm.Sentinel, false, false),
            "rediss-sentinel" => (RedisForm.Sentinel, true, false),
            "redis-cluster" => (RedisForm.Cluster, false, false),
            "rediss-cluster" => (RedisForm.Cluster, true, false),
            _ => ((RedisForm)255, false, false),
        };
        if (form == (RedisForm)255)
            return "begins with none of redis://, rediss://, unix://, redis-sentinel://, rediss-sentinel://, redis-cluster://, rediss-cluster://";
        var rest = url[(scheme + 3)..];
        if (rest.Contains('#'))
            return "has a fragment; write # in a password as %23";
        var query = "";
        if (rest.IndexOf('?') is var mark and >= 0)
            (rest, query) = (rest[..mark], rest[(mark + 1)..]);
        if (ParseQuery(query, isTls, isFile, form, out var words) is { } wrongQuery)
            return wrongQuery;
        var login = RedisLogin.Nobody;
        // The last one: a password may hold others, and no host does.
        if (rest.LastIndexOf('@') is var at and >= 0)
        {
            var (user, password) = (rest[..at], "");
            if (user.IndexOf(':') is var colon and >= 0)
                (user, password) = (user[..colon], user[(colon + 1)..]);
            login = new RedisLogin(Uri.UnescapeDataString(user), Uri.UnescapeDataString(password));
            if (login.Password.Length == 0)
                return "has a user and no password; write user:password@, or :password@ without a user";
            rest = rest[(at + 1)..];
        }
        if (isFile)
            return ParseFile(rest, login, words, out target);
        var path = "";
        if (rest.IndexOf('/') is var slash and >= 0)
            (rest, path) = (rest[..slash], rest[(slash + 1)..].TrimEnd('/'));
        var addresses = new List<RedisAddress>();
        foreach (var part in rest.Split(','))
        {
            if (!RedisAddress.TryParse(part, form == RedisForm.Sentinel ? RedisAddress.UsualSentinelPort : RedisAddress.UsualPort, out var address))
                return "has no host and port where one should stand; an IPv6 address stands in brackets";
            addresses.Add(address);
        }
        if (addresses.Count > (form == RedisForm.Single ? 1 : MostAddresses))
            return form == RedisForm.Single ? "names several hosts; that is redis-sentinel:// or redis-cluster://" : $"names more than {MostAddresses} hosts";
        var master = "";
        if (form == RedisForm.Sentinel)
        {
            (master, path) = path.IndexOf('/') is var next and >= 0 ? (path[..next], path[(next + 1)..]) : (path, "");
            master = Uri.UnescapeDataString(master);
            if (master.Length == 0)
                return "does not name the master, as in redis-sentinel://host:port/master";
        }
        if (ParseDatabase(path, out var database) is { } wrongDatabase)
            return wrongDatabase;
        if (form == RedisForm.Cluster && database != 0)
            return "a cluster has the database 0 alone";
        target = new RedisTarget
        {
            Form = form,
            Addresses = [.. addresses],
            Master = master,
            Login = login,
            SentinelLogin = new RedisLogin(words.GetValueOrDefault("sentinel_user", ""), words.GetValueOrDefault("sentinel_password", "")),
            Database = database,
            Tls = isTls ? new RedisTls(words.GetValueOrDefault("ca", ""), words.GetValueOrDefault("verify", "true") == "true",
                words.GetValueOrDefault("certificate", ""), words.GetValueOrDefault("key", "")) : null,
        };
        return null;
    }

    private static string? ParseFile(string path, RedisLogin login, Dictionary<string, string> words, out RedisTarget target)
    {
        target = null!;
        path = Uri.UnescapeDataString(path);
        if (!path.StartsWith('/'))
            return "has no absolute path, as in unix:///run/redis.sock";
        if (ParseDatabase(words.GetValueOrDefault("db", ""), out var database) is { } wrong)
            return wrong;
        target = new RedisTarget { Addresses = [new RedisAddress(path, 0)], Login = login, Database = database };
        return null;
    }

    private static string? ParseDatabase(string text, out int database)
    {
        database = 0;
        return text.Length == 0 || WholeNumber.TryRead(text, int.MaxValue, out database) ? null : "the database is no number";
    }

    private static string? ParseQuery(string query, bool isTls, bool isFile, RedisForm form, out Dictionary<string, string> words)
    {
        words = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=');
            var name = equals < 0 ? part : part[..equals];
            var value = equals < 0 ? "" : Uri.UnescapeDataString(part[(equals + 1)..]);
            var isKnown = name switch
            {
                "ca" or "verify" or "certificate" or "key" => isTls,
                "sentinel_user" or "sentinel_password" => form == RedisForm.Sentinel,
                "db" => isFile,
                _ => false,
            };
            // A password with a question mark in it ends here too, so the word is not repeated.
            if (!isKnown)
                return "has a parameter that means nothing in this form; write ? in a password as %3F";
            if (value.Length == 0 || !words.TryAdd(name, value))
                return $"the parameter {name} is empty or given twice";
        }
        if (words.GetValueOrDefault("verify", "true") is not ("true" or "false"))
            return "the parameter verify is true or false";
        foreach (var name in (ReadOnlySpan<string>)["ca", "certificate", "key"])
        {
            if (words.TryGetValue(name, out var file) && !File.Exists(file))
                return $"the parameter {name} names no file";
        }
        return words.ContainsKey("certificate") == words.ContainsKey("key") ? null : "the parameters certificate and key go together";
    }
}
