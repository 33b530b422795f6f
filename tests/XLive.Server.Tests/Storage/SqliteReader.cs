using XLive.Server.Storage;

namespace XLive.Server.Tests.Storage;

/// <summary>A second look at a database that a server has open.</summary>
internal sealed class SqliteReader : IDisposable
{
    private readonly Sqlite _db;

    private SqliteReader(Sqlite db) => _db = db;

    public static SqliteReader Open(string path) => new(Sqlite.Open(path));

    public long Count(string table) => _db.First($"SELECT count(*) FROM {table}", static row => row.Int64(0));

    public void Dispose() => _db.Dispose();
}
