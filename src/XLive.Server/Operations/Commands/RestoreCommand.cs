using System.Globalization;
using XLive.Server.Hooks;
using XLive.Server.Settings;
using XLive.Server.Storage;
using XLive.Server.Traffic;

namespace XLive.Server.Operations.Commands;

internal static class RestoreCommand
{
    public const string Help = """
        restore FOLDER [--replace] [--ledger | --no-ledger]

        Puts a backup into data.dir. No server may run on it. Each file is checked, and each database opened, before anything is changed.

          --replace      data.dir has keys or a database already: they are moved into data.dir/before-restore-TIME, not deleted
          --ledger       the backup was made of a running server: take its ledger of traffic too; what was reported since then is reported again
          --no-ledger    leave it out: what had not been reported then is not reported, and sums begin anew under another node's name
        """;

    /// <summary>Names the folder that what was there goes to. As long as it lies there, what is in place is of both.</summary>
    private const string Marker = "restore.unfinished";

    /// <summary>Beside it: all that was there has gone, and what is in place is of the restore.</summary>
    private const string Placing = "restore.placing";

    private const string Aside = "before-restore-";

    // What a server can do without, or makes anew, and what is the operator's.
    private static readonly string[] Kept = ["lock", "cache", "media", Marker, Placing];

    public static Task<int> RunAsync(CommandLineWords words)
    {
        var (replace, ledger, noLedger) = (words.Flag("replace"), words.Flag("ledger"), words.Flag("no-ledger"));
        words.NothingElse();
        if (words.Plain is not [var from] || (ledger && noLedger))
            throw new UsageException("say which folder, and no more than one of --ledger and --no-ledger");
        var settings = ServerSettings.Load(SettingsInput.OfProcess(words.Settings));
        var manifest = BackupManifest.Checked(Path.GetFullPath(from));
        if (!manifest.Stopped && !ledger && !noLedger && manifest.Files.Any(static f => f.Name == BackupManifest.Ledger))
            throw new UsageException($"the backup was made at {manifest.At:u} while the server ran: say --ledger or --no-ledger");
        var usesSqlite = settings.Of<DatabaseOptions>().Url.Length == 0;
        if (usesSqlite != (manifest.Database == "SQLite"))
            throw new InvalidOperationException($"the backup is of a server with {manifest.Database}, and database.url says otherwise");
        var options = settings.Of<DataOptions>();
        using (DataLock.Take(options))
            Put(Path.GetFullPath(from), manifest, options.MakeDir(), replace, ledger || (manifest.Stopped && !noLedger), TimeProvider.System);
        Console.WriteLine($"{Path.GetFullPath(options.Dir)} is as of {manifest.At:u}.");
        return Task.FromResult(0);
    }

    /// <summary>Null: none was killed half-way. Else what to say instead of starting.</summary>
    public static string? Unfinished(DataOptions options) => File.Exists(Path.Combine(options.Dir, Marker))
        ? $"data.dir: a restore into {Path.GetFullPath(options.Dir)} did not come to its end; do it again, with --replace"
        : null;

    internal static void Put(string from, BackupManifest manifest, string data, bool replace, bool withLedger, TimeProvider clock)
    {
        var marker = Path.Combine(data, Marker);
        if (Present(data) is { Count: > 0 } present && !replace)
            throw new IOException($"{data} is not empty ({string.Join(", ", present.Take(5))}): say --replace to move that aside");
        var staged = Path.Combine(data, ".restore");
        if (Directory.Exists(staged))
            Directory.Delete(staged, recursive: true);
        Stage(from, manifest, staged, withLedger);

        var aside = Begin(marker, clock);
        var placing = Path.Combine(data, Placing);
        Directory.CreateDirectory(Path.Combine(data, aside), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Posix.SyncDirectory(data);
        if (!File.Exists(placing))
        {
            foreach (var name in Present(data))
                Directory.Move(Path.Combine(data, name), Path.Combine(data, aside, name));
            Posix.SyncDirectory(Path.Combine(data, aside));
            BackupCommand.Write(placing, []);
        }
        else
        {
            // Of a restore that was killed.
            foreach (var name in Present(data))
                Remove(Path.Combine(data, name));
        }
        Posix.SyncDirectory(data);
        foreach (var entry in Directory.GetFileSystemEntries(staged))
            Directory.Move(entry, Path.Combine(data, Path.GetFileName(entry)));
        Directory.Delete(staged);
        if (Directory.GetFileSystemEntries(Path.Combine(data, aside)).Length == 0)
            Directory.Delete(Path.Combine(data, aside));
        Posix.SyncDirectory(data);
        // In this order: the second without the first says that all is done.
        File.Delete(marker);
        Posix.SyncDirectory(data);
        File.Delete(placing);
    }

    /// <summary>The folder that what was there goes to: that of a restore that was killed, or one of its own.</summary>
    private static string Begin(string marker, TimeProvider clock)
    {
        if (File.Exists(marker) && File.ReadAllText(marker).Trim() is var begun && begun.StartsWith(Aside, StringComparison.Ordinal) && !begun.Contains('/', StringComparison.Ordinal))
            return begun;
        // One that is empty was killed before anything was moved; one of these alone, after all was done.
        File.Delete(marker);
        File.Delete(Path.Combine(Path.GetDirectoryName(marker)!, Placing));
        var second = clock.GetUtcNow().ToUnixTimeSeconds();
        string aside;
        do
            aside = Aside + second++.ToString(CultureInfo.InvariantCulture);
        while (Path.Exists(Path.Combine(Path.GetDirectoryName(marker)!, aside)));
        BackupCommand.Write(marker, System.Text.Encoding.UTF8.GetBytes(aside + "\n"));
        return aside;
    }

    /// <summary>A copy within data.dir, opened as the server will open it: damaged or of a newer version, it ends here.</summary>
    private static void Stage(string from, BackupManifest manifest, string staged, bool withLedger)
    {
        foreach (var file in manifest.Files)
        {
            if (!withLedger && file.Name.StartsWith("traffic/", StringComparison.Ordinal))
                continue;
            var to = Path.Combine(staged, file.Name);
            BackupCommand.Write(to, []);
            using (var source = File.OpenRead(Path.Combine(from, file.Name)))
            using (var copy = File.OpenWrite(to))
            {
                source.CopyTo(copy);
                copy.Flush(flushToDisk: true);
            }
            if (BackupManifest.Describe(staged, file.Name) != file)
                throw new IOException($"{to} is not what was copied");
            switch (file.Name)
            {
                case BackupManifest.Accounts:
                    using (var db = Sqlite.Open(to))
                    {
                        Whole(db, to);
                        Migrations.Apply(db);
                    }
                    break;
                case BackupManifest.Ledger:
                    using (var ledger = LedgerFile.Open(to, TimeProvider.System))
                        Whole(ledger.Db, to);
                    break;
                case BackupManifest.Hooks:
                    using (var db = Sqlite.Open(to))
                        Whole(db, to);
                    HookSpool.Open(to, TimeProvider.System).Dispose();
                    break;
            }
        }
        foreach (var folder in Directory.GetDirectories(staged))
            Posix.SyncDirectory(folder);
        Posix.SyncDirectory(staged);
    }

    private static void Whole(Sqlite db, string path)
    {
        if (db.First("PRAGMA integrity_check", static row => row.Text(0)) is not "ok" and var said)
            throw new InvalidDataException($"{path} is damaged: {said}");
    }

    private static void Remove(string path)
    {
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
        else
            File.Delete(path);
    }

    private static List<string> Present(string data) => [.. Directory.GetFileSystemEntries(data).Select(static path => Path.GetFileName(path))
        .Where(static name => !Kept.Contains(name) && name[0] != '.' && !name.StartsWith(Aside, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
}
