using System.Data.Common;

namespace XLive.Server.Storage;

public enum DatabaseFault
{
    Other,

    /// <summary>A unique key, a foreign key or a check said no.</summary>
    Constraint,

    /// <summary>Others hold it, for longer than we wait.</summary>
    Busy,

    /// <summary>No room on its disk.</summary>
    Full,

    /// <summary>It takes no writes: a disk mounted so, a standby.</summary>
    ReadOnly,

    /// <summary>Not to be reached, or gone in the midst of it.</summary>
    Away,

    /// <summary>It answers, and will not have us: password, name of the database, TLS.</summary>
    Refused,

    /// <summary>Of a newer version of this program.</summary>
    Newer,

    /// <summary>What stands in the file is no database any more.</summary>
    Damaged,

    /// <summary>Two transactions met; done again, one of them goes through.</summary>
    Conflict,
}

/// <summary>What a database said and to which statement; never the values, which may be secrets.</summary>
public class DatabaseException : DbException
{
    public DatabaseException(DatabaseFault fault, string message, Exception? inner = null) : base(message, inner) => Fault = fault;

    protected DatabaseException(DatabaseFault fault, string message, int code) : base(message, code) => Fault = fault;

    public DatabaseFault Fault { get; }

    public bool IsConstraint => Fault == DatabaseFault.Constraint;

    /// <summary>Nothing that passes by itself: not worth a try before somebody has done something about it.</summary>
    public bool IsLasting => Fault is DatabaseFault.Damaged or DatabaseFault.Newer or DatabaseFault.Refused;
}
