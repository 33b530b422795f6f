using System.Data.Common;

namespace XLive.Server.Storage;

/// <summary>What SQLite said and to which statement; never the values, which may be secrets.</summary>
public sealed class SqliteException(int code, string said, string sql) : DbException($"SQLite {code}, {said}: {sql}", code)
{
    /// <summary>The extended result code.</summary>
    public int Code => ErrorCode;

    /// <summary>Another process kept the database busy for longer than the wait: worth another try.</summary>
    public bool IsBusy => (ErrorCode & 0xff) is 5 or 6;

    /// <summary>A unique key, a foreign key or a check said no.</summary>
    public bool IsConstraint => (ErrorCode & 0xff) == 19;

    public bool IsDiskFull => (ErrorCode & 0xff) == 13;
}
