using System.Globalization;
using XLive.Server.Access;
using XLive.Server.Settings;
using XLive.Server.Storage;

namespace XLive.Server.Operations.Commands;

internal static class KeyCommand
{
    public const string Help = """
        key list
        key new ID [--not-before WHEN] [--not-after WHEN]
        key show ID
        key remove ID

        Signing keys of this server. A running server takes a change within a second or two.

          list        ids, where each comes from, and when it is valid; never the secrets
          new ID      makes a key of 32 random bytes and prints its secret, for the site that signs with it
          show ID     prints the secret of a key that is in data/keys; "" is the first one
          remove ID   takes a key away at once: links signed with it stop, sessions that run go on

          WHEN        Unix seconds or a date such as 2026-12-31T00:00:00Z
        """;

    public static Task<int> RunAsync(CommandLineWords words)
    {
        var settings = ServerSettings.Load(SettingsInput.OfProcess(words.Settings));
        var files = SignCommand.Keys(settings);
        var notBefore = When(words.Take("not-before"));
        var notAfter = When(words.Take("not-after"));
        words.NothingElse();
        switch (words.Plain)
        {
            case ["list"]:
                List(settings.Of<AccessOptions>(), files);
                return Task.FromResult(0);
            case ["new", var id]:
                var key = new StoredKey(id, KeyFiles.RandomText(), notBefore, notAfter);
                try
                {
                    key.ToKey();
                }
                catch (FormatException e)
                {
                    throw new UsageException(e.Message);
                }
                if (!files.Add(key))
                    throw new InvalidOperationException($"there is a key '{id}' already");
                CommandAudit.Write(settings, $"made the signing key '{id}'");
                Console.WriteLine(key.Secret);
                return Task.FromResult(0);
            case ["show", var id]:
                Console.WriteLine(files.All.FirstOrDefault(k => k.Id == id)?.Secret
                    ?? throw new InvalidOperationException($"data/keys has no key '{id}'; one of the settings is shown by the settings alone"));
                return Task.FromResult(0);
            case ["remove", var id]:
                if (!files.Remove(id))
                    throw new InvalidOperationException($"data/keys has no key '{id}'");
                CommandAudit.Write(settings, $"removed the signing key '{id}'");
                return Task.FromResult(0);
            default:
                throw new UsageException("say list, new ID, show ID or remove ID");
        }
    }

    private static void List(AccessOptions access, SigningKeyFiles files)
    {
        if (access.Secret.Length > 0)
            Line("", "settings", null, null);
        foreach (var key in access.Keys)
            Line(key.Id, "settings", key.NotBefore?.ToUnixTimeSeconds(), key.NotAfter?.ToUnixTimeSeconds());
        foreach (var key in files.All)
            Line(key.Id, "data/keys", key.NotBefore, key.NotAfter);
    }

    private static void Line(string id, string from, long? notBefore, long? notAfter) =>
        Console.WriteLine($"\"{id}\"\t{from}\tfrom {Text(notBefore)}\tuntil {Text(notAfter)}");

    private static string Text(long? time) => time is { } t ? DateTimeOffset.FromUnixTimeSeconds(t).ToString("u", CultureInfo.InvariantCulture) : "any";

    private static long? When(string? text)
    {
        if (text is null)
            return null;
        if (WholeNumber.TryRead(text, out var seconds))
            return seconds;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date)
            ? date.ToUnixTimeSeconds()
            : throw new UsageException($"'{text}' is no time; write Unix seconds or 2026-12-31T00:00:00Z");
    }
}
