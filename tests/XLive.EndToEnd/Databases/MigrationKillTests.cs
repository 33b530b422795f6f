using System.Globalization;
using XLive.EndToEnd.Harness;
using XLive.Server.Storage;
using XLive.Server.Tests.Storage;

namespace XLive.EndToEnd.Databases;

/// <summary>
/// The first start makes the schema. strace kills the program, with SIGKILL, at the n-th call by which it does so, n = 1 to 20: each time
/// what is left is a database that the next start brings up to date.
/// </summary>
public sealed class MigrationKillTests
{
    private const int Kills = 20;

    [Fact]
    public async Task Killed_at_any_write_to_the_file_it_starts_again()
    {
        int killed = 0;
        for (int n = 1; n <= Kills; n++)
        {
            using TempFolder folder = new();
            Directory.CreateDirectory(folder["data"]);
            string file = Path.Combine(folder["data"], "xlive.db");
            killed += await Kill("pwrite64,ftruncate,fdatasync,fsync", n, ["-P", file, "-P", file + "-wal", "-P", file + "-journal"],
                ["--data.dir=" + folder["data"]]) ? 1 : 0;
            using Sqlite db = Sqlite.Open(file);
            Migrations.Apply(db);
            Assert.Equal((Schema.Steps.Count, "ok"), (db.SchemaVersion, db.First("PRAGMA integrity_check", static row => row.Text(0))));
        }
        Assert.Equal(Kills, killed);
    }

    [Fact]
    public async Task Killed_at_any_word_to_PostgreSQL_it_starts_again()
    {
        using PostgresServer postgres = new();
        int killed = 0;
        for (int n = 1; n <= Kills; n++)
        {
            using TempFolder folder = new();
            string url = postgres.NewDatabase();
            killed += await Kill("sendto,sendmsg", n, [], ["--data.dir=" + folder["data"], "--database.url=" + url]) ? 1 : 0;
            using Postgres db = Postgres.Open(PostgresUrl.Parse(url));
            Migrations.Apply(db);
            Assert.Equal(Schema.Steps.Count, db.SchemaVersion);
        }
        // There is a word or two for each statement; fewer kills than this would mean that they came after the work.
        Assert.InRange(killed, 12, Kills);
    }

    /// <summary>False when it had ended before the n-th.</summary>
    private static async Task<bool> Kill(string calls, int n, string[] paths, string[] options)
    {
        ToolResult ran = await Tool.Run("strace", ["-f", "-qq", "-o", "/dev/null", .. paths, "-e", "trace=" + calls, "-e",
            string.Create(CultureInfo.InvariantCulture, $"inject={calls}:signal=SIGKILL:when={n}"), Repository.Server, "user", "list", .. options],
            TimeSpan.FromSeconds(30));
        Assert.True(ran.ExitCode is 0 or 137, ran.ToString());
        return ran.ExitCode == 137;
    }
}
