using System.Data;
using System.Diagnostics.CodeAnalysis;
using Npgsql;
using NpgsqlTypes;

namespace XLive.Server.Storage;

/// <summary>
/// A PostgreSQL that several servers may share, by Npgsql. Connections come from a bounded pool and are given back after each
/// statement or transaction. No statement stays prepared on the server: PgBouncer hands each transaction to another of its own.
/// </summary>
public sealed class Postgres : Database
{
    public const int MostConnections = 8;

    // More than turns: the start, and the few calls that wait for no turn, find one too.
    private const int PoolSize = MostConnections + 4;

    // Npgsql then asks it to cancel, which takes twice the time to connect where it does not answer at all: 14 s in all.
    private const int StatementSeconds = 8;
    private const int MigrationSeconds = 1800; // an index over a year's history
    private const int MostTries = 30;
    private const int BatchRows = 500;

    // Any number that all our servers know; "xliv" in ASCII.
    private const long SchemaLock = 0x786c6976;

    private readonly NpgsqlDataSource _source;
    private readonly ThreadLocal<Begun?> _transaction = new();
    private string _version = "";

    public Postgres(PostgresUrl url) : base(MostConnections)
    {
        NpgsqlConnectionStringBuilder settings = url.Settings();
        settings.MaxPoolSize = PoolSize;
        settings.CommandTimeout = StatementSeconds;
        settings.CancellationTimeout = -1;
        settings.TcpKeepAlive = true;
        settings.IncludeErrorDetail = false; // a detail quotes values
        NpgsqlSlimDataSourceBuilder builder = new(settings.ConnectionString);
        builder.EnableTransportSecurity();
        _source = builder.Build();
    }

    /// <summary>Opens a database as it is, with the schema that it has.</summary>
    public static Postgres Open(PostgresUrl url)
    {
        Postgres db = new(url);
        try
        {
            db.OpenOnly();
            return db;
        }
        catch
        {
            db.Dispose();
            throw;
        }
    }

    public override string Kind => _version.Length > 0 ? $"PostgreSQL {_version}" : "PostgreSQL";

    // Transactions that have a number, begun or ended: any write of anybody.
    public override long ChangeMark => First("SELECT hashtext(txid_current_snapshot()::text)", static row => row.Int64(0));

    internal override int SchemaVersion
    {
        // By a look at the catalogue itself: to_regclass answers from a cache that a wait for an advisory lock does not freshen.
        get => First("SELECT COUNT(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            + "WHERE c.relname = 'schema_version' AND n.nspname = current_schema()", static row => row.Int64(0)) > 0
            ? (int)First("SELECT version FROM schema_version", static row => row.Int64(0)) : 0;
        set
        {
            if (value == 1)
            {
                Script("CREATE TABLE schema_version (version BIGINT NOT NULL); INSERT INTO schema_version VALUES (0)");
            }
            Execute("UPDATE schema_version SET version = $1", value);
        }
    }

    // Not serializable: that would look at the schema as it was before the wait for the lock.
    internal override void SchemaTransaction(Action work) => Once(
        () =>
        {
            Execute("SELECT pg_advisory_xact_lock($1)", SchemaLock);
            work();
            return 0;
        },
        "BEGIN ISOLATION LEVEL READ COMMITTED; ", MigrationSeconds);

    protected override void Connect()
    {
        // Those that are left are of a server that may not be there any more.
        _source.Clear();
        _version = First("SHOW server_version", static row => row.Text(0))!.Split(' ')[0];
        if (First("SHOW transaction_read_only", static row => row.Text(0)) == "on")
        {
            throw new DatabaseException(DatabaseFault.ReadOnly, "PostgreSQL takes no writes: it is a standby, or set to read only");
        }
    }

    public override int Execute([StringSyntax("sql")] string sql, params ReadOnlySpan<SqlValue> values)
    {
        ThrowIfAway();
        NpgsqlConnection? own = null;
        try
        {
            using NpgsqlCommand command = Command(sql, values);
            command.Connection = _transaction.Value?.Connection ?? (own = Connection());
            return command.ExecuteNonQuery();
        }
        catch (Exception e) when (PostgresFaults.Of(e, sql) is { } fault)
        {
            throw Noted(fault);
        }
        finally
        {
            End(own);
        }
    }

    public override void ExecuteEach([StringSyntax("sql")] string sql, IReadOnlyList<SqlValue[]> rows)
    {
        NpgsqlConnection connection = _transaction.Value?.Connection ?? throw new InvalidOperationException("only inside a transaction");
        try
        {
            for (int at = 0; at < rows.Count; at += BatchRows)
            {
                using NpgsqlBatch batch = new(connection) { Timeout = StatementSeconds };
                for (int i = at; i < Math.Min(rows.Count, at + BatchRows); i++)
                {
                    NpgsqlBatchCommand command = new(sql);
                    Bind(command.Parameters, rows[i]);
                    batch.BatchCommands.Add(command);
                }
                batch.ExecuteNonQuery();
            }
        }
        catch (Exception e) when (PostgresFaults.Of(e, sql) is { } fault)
        {
            throw Noted(fault);
        }
    }

    public override List<T> Query<T>([StringSyntax("sql")] string sql, Func<SqlRow, T> read, params ReadOnlySpan<SqlValue> values)
    {
        ThrowIfAway();
        NpgsqlConnection? own = null;
        try
        {
            List<T> rows = [];
            using NpgsqlCommand command = Command(sql, values);
            command.Connection = _transaction.Value?.Connection ?? (own = Connection());
            using NpgsqlDataReader reader = command.ExecuteReader();
            while (reader.Read())
            {
                rows.Add(read(new SqlRow(reader)));
            }
            return rows;
        }
        catch (Exception e) when (PostgresFaults.Of(e, sql) is { } fault)
        {
            throw Noted(fault);
        }
        finally
        {
            End(own);
        }
    }

    public override T Transaction<T>(Func<T> work)
    {
        if (_transaction.Value is not null)
        {
            throw new InvalidOperationException("a transaction inside a transaction");
        }
        ThrowIfAway();
        for (int tries = 1; ; tries++)
        {
            try
            {
                return Once(work, "BEGIN ISOLATION LEVEL SERIALIZABLE; ", StatementSeconds);
            }
            catch (DatabaseException e) when (e.Fault == DatabaseFault.Conflict && tries < MostTries)
            {
                // Of those that met one went through. The others come back at different times.
                Thread.Sleep(Random.Shared.Next(1, 4 * tries));
            }
        }
    }

    public override void Script([StringSyntax("sql")] string sql) => Execute(sql);

    public override void Dispose()
    {
        _source.Dispose();
        _transaction.Dispose();
        base.Dispose();
    }

    private T Once<T>(Func<T> work, string begin, int seconds)
    {
        NpgsqlConnection? connection = null;
        try
        {
            connection = Connection();
            _transaction.Value = new Begun(connection, seconds);
            // A server that loses its network half-way must not hold the others up for the hours that TCP takes to see it.
            Execute(begin + "SET LOCAL idle_in_transaction_session_timeout = 30000");
            T result = work();
            Execute("COMMIT");
            return result;
        }
        catch (Exception e) when (PostgresFaults.Of(e, "connect") is { } fault)
        {
            throw Noted(fault);
        }
        catch
        {
            RollBack(connection);
            throw;
        }
        finally
        {
            _transaction.Value = null;
            End(connection);
        }
    }

    // A read that blocks there waits for the very thread that would tell it of the answer.
    private NpgsqlConnection Connection() => Thread.CurrentThread is { IsThreadPoolThread: false, Name: ".NET Sockets" }
        ? throw new InvalidOperationException("a thread that serves sockets must not wait for the database: RunAsync")
        : _source.OpenConnection();

    /// <summary>The transaction of this thread.</summary>
    private sealed record Begun(NpgsqlConnection Connection, int Seconds);

    private static void RollBack(NpgsqlConnection? connection)
    {
        if (connection is not { State: ConnectionState.Open })
        {
            return; // broken, and rolled back with that
        }
        try
        {
            using NpgsqlCommand command = new("ROLLBACK", connection);
            command.ExecuteNonQuery();
        }
        catch (Exception e) when (PostgresFaults.Of(e, "ROLLBACK") is not null)
        {
            // What went wrong first is what counts; the server rolls back when the connection ends.
        }
    }

    // One that broke may say so even here, over an answer that stands or a fault that was told already.
    private static void End(NpgsqlConnection? connection)
    {
        try
        {
            connection?.Dispose();
        }
        catch (Exception e) when (PostgresFaults.Of(e, "close") is not null)
        {
        }
    }

    private NpgsqlCommand Command(string sql, ReadOnlySpan<SqlValue> values)
    {
        NpgsqlCommand command = new(sql) { CommandTimeout = _transaction.Value?.Seconds ?? StatementSeconds };
        Bind(command.Parameters, values);
        return command;
    }

    private static void Bind(NpgsqlParameterCollection parameters, ReadOnlySpan<SqlValue> values)
    {
        foreach (SqlValue value in values)
        {
            parameters.Add(value.Kind switch
            {
                SqlKind.Whole => new NpgsqlParameter<long> { TypedValue = value.Whole, NpgsqlDbType = NpgsqlDbType.Bigint },
                SqlKind.Real => new NpgsqlParameter<double> { TypedValue = value.Real, NpgsqlDbType = NpgsqlDbType.Double },
                SqlKind.Text => new NpgsqlParameter<string> { TypedValue = (string)value.Boxed!, NpgsqlDbType = NpgsqlDbType.Text },
                SqlKind.Bytes => new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = value.Bytes, NpgsqlDbType = NpgsqlDbType.Bytea },
                _ => new NpgsqlParameter { Value = DBNull.Value },
            });
        }
    }

    private DatabaseException Noted(DatabaseException fault)
    {
        if (fault.Fault is DatabaseFault.Away or DatabaseFault.ReadOnly or DatabaseFault.Refused)
        {
            Lose(fault);
        }
        return fault;
    }
}
