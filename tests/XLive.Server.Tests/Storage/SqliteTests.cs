using System.Diagnostics;
using XLive.Server.Storage;

namespace XLive.Server.Tests.Storage;

public sealed class SqliteTests : IDisposable
{
    private readonly string _dir = Directory.CreateTempSubdirectory("xlive-sqlite-").FullName;
    private readonly Sqlite _db;

    private string File => Path.Combine(_dir, "xlive.db");

    public SqliteTests()
    {
        _db = Sqlite.Open(File);
        _db.Script("CREATE TABLE t (k TEXT PRIMARY KEY, n BIGINT, b BYTEA, r REAL); CREATE TABLE child (k TEXT REFERENCES t (k));");
    }

    public void Dispose()
    {
        _db.Dispose();
        Directory.Delete(_dir, recursive: true);
    }

    [Fact]
    public void Values_come_back_as_they_went_in()
    {
        const string text = "é\0'; DROP TABLE t; --\ud83d\ude00";
        byte[] bytes = [0, 1, 255];
        Assert.Equal(1, _db.Execute("INSERT INTO t (k, n, b, r) VALUES ($1, $2, $3, $4)", text, long.MinValue, bytes, 0.5));
        Assert.Equal(1, _db.Execute("INSERT INTO t (k, b) VALUES ($2, $1)", Array.Empty<byte>(), ""));
        (string, long, byte[], double) row = _db.First("SELECT k, n, b, r FROM t WHERE k = $1",
            r => (r.Text(0), r.Int64(1), r.Bytes(2), r.Double(3)), text);
        Assert.Equal((text, long.MinValue, 0.5), (row.Item1, row.Item2, row.Item4));
        Assert.Equal(bytes, row.Item3);
        Assert.Equal([(true, false, 0)], _db.Query("SELECT n, b FROM t WHERE k = $1", r => (r.IsNull(0), r.IsNull(1), r.Bytes(1).Length), ""));
    }

    [Fact]
    public void Errors_name_the_statement_and_never_a_value()
    {
        _db.Execute("INSERT INTO t (k) VALUES ($1)", "SECRET");
        SqliteException twice = Assert.Throws<SqliteException>(() => _db.Execute("INSERT INTO t (k) VALUES ($1)", "SECRET"));
        Assert.True(twice.IsConstraint);
        Assert.Contains("INSERT INTO t", twice.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", twice.ToString(), StringComparison.Ordinal);
        Assert.True(Assert.Throws<SqliteException>(() => _db.Execute("INSERT INTO child (k) VALUES ($1)", "none")).IsConstraint);
        Assert.Throws<SqliteException>(() => _db.Execute("SELEKT"));
        Assert.Throws<ArgumentException>(() => _db.Execute("DELETE FROM t; DELETE FROM child"));
    }

    [Fact]
    public void A_transaction_is_all_or_nothing()
    {
        Assert.Throws<InvalidOperationException>(() => _db.Transaction(() =>
        {
            _db.Execute("INSERT INTO t (k) VALUES ($1)", "a");
            _db.Transaction(() => { });
        }));
        Assert.Empty(_db.Query("SELECT k FROM t", r => r.Text(0)));
        _db.Transaction(() => _db.Execute("INSERT INTO t (k) VALUES ($1)", "a"));
        Assert.Equal(["a"], _db.Query("SELECT k FROM t", r => r.Text(0)));
    }

    [Fact]
    public void Two_connections_write_in_turn()
    {
        using Sqlite other = Sqlite.Open(File);
        _db.Execute("INSERT INTO t (k, n) VALUES ($1, 0)", "count");
        Parallel.For(0, 200, i => (i % 2 == 0 ? _db : other).Transaction(() =>
        {
            Sqlite db = i % 2 == 0 ? _db : other;
            long n = db.First("SELECT n FROM t WHERE k = $1", r => r.Int64(0), "count");
            db.Execute("UPDATE t SET n = $1 WHERE k = $2", n + 1, "count");
        }));
        Assert.Equal(200, other.First("SELECT n FROM t WHERE k = $1", r => r.Int64(0), "count"));
    }

    [Fact]
    public void Nobody_else_can_read_the_files()
    {
        _db.Execute("INSERT INTO t (k) VALUES ($1)", "a");
        string[] files = Directory.GetFiles(_dir);
        Assert.Equal(3, files.Length);
        Assert.All(files, f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(f)));
        _db.BackUp(Path.Combine(_dir, "copy.db"));
        using Sqlite copy = Sqlite.Open(Path.Combine(_dir, "copy.db"));
        Assert.Equal(["a"], copy.Query("SELECT k FROM t", r => r.Text(0)));
    }

    [Fact]
    public void What_a_killed_writer_left_is_undone()
    {
        string path = Path.Combine(_dir, "killed.db");
        using (Sqlite db = Sqlite.Open(path))
        {
            Migrations.Apply(db, ["CREATE TABLE a (n BIGINT)"]);
            // As if killed: the files are copied while a step is half done.
            Assert.Throws<SqliteException>(() => Migrations.Apply(db,
                ["", "CREATE TABLE b (n BIGINT); INSERT INTO b VALUES (1); INSERT INTO nowhere VALUES (1);"]));
            Assert.Equal(1, Migrations.Version(db));
            db.Script("BEGIN IMMEDIATE; CREATE TABLE b (n BIGINT); PRAGMA user_version = 2;");
            foreach (string file in Directory.GetFiles(_dir, "killed.db*"))
            {
                System.IO.File.Copy(file, file.Replace("killed", "left", StringComparison.Ordinal));
            }
            db.Script("ROLLBACK");
        }
        using Sqlite left = Sqlite.Open(Path.Combine(_dir, "left.db"));
        Assert.Equal(1, Migrations.Version(left));
        Migrations.Apply(left, ["", "CREATE TABLE b (n BIGINT);", "CREATE TABLE c (n BIGINT); INSERT INTO b VALUES (3)"]);
        Assert.Equal(3, Migrations.Version(left));
        Assert.Throws<InvalidDataException>(() => Migrations.Apply(left, [""]));
    }

    [Fact]
    public void Migrations_started_at_once_are_done_once()
    {
        string path = Path.Combine(_dir, "race.db");
        Sqlite.Open(path).Dispose();
        Parallel.For(0, 4, _ =>
        {
            using Sqlite db = Sqlite.Open(path);
            Migrations.Apply(db);
        });
        using Sqlite done = Sqlite.Open(path);
        Assert.Equal(Schema.Steps.Count, Migrations.Version(done));
    }
}
