using System.Net.Sockets;
using Npgsql;

namespace XLive.Server.Storage;

/// <summary>What an exception of Npgsql means for us. SQLSTATEs: PostgreSQL's manual, appendix A.</summary>
internal static class PostgresFaults
{
    /// <summary>Null for what is no fault of the database's.</summary>
    public static DatabaseException? Of(Exception e, string sql) => e switch
    {
        PostgresException said => new DatabaseException(FaultOf(said.SqlState), $"PostgreSQL {said.SqlState}, {said.MessageText}: {sql}", e),
        NpgsqlException { InnerException: TimeoutException } when e.Message.Contains("pool", StringComparison.Ordinal) =>
            new DatabaseException(DatabaseFault.Busy, "all connections to PostgreSQL are in use", e),
        NpgsqlException or SocketException or TimeoutException or IOException =>
            new DatabaseException(DatabaseFault.Away, "PostgreSQL cannot be reached: " + Deepest(e), e),
        // A connection that broke between two statements says so at the second: "not open"; or "disposed", by a helper of the runtime's; or by a field
        // of its own that is null by then.
        ObjectDisposedException or InvalidOperationException { Source: "Npgsql" } or NullReferenceException { Source: "Npgsql" } => new DatabaseException(DatabaseFault.Away, "PostgreSQL went away: " + e.Message, e),
        _ => null,
    };

    private static DatabaseFault FaultOf(string state) => state switch
    {
        "40001" or "40P01" => DatabaseFault.Conflict,
        "25006" => DatabaseFault.ReadOnly,
        "53100" => DatabaseFault.Full,
        "53300" or "55P03" or "57014" => DatabaseFault.Busy, // too many clients, a lock not to be had, cancelled for its length
        "3D000" => DatabaseFault.Refused,                    // no such database
        _ => state[..2] switch
        {
            "23" => DatabaseFault.Constraint,
            "08" or "57" => DatabaseFault.Away, // the connection is gone; the server stops, starts or was shot
            "28" => DatabaseFault.Refused,      // password, pg_hba.conf
            "53" or "58" => DatabaseFault.Away, // out of memory; the disk below it fails
            _ => DatabaseFault.Other,
        },
    };

    private static string Deepest(Exception e)
    {
        while (e.InnerException is { } inner)
        {
            e = inner;
        }
        return e.Message;
    }
}
