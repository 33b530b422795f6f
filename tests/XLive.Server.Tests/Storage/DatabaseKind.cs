using XLive.Server.Storage;

namespace XLive.Server.Tests.Storage;

public enum DatabaseKind { Sqlite, Postgres }

internal static class DatabaseKinds
{
    /// <summary>What database.url says for a database of a test's own; empty is SQLite.</summary>
    public static string NewUrl(this DatabaseKind kind) => kind == DatabaseKind.Postgres ? PostgresServer.Shared.NewDatabase() : "";

    /// <summary>A connection of one's own to a database, as another process would have it.</summary>
    public static Database Open(string url, string dataDir) =>
        url.Length > 0 ? Postgres.Open(PostgresUrl.Parse(url)) : Sqlite.Open(Path.Combine(dataDir, "xlive.db"));
}
