using System.Diagnostics;
using System.Net;
using XLive.EndToEnd.Harness;
using XLive.Server.Storage;

namespace XLive.EndToEnd.Databases;

/// <summary>What can happen to xlive.db and the disk below it.</summary>
public sealed class SqliteFaultTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string DatabaseFile => Path.Combine(_folder["data"], "xlive.db");

    private Task<ServerProcess> Start(params string[] options) =>
        ServerProcess.Start(Operator.MediaIn(_folder), _folder, [.. Operator.Options, .. options]);

    [Fact]
    public async Task Another_process_holds_it()
    {
        await using ServerProcess server = await Start();
        using Operator op = new(server, "/film/a.ts");
        await op.SignIn();
        op.Play();
        using (Sqlite other = Sqlite.Open(DatabaseFile))
        {
            other.Execute("BEGIN IMMEDIATE");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, await op.Refresh());
            await op.HealthBecomes("healthy", "SQLite", TimeSpan.FromSeconds(8)); // it can be read
            other.Execute("ROLLBACK");
        }
        Assert.Equal(HttpStatusCode.OK, await op.Refresh());
        await op.PlayedOn();
    }

    [Fact]
    public async Task Another_process_holds_it_when_the_server_starts()
    {
        Directory.CreateDirectory(_folder["data"]);
        using (Sqlite other = Sqlite.Open(DatabaseFile))
        {
            other.Execute("BEGIN IMMEDIATE");
            await using ServerProcess server = await Start();
            Assert.Contains("Warning:      the database is away, films play all the same: SQLite 5, database is locked", server.Output, StringComparison.Ordinal);
            using Operator op = new(server, "/film/a.ts");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await op.Knock()).StatusCode);
            op.Play();
            other.Execute("ROLLBACK");
            await op.ComesBack(TimeSpan.FromSeconds(8));
            await op.PlayedOn();
        }
    }

    [Theory]
    [InlineData("head", "file is not a database")]
    [InlineData("schema", "malformed")]
    [InlineData("table", "malformed")]
    public async Task It_is_damaged(string where, string says)
    {
        Directory.CreateDirectory(_folder["data"]);
        using (Sqlite db = Sqlite.Open(DatabaseFile))
        {
            Migrations.Apply(db);
            for (int i = 0; i < 200; i++)
            {
                db.Execute("INSERT INTO users (name, permissions, created) VALUES ($1, 1, 0)", $"user{i}");
            }
        }
        byte[] bytes = await File.ReadAllBytesAsync(DatabaseFile, TestContext.Current.CancellationToken);
        int page = 256 * bytes[16] + bytes[17];
        switch (where)
        {
            case "head":
                bytes.AsSpan(0, 16).Fill((byte)'x');
                break;
            case "schema":
                bytes.AsSpan(100, page - 100).Fill(0xff);
                break;
            default:
                bytes.AsSpan(page).Fill(0xff);
                break;
        }
        await File.WriteAllBytesAsync(DatabaseFile, bytes, TestContext.Current.CancellationToken);
        InvalidOperationException ended = await Assert.ThrowsAsync<InvalidOperationException>(() => Start());
        Assert.Contains("ended with 1", ended.Message, StringComparison.Ordinal);
        string line = Assert.Single(ended.Message.Split('\n'), l => l.StartsWith("data.dir: ", StringComparison.Ordinal));
        Assert.Contains(DatabaseFile + " is damaged", line, StringComparison.Ordinal);
        Assert.Contains(says, line, StringComparison.Ordinal);
        Assert.Contains("put a backup in its place", line, StringComparison.Ordinal);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(DatabaseFile, TestContext.Current.CancellationToken));
        // What it says to do, done.
        foreach (string file in Directory.GetFiles(_folder["data"], "xlive.db*"))
        {
            File.Delete(file);
        }
        await using ServerProcess server = await Start();
        using Operator op = new(server, "/film/a.ts");
        await op.SignIn();
    }

    [Fact]
    public async Task It_is_of_a_newer_version()
    {
        Directory.CreateDirectory(_folder["data"]);
        using (Sqlite db = Sqlite.Open(DatabaseFile))
        {
            db.Script("PRAGMA user_version = 99");
        }
        InvalidOperationException ended = await Assert.ThrowsAsync<InvalidOperationException>(() => Start());
        Assert.Contains("ended with 1", ended.Message, StringComparison.Ordinal);
        Assert.Contains("newer XLive (schema 99", ended.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Its_log_has_grown_behind_a_reader_that_stayed()
    {
        await using ServerProcess server = await Start();
        using Operator op = new(server, "/film/a.ts");
        await op.SignIn();
        string log = DatabaseFile + "-wal";
        using (Sqlite reader = Sqlite.Open(DatabaseFile))
        using (Sqlite writer = Sqlite.Open(DatabaseFile))
        {
            writer.Script("CREATE TABLE bulk (n BIGINT, b BLOB)");
            reader.Script("BEGIN");
            reader.First("SELECT COUNT(*) FROM bulk", static row => row.Int64(0));
            for (int i = 0; i < 8; i++)
            {
                writer.Execute("INSERT INTO bulk (n, b) VALUES ($1, randomblob(8000000))", i);
            }
            Assert.InRange(new FileInfo(log).Length, 60_000_000, long.MaxValue);
            Assert.Equal(HttpStatusCode.OK, await op.Refresh());
            reader.Script("COMMIT");
            writer.Execute("DELETE FROM bulk");
        }
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.OK, await op.Refresh());
        }
        Assert.InRange(new FileInfo(log).Length, 0, 20 << 20);
    }

    [Fact]
    public async Task The_disk_is_full_and_has_room_again()
    {
        const int cycles = 20;
        CancellationToken stop = TestContext.Current.CancellationToken;
        await using Tmpfs disk = await Tmpfs.Mount(_folder["data"], "24m");
        await using ServerProcess server = await Start();
        using Operator op = new(server, "/film/a.ts");
        await op.SignIn();
        op.Play();
        string filler = Path.Combine(_folder["data"], "filler");
        for (int cycle = 0; cycle < cycles; cycle++)
        {
            await disk.Fill(filler);
            HttpStatusCode said = HttpStatusCode.OK;
            // The log's file has some room of its own yet.
            for (int i = 0; i < 600 && said == HttpStatusCode.OK; i++)
            {
                said = await op.Refresh();
            }
            Assert.Equal(HttpStatusCode.InsufficientStorage, said);
            File.Delete(filler);
            Stopwatch waited = Stopwatch.StartNew();
            while (await op.Refresh() != HttpStatusCode.OK)
            {
                Assert.True(waited.Elapsed < TimeSpan.FromSeconds(5));
                await Task.Delay(50, stop);
            }
        }
        await op.PlayedOn();
        using Sqlite db = Sqlite.Open(DatabaseFile);
        Assert.Equal("ok", db.First("PRAGMA integrity_check", static row => row.Text(0)));
        Assert.InRange(File.ReadAllLines(Path.Combine(server.LogFolder, "xlive.log")).Length, 1, 100);
    }
}
