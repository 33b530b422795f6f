namespace XLive.Server.Storage;

/// <summary>The statements that a connection has prepared, by their text. Under the connection's lock.</summary>
internal sealed class SqliteStatements
{
    private const int Most = 200;

    private readonly Dictionary<string, SqliteStatement> _bySql = new(StringComparer.Ordinal);

    // A cut of the ledger runs one statement for each of 10,000 users.
    private (string? Sql, SqliteStatement? Statement) _last;

    public SqliteStatement? Find(string sql)
    {
        if (ReferenceEquals(_last.Sql, sql))
        {
            return _last.Statement;
        }
        if (_bySql.TryGetValue(sql, out SqliteStatement? known))
        {
            _last = (sql, known);
            return known;
        }
        return _bySql.Count < Most ? null : throw new InvalidOperationException("too many different statements: values belong in parameters");
    }

    public SqliteStatement Keep(string sql, SqliteStatement statement) => _bySql[sql] = statement;

    public void Clear()
    {
        foreach (SqliteStatement statement in _bySql.Values)
        {
            statement.Dispose();
        }
        _bySql.Clear();
        _last = default;
    }
}
