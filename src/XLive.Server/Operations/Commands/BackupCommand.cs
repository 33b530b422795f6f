using XLive.Server.Hooks;
using XLive.Server.Settings;
using XLive.Server.Storage;

namespace XLive.Server.Operations.Commands;

internal static class BackupCommand
{
    public const string Help = """
        backup FOLDER

        Copies what data.dir holds and cannot be made anew into a folder that is not there yet: keys, accounts, the ledger of traffic, events
        for the site. The server may run. Caches, sessions and films are left out, and a database in PostgreSQL: pg_dump copies that.
        The folder holds secrets; it is readable by its user alone.
        """;

    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static Task<int> RunAsync(CommandLineWords words)
    {
        words.NothingElse();
        if (words.Plain is not [var target])
            throw new UsageException("say into which folder");
        var settings = ServerSettings.Load(SettingsInput.OfProcess(words.Settings));
        var data = settings.Of<DataOptions>();
        if (!Directory.Exists(Path.Combine(data.Dir, "keys")))
            throw new InvalidOperationException($"there is nothing in data.dir {Path.GetFullPath(data.Dir)}: give the server's own settings");
        var isSqlite = settings.Of<DatabaseOptions>().Url.Length == 0;
        var made = Make(data, Path.GetFullPath(target), isSqlite, TimeProvider.System);
        Console.WriteLine($"{Path.GetFullPath(target)}: {made.Files.Count} files, {made.Files.Sum(static f => f.Length)} bytes");
        if (!isSqlite)
            Console.WriteLine("Accounts and history are in PostgreSQL and not in it: pg_dump -Fc, after this.");
        return Task.FromResult(0);
    }

    internal static BackupManifest Make(DataOptions options, string place, bool isSqlite, TimeProvider clock)
    {
        if (Path.Exists(place))
            throw new IOException($"{place} is there already, and a backup is never written over another");
        var data = options.MakeDir();
        // Whole or not at all: it gets its name when it is complete.
        var work = $"{place}.{Guid.NewGuid().ToString("N")[..12]}.tmp";
        Directory.CreateDirectory(work, Private | UnixFileMode.UserExecute);
        try
        {
            using var stopped = Hold(options);
            var names = new List<string>();
            // The ledger before the accounts' database: a batch of history that moves in between is in both, and known by its number.
            CopyDatabase(data, work, BackupManifest.Ledger, names);
            if (stopped is not null)
                CopyFiles(data, work, BackupManifest.Counters, names);
            CopyDatabase(data, work, HookSpool.FileName, names);
            if (isSqlite)
                CopyDatabase(data, work, BackupManifest.Accounts, names);
            CopyFiles(data, work, BackupManifest.Keys, names);
            var manifest = new BackupManifest(Api.ServerVersion.Text, clock.GetUtcNow(), stopped is not null, isSqlite ? "SQLite" : "PostgreSQL",
                [.. names.Select(name => BackupManifest.Describe(work, name))]);
            Write(Path.Combine(work, BackupManifest.FileName), manifest.ToJson());
            foreach (var folder in Directory.GetDirectories(work))
                Posix.SyncDirectory(folder);
            Posix.SyncDirectory(work);
            Directory.Move(work, place);
            Posix.SyncDirectory(Path.GetDirectoryName(place)!);
            return manifest;
        }
        catch
        {
            Directory.Delete(work, recursive: true);
            throw;
        }
    }

    /// <summary>Keeps a server from starting meanwhile. Null: one runs.</summary>
    private static DataLock? Hold(DataOptions options)
    {
        try
        {
            return DataLock.Take(options);
        }
        catch (DataInUseException)
        {
            return null;
        }
    }

    private static void CopyDatabase(string data, string work, string name, List<string> names)
    {
        var from = Path.Combine(data, name);
        if (!File.Exists(from))
            return;
        var to = Path.Combine(work, name);
        // SQLite writes into an empty file that is there, and leaves it its mode.
        Write(to, []);
        using (var db = Sqlite.Open(from))
            db.BackUp(to);
        using (var file = File.OpenHandle(to, FileMode.Open, FileAccess.ReadWrite))
            RandomAccess.FlushToDisk(file);
        names.Add(name);
    }

    /// <param name="prefix">A folder and a slash, or that and how the names begin.</param>
    private static void CopyFiles(string data, string work, string prefix, List<string> names)
    {
        var slash = prefix.IndexOf('/', StringComparison.Ordinal);
        var folder = Path.Combine(data, prefix[..slash]);
        if (!Directory.Exists(folder))
            return;
        foreach (var path in Directory.GetFiles(folder, prefix[(slash + 1)..] + "*").Order(StringComparer.Ordinal))
        {
            var name = prefix[..(slash + 1)] + Path.GetFileName(path);
            // One that is being made, or that was set aside.
            if (name.EndsWith(".tmp", StringComparison.Ordinal) || name.EndsWith(".aside", StringComparison.Ordinal))
                continue;
            Write(Path.Combine(work, name), File.ReadAllBytes(path));
            names.Add(name);
        }
    }

    internal static void Write(string path, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, Private | UnixFileMode.UserExecute);
        using var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private });
        file.Write(content);
        file.Flush(flushToDisk: true);
    }
}
