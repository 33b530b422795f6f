using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace XLive.Server.Operations.Commands;

/// <param name="Name">Below data.dir, with / between folder and file.</param>
internal sealed record BackupFile(string Name, long Length, string Sha256);

/// <summary>What lies in a backup, in its manifest.json. A folder without one is no backup: it is written last.</summary>
/// <param name="Stopped">No server used the folder meanwhile, so nothing has been reported since.</param>
/// <param name="Database">SQLite: it is among the files. PostgreSQL: it is not.</param>
internal sealed record BackupManifest(string Version, DateTimeOffset At, bool Stopped, string Database, IReadOnlyList<BackupFile> Files)
{
    public const string FileName = "manifest.json";
    public const string Accounts = "xlive.db", Ledger = "traffic/ledger.db", Counters = "traffic/counters-", Hooks = "hooks.db", Keys = "keys/";

    private const int Longest = 1 << 20;

    public static BackupFile Describe(string folder, string name)
    {
        using var file = File.OpenRead(Path.Combine(folder, name));
        return new BackupFile(name, file.Length, Convert.ToHexStringLower(SHA256.HashData(file)));
    }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, BackupJson.Default.BackupManifest);

    /// <summary>That of a folder whose every file is as it was when it was written.</summary>
    public static BackupManifest Checked(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path) || new FileInfo(path).Length > Longest)
            throw new InvalidDataException($"{folder} is no backup: it has no {FileName}");
        var manifest = JsonSerializer.Deserialize(File.ReadAllBytes(path), BackupJson.Default.BackupManifest);
        if (manifest is not { Files: not null, Version: not null, Database: not null })
            throw new InvalidDataException($"{path} does not say what is in the backup");
        foreach (var file in manifest.Files)
        {
            if (file?.Name is null || !IsOurs(file.Name))
                throw new InvalidDataException($"{path} names '{file?.Name}', which no backup has");
            var at = Path.Combine(folder, file.Name);
            if (!File.Exists(at) || Describe(folder, file.Name) != file)
                throw new InvalidDataException($"{at} is not what it was when the backup was made");
        }
        return manifest;
    }

    // From a file, so a path of it may lead anywhere.
    private static bool IsOurs(string name) => name is Accounts or Ledger or Hooks
        || IsPlain(name, Keys) || (IsPlain(name, Counters) && name.AsSpan(Counters.Length).IndexOfAnyExceptInRange('0', '9') < 0);

    private static bool IsPlain(string name, string within) => name.StartsWith(within, StringComparison.Ordinal) && name.Length > within.Length
        && name[within.Length] != '.' && name.AsSpan(within.Length).IndexOfAny('/', '\0') < 0;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(BackupManifest))]
internal sealed partial class BackupJson : JsonSerializerContext;
