using System.Text;
using XLive.Server.Access;
using XLive.Server.Settings;
using XLive.Server.Storage;

namespace XLive.Server.Operations.Commands;

internal static class SignCommand
{
    public const string Help = """
        sign PATH --uid USER --for TIME [--kid KEY] [--scope SCOPE] [--prefix]

        Makes a signed URL for PATH, such as /video/2024-01-01/movie1/playlist.m3u8.

          --uid USER       whose traffic it is; 1 to 128 bytes
          --for TIME       how long the link lives: 90, 30m, 2h, 7d
          --kid KEY        which signing key; by default the one with the empty id, else the newest that is valid now
          --scope SCOPE    what it opens: /dir/ all below, /dir/film* all that begins so, or exactly one path; default: the narrowest
          --prefix         the grant in the path instead of the query, for players and caches that lose queries

        Prints the URL under server.public_url, or under http://localhost and the port.
        """;

    public static Task<int> RunAsync(CommandLineWords words)
    {
        var settings = ServerSettings.Load(SettingsInput.OfProcess(words.Settings));
        var uid = words.Take("uid") ?? throw new UsageException("--uid is missing");
        var lifetime = CommandLineWords.Duration(words.Take("for") ?? throw new UsageException("--for is missing"));
        var kid = words.Take("kid");
        var scope = words.Take("scope");
        var prefix = words.Flag("prefix");
        words.NothingElse();
        if (words.Plain is not [var path])
            throw new UsageException("give one PATH");
        if (!path.StartsWith('/'))
            path = "/" + path;
        var access = settings.Of<AccessOptions>();
        if (access.MaxLifetime > TimeSpan.Zero && lifetime > access.MaxLifetime)
            throw new UsageException($"--for is longer than access.max_lifetime, {access.MaxLifetime.TotalDays:0.##} d; the server would refuse the link");
        var expires = DateTimeOffset.UtcNow.Add(lifetime).ToUnixTimeSeconds();
        Console.WriteLine(OwnUrls.Viewers(settings) + Sign(settings, Keys(settings), path, uid, expires, kid, scope, prefix));
        return Task.FromResult(0);
    }

    public static SigningKeyFiles Keys(ServerSettings settings) =>
        new(new KeyFiles(settings.Of<DataOptions>(), Microsoft.Extensions.Logging.Abstractions.NullLogger<KeyFiles>.Instance));

    public static string Sign(ServerSettings settings, SigningKeyFiles files, string path, string uid, long expires, string? kid, string? scope, bool prefix)
    {
        var apps = settings.Of<LiveAppsOptions>().Apps;
        var rules = new AccessRules(settings.Of<AccessOptions>(), files.Keys, apps);
        var key = Choose(rules.Keys.All, kid);
        scope ??= Scope.Narrowest(path, new LiveApps(apps));
        return prefix
            ? SignedUrl.SignAsPrefix(path, uid, expires, key.Secret, key.Kid, scope)
            : SignedUrl.Sign(path, uid, expires, key.Secret, key.Kid, scope);
    }

    private static SigningKey Choose(IReadOnlyList<SigningKey> keys, string? kid)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        if (kid is not null)
            return keys.FirstOrDefault(k => k.Kid == kid) ?? throw new UsageException($"there is no signing key '{kid}'");
        var valid = keys.Where(k => k.NotBefore <= now && now <= k.NotAfter).ToList();
        return valid.Find(k => k.Kid.Length == 0) ?? valid.MaxBy(k => k.NotBefore)
            ?? throw new InvalidOperationException("there is no signing key yet: start the server once, or ./run key new");
    }
}
