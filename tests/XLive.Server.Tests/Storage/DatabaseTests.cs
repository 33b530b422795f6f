using XLive.Server.Storage;

namespace XLive.Server.Tests.Storage;

/// <summary>What both databases promise.</summary>
public abstract class DatabaseTests : IDisposable
{
    protected DatabaseTests(DatabaseKind kind)
    {
        Url = kind.NewUrl();
        Db = Open();
        Db.Script("CREATE TABLE t (k TEXT PRIMARY KEY, n BIGINT, b BYTEA, r DOUBLE PRECISION); CREATE TABLE child (k TEXT REFERENCES t (k));");
    }

    protected string Dir { get; } = Directory.CreateTempSubdirectory("xlive-database-").FullName;

    protected string Url { get; }

    protected Database Db { get; }

    /// <summary>Another connection, as another process would have it.</summary>
    protected Database Open() => DatabaseKinds.Open(Url, Dir);

    public void Dispose()
    {
        Db.Dispose();
        Directory.Delete(Dir, recursive: true);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Values_come_back_as_they_went_in()
    {
        const string text = "\u00e9'; DROP TABLE t; --\ud83d\ude00";
        byte[] bytes = [0, 1, 255];
        Assert.Equal(1, Db.Execute("INSERT INTO t (k, n, b, r) VALUES ($1, $2, $3, $4)", text, long.MinValue, bytes, 0.5));
        Assert.Equal(1, Db.Execute("INSERT INTO t (k, b) VALUES ($2, $1)", Array.Empty<byte>(), ""));
        (string, long, byte[], double) row = Db.First("SELECT k, n, b, r FROM t WHERE k = $1",
            r => (r.Text(0), r.Int64(1), r.Bytes(2), r.Double(3)), text);
        Assert.Equal((text, long.MinValue, 0.5), (row.Item1, row.Item2, row.Item4));
        Assert.Equal(bytes, row.Item3);
        Assert.Equal([(true, false, 0)], Db.Query("SELECT n, b FROM t WHERE k = $1", r => (r.IsNull(0), r.IsNull(1), r.Bytes(1).Length), ""));
        Assert.Equal([(0L, 0.0, "", 0, false)], Db.Query("SELECT n, r, n IS NULL, b, n IS NOT NULL FROM t WHERE k = $1",
            r => (r.Int64(0), r.Double(1), r.Boolean(2) ? "" : "not null", r.Bytes(3).Length, r.Boolean(4)), ""));
        Assert.Equal(1, Db.Execute("UPDATE t SET n = $2, r = $3 WHERE k = $1", "", default(string), true));
    }

    [Fact]
    public void Errors_name_the_statement_and_never_a_value()
    {
        Db.Execute("INSERT INTO t (k) VALUES ($1)", "SECRET");
        DatabaseException twice = Assert.ThrowsAny<DatabaseException>(() => Db.Execute("INSERT INTO t (k) VALUES ($1)", "SECRET"));
        Assert.True(twice.IsConstraint);
        Assert.Contains("INSERT INTO t", twice.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", twice.ToString(), StringComparison.Ordinal);
        Assert.True(Assert.ThrowsAny<DatabaseException>(() => Db.Execute("INSERT INTO child (k) VALUES ($1)", "none")).IsConstraint);
        Assert.Equal(DatabaseFault.Other, Assert.ThrowsAny<DatabaseException>(() => Db.Execute("SELEKT")).Fault);
        Assert.Null(Db.Away);
    }

    [Fact]
    public void A_transaction_is_all_or_nothing()
    {
        Assert.Throws<InvalidOperationException>(() => Db.Transaction(() =>
        {
            Db.Execute("INSERT INTO t (k) VALUES ($1)", "a");
            Db.Transaction(() => { });
        }));
        Assert.Empty(Db.Query("SELECT k FROM t", r => r.Text(0)));
        Assert.True(Assert.ThrowsAny<DatabaseException>(() => Db.Transaction(() =>
        {
            Db.Execute("INSERT INTO t (k) VALUES ($1)", "a");
            Db.Execute("INSERT INTO t (k) VALUES ($1)", "a");
        })).IsConstraint);
        Assert.Empty(Db.Query("SELECT k FROM t", r => r.Text(0)));
        Db.Transaction(() => Db.Execute("INSERT INTO t (k) VALUES ($1)", "a"));
        Assert.Equal(["a"], Db.Query("SELECT k FROM t", r => r.Text(0)));
        Db.Transaction(() => Db.ExecuteEach("INSERT INTO t (k, n) VALUES ($1, $2)", [.. Enumerable.Range(0, 1201).Select(i => new SqlValue[] { $"many{i}", i })]));
        Assert.Equal(1201, Db.First("SELECT COUNT(*) FROM t WHERE k LIKE 'many%'", r => r.Int64(0)));
    }

    [Fact]
    public void Two_connections_write_in_turn()
    {
        using Database other = Open();
        Db.Execute("INSERT INTO t (k, n) VALUES ($1, 0)", "count");
        Parallel.For(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i => (i % 2 == 0 ? Db : other).Transaction(() =>
        {
            Database db = i % 2 == 0 ? Db : other;
            long n = db.First("SELECT n FROM t WHERE k = $1", r => r.Int64(0), "count");
            db.Execute("UPDATE t SET n = $1 WHERE k = $2", n + 1, "count");
        }));
        Assert.Equal(200, other.First("SELECT n FROM t WHERE k = $1", r => r.Int64(0), "count"));
    }

    [Fact]
    public void A_write_of_anybody_changes_the_mark()
    {
        using Database other = Open();
        // Other tests write to other databases of the same PostgreSQL, whose mark it is: between two of their writes it stands still.
        Assert.Contains(Enumerable.Range(0, 500), _ => Db.ChangeMark == Db.ChangeMark);
        long before = Db.ChangeMark;
        other.Execute("INSERT INTO t (k) VALUES ($1)", "a");
        Assert.NotEqual(before, Db.ChangeMark);
    }

    [Fact]
    public void A_step_that_fails_is_undone_and_begins_anew()
    {
        Migrations.Apply(Db, ["CREATE TABLE a (n BIGINT)"]);
        Assert.ThrowsAny<DatabaseException>(() => Migrations.Apply(Db,
            ["", "CREATE TABLE b (n BIGINT); INSERT INTO b VALUES (1); INSERT INTO nowhere VALUES (1);"]));
        Assert.Equal(1, Db.SchemaVersion);
        Migrations.Apply(Db, ["", "CREATE TABLE b (n BIGINT);", "CREATE TABLE c (n BIGINT); INSERT INTO b VALUES (3)"]);
        Assert.Equal(3, Db.SchemaVersion);
        DatabaseException newer = Assert.Throws<DatabaseException>(() => Migrations.Apply(Db, [""]));
        Assert.Equal(DatabaseFault.Newer, newer.Fault);
        Assert.Contains("newer XLive (schema 3, this one knows 1)", newer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Migrations_started_at_once_are_done_once()
    {
        Parallel.For(0, 4, _ =>
        {
            using Database db = Open();
            Migrations.Apply(db);
        });
        Assert.Equal(Schema.Steps.Count, Db.SchemaVersion);
    }

    [Fact]
    public async Task Only_so_many_calls_run_and_only_so_many_wait()
    {
        using ManualResetEventSlim go = new();
        Task<int>[] calls = [.. Enumerable.Range(0, 200).Select(i => Db.RunAsync(_ =>
        {
            go.Wait();
            return i;
        }))];
        Task<int>[] refused = [.. calls.Where(c => c.IsFaulted)];
        Assert.Equal(200 - Db.Turns - Database.MostWaiting, refused.Length);
        Assert.All(refused, c => Assert.Equal(DatabaseFault.Busy, Assert.IsType<DatabaseException>(c.Exception!.InnerException).Fault));
        Assert.Equal((Db.Turns, Database.MostWaiting), (Db.Running, Db.Waiting));
        go.Set();
        await Task.WhenAll(calls.Except(refused));
        Assert.Equal((0, 0), (Db.Running, Db.Waiting));
    }
}
