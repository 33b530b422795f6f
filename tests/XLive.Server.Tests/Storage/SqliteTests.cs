using XLive.Server.Storage;

namespace XLive.Server.Tests.Storage;

public sealed class SqliteTests() : DatabaseTests(DatabaseKind.Sqlite)
{
    private Sqlite Sqlite => (Sqlite)Db;

    [Fact]
    public void A_text_may_hold_any_character()
    {
        Db.Execute("INSERT INTO t (k) VALUES ($1)", "a\0b");
        Assert.Equal(["a\0b"], Db.Query("SELECT k FROM t", r => r.Text(0)));
        Assert.Throws<ArgumentException>(() => Db.Execute("DELETE FROM t; DELETE FROM child"));
    }

    [Fact]
    public void Nobody_else_can_read_the_files()
    {
        Db.Execute("INSERT INTO t (k) VALUES ($1)", "a");
        string[] files = Directory.GetFiles(Dir);
        Assert.Equal(3, files.Length);
        Assert.All(files, f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(f)));
        Sqlite.BackUp(Path.Combine(Dir, "copy.db"));
        using Sqlite copy = Server.Storage.Sqlite.Open(Path.Combine(Dir, "copy.db"));
        Assert.Equal(["a"], copy.Query("SELECT k FROM t", r => r.Text(0)));
    }

    [Fact]
    public void What_a_killed_writer_left_is_undone()
    {
        string path = Path.Combine(Dir, "killed.db");
        using (Sqlite db = Server.Storage.Sqlite.Open(path))
        {
            Migrations.Apply(db, ["CREATE TABLE a (n BIGINT)"]);
            // As if killed: the files are copied while a step is half done.
            Assert.Throws<SqliteException>(() => Migrations.Apply(db,
                ["", "CREATE TABLE b (n BIGINT); INSERT INTO b VALUES (1); INSERT INTO nowhere VALUES (1);"]));
            Assert.Equal(1, db.SchemaVersion);
            db.Script("BEGIN IMMEDIATE; CREATE TABLE b (n BIGINT); PRAGMA user_version = 2;");
            foreach (string file in Directory.GetFiles(Dir, "killed.db*"))
            {
                File.Copy(file, file.Replace("killed", "left", StringComparison.Ordinal));
            }
            db.Script("ROLLBACK");
        }
        using Sqlite left = Server.Storage.Sqlite.Open(Path.Combine(Dir, "left.db"));
        Assert.Equal(1, left.SchemaVersion);
        Migrations.Apply(left, ["", "CREATE TABLE b (n BIGINT);", "CREATE TABLE c (n BIGINT); INSERT INTO b VALUES (3)"]);
        Assert.Equal(3, left.SchemaVersion);
        Assert.Throws<DatabaseException>(() => Migrations.Apply(left, [""]));
    }
}
