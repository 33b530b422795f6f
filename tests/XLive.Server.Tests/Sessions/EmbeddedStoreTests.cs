using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Sessions;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Telemetry;

namespace XLive.Server.Tests.Sessions;

/// <summary>data.dir/sessions.db: what it brings back, and what becomes of a server whose file is gone, torn or unwritable.</summary>
public sealed class EmbeddedStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xlive-gate-").FullName;
    private readonly StoppedClock _clock = new();

    private string File => Path.Combine(_folder, "data", "sessions.db");

    private Task<SessionApi> Start() => SessionApi.StartAsync(folder: _folder, clock: _clock);

    [Fact]
    public async Task A_session_goes_on_after_a_restart_with_all_that_is_known_of_it()
    {
        string path, before;
        await using (var api = await Start())
        {
            path = await api.Server.SessionPath(api.Server.Link(Films.Master), "User-Agent: VLC/3.0");
            await api.Server.Get(path + Films.Segment);
            await SessionApi.Eventually(async () => (await api.Sessions())[0].GetProperty("bytes").GetInt64() > 2048, "its bytes");
            before = Facts((await api.Sessions()).Single());
        }
        _clock.Pass(TimeSpan.FromSeconds(20));
        await using var after = await Start();
        Assert.Equal(before, Facts((await after.Sessions()).Single()));
        await after.Server.Get(path + Films.Segment);
        await SessionApi.Eventually(async () => (await after.Sessions())[0].GetProperty("bytes").GetInt64() > 4096, "its bytes go on");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));

        static string Facts(System.Text.Json.JsonElement session) => string.Join(' ', ((string[])["sid", "uid", "address", "client", "user_agent", "path", "opened_at", "last_seen", "bytes"])
            .Select(n => session.GetProperty(n).ToString()));
    }

    [Fact]
    public async Task Sessions_are_on_disk_within_seconds_without_a_stop()
    {
        await using var api = await Start();
        await api.Server.SessionPath(api.Server.Link(Films.Master));
        await SessionApi.Eventually(() => Task.Run(() =>
        {
            using var other = Storage.SqliteReader.Open(File);
            return other.Count("sessions") == 1;
        }), "a row");
        _clock.Pass(TimeSpan.FromSeconds(601));
        await SessionApi.Eventually(() => Task.Run(() =>
        {
            using var other = Storage.SqliteReader.Open(File);
            return other.Count("sessions") == 0;
        }), "the idle one's row is gone");
    }

    [Fact]
    public async Task A_revocation_is_on_disk_before_the_answer()
    {
        await using var api = await Start();
        await api.Revoke("""{"uid": "u1"}""");
        using (var other = Storage.SqliteReader.Open(File))
            Assert.Equal(1, other.Count("revocations"));
    }

    [Theory]
    [InlineData("zeros")]
    [InlineData("noise")]
    [InlineData("short")]
    [InlineData("page")]
    public async Task A_damaged_file_is_named_set_aside_and_harms_nobody(string damage)
    {
        string path;
        await using (var api = await Start())
        {
            path = await api.Server.SessionPath(api.Server.Link(Films.Master));
            for (var i = 0; i < 300; i++)
                await api.Server.Get(api.Server.Link(Films.Segment, "someone with a long name so that pages fill " + i));
            await api.Revoke("""{"uid": "u2"}""");
        }
        Damage(damage);
        await using var after = await Start();
        Assert.Equal("200", await after.Server.Verdict(path + Films.Segment));
        var aside = Assert.Single(Directory.GetFiles(Path.GetDirectoryName(File)!, "sessions.db.damaged-*"), f => !f.EndsWith("-wal", StringComparison.Ordinal) && !f.EndsWith("-shm", StringComparison.Ordinal));
        Assert.Contains(after.Server.LogLines("xlive.log"), l => l.Contains("sessions.db is damaged", StringComparison.Ordinal) && l.Contains(aside, StringComparison.Ordinal));
        // What can still be read of revocations holds on.
        if (damage == "page")
            Assert.Equal("403 revoked", await after.Server.Verdict(after.Server.Link(Films.Master, "u2")));
        // And from here on all is kept again.
        await after.Revoke("""{"uid": "u3"}""");
        Assert.Equal("healthy", (await after.Get("/stats")).GetProperty("sessions").GetProperty("store").GetProperty("state").GetString());
    }

    private void Damage(string how)
    {
        using var file = System.IO.File.Open(File, FileMode.Open);
        var bytes = new byte[4096];
        switch (how)
        {
            case "zeros":
                file.Write(new byte[100]);
                break;
            case "noise":
                new Random(1).NextBytes(bytes);
                file.Write(bytes);
                break;
            case "short":
                file.SetLength(file.Length - 4096 - 100);
                break;
            default:
                // The last page is a leaf of the largest table, which is the one of sessions.
                new Random(1).NextBytes(bytes);
                file.Position = file.Length - 4096;
                file.Write(bytes);
                break;
        }
    }

    [Fact]
    public async Task A_file_that_cannot_be_opened_leaves_the_server_degraded_and_playing_and_is_opened_when_it_can_be()
    {
        Directory.CreateDirectory(File);
        await using var api = await Start();
        var server = api.Server;
        var path = await server.SessionPath(server.Link(Films.Master));
        var revocation = SessionApi.Json(await api.Post("/api/v1/revocations", """{"uid": "u2"}"""), 201);
        Assert.False(revocation.GetProperty("stored").GetBoolean());
        Assert.Equal("403 revoked", await server.Verdict(server.Link(Films.Master, "u2")));
        Assert.Equal("200", await server.Verdict(path + Films.Segment));
        var store = (await api.Get("/stats")).GetProperty("sessions").GetProperty("store");
        Assert.Equal("degraded", store.GetProperty("state").GetString());
        Assert.StartsWith("sessions.db: ", store.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Directory.Delete(File);
        // The pause after a failure is one of the injected clock.
        await SessionApi.Eventually(() => Task.Run(() =>
        {
            _clock.Pass(TimeSpan.FromSeconds(1));
            return !server.Services.GetRequiredService<ISessionStore>().Status.IsDegraded;
        }), "stored again");
        await SessionApi.Eventually(() => Task.Run(() =>
        {
            using var other = Storage.SqliteReader.Open(File);
            return other.Count("revocations") == 1 && other.Count("sessions") == 1;
        }), "what was revoked meanwhile is kept now");
    }

    [Fact]
    public async Task What_is_revoked_and_lifted_while_the_file_takes_no_writes_stands_in_it_afterwards()
    {
        await using (var api = await Start())
        {
            var server = api.Server;
            var before = await api.Revoke("""{"uid": "u1"}""");
            // As a disk that fails does it to each write, and undone as quickly.
            using (var other = Server.Storage.Sqlite.Open(File))
                other.Script("CREATE TRIGGER no_writes BEFORE INSERT ON revocations BEGIN SELECT RAISE(ABORT, 'no'); END; CREATE TRIGGER no_lifts BEFORE DELETE ON revocations BEGIN SELECT RAISE(ABORT, 'no'); END");
            Assert.False(SessionApi.Json(await api.Post("/api/v1/revocations", """{"uid": "u2"}"""), 201).GetProperty("stored").GetBoolean());
            SessionApi.Json(await api.Ask("DELETE", "/api/v1/revocations/" + before), 200);
            Assert.True(server.Services.GetRequiredService<ISessionStore>().Status.IsDegraded);
            using (var other = Server.Storage.Sqlite.Open(File))
                other.Script("DROP TRIGGER no_writes; DROP TRIGGER no_lifts");
            await SessionApi.Eventually(() => Task.Run(() =>
            {
                _clock.Pass(TimeSpan.FromSeconds(1));
                return !server.Services.GetRequiredService<ISessionStore>().Status.IsDegraded;
            }), "stored again");
        }
        await using var after = await Start();
        Assert.Equal("200", await after.Server.Verdict(after.Server.Link(Films.Master, "u1")));
        Assert.Equal("403 revoked", await after.Server.Verdict(after.Server.Link(Films.Master, "u2")));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
