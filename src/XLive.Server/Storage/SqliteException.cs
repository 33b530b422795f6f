namespace XLive.Server.Storage;

/// <summary>What SQLite said and to which statement; never the values, which may be secrets.</summary>
public sealed class SqliteException(int code, string said, string sql)
    : DatabaseException(FaultOf(code), $"SQLite {code}, {said}: {sql}", code)
{
    /// <summary>The extended result code.</summary>
    public int Code => ErrorCode;

    /// <summary>Another process kept the database busy for longer than the wait: worth another try.</summary>
    public bool IsBusy => Fault == DatabaseFault.Busy;

    public bool IsDiskFull => Fault == DatabaseFault.Full;

    private static DatabaseFault FaultOf(int code) => (code & 0xff) switch
    {
        5 or 6 => DatabaseFault.Busy,
        8 => DatabaseFault.ReadOnly,
        10 or 14 => DatabaseFault.Away, // the disk fails, or the file cannot be opened
        11 or 26 => DatabaseFault.Damaged,
        13 => DatabaseFault.Full,
        19 => DatabaseFault.Constraint,
        _ => DatabaseFault.Other,
    };
}
