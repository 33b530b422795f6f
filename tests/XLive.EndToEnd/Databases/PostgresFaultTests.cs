using System.Net;
using Npgsql;
using XLive.EndToEnd.Harness;
using XLive.Server.Storage;
using XLive.Server.Tests.Storage;

namespace XLive.EndToEnd.Databases;

/// <summary>PostgreSQL goes and comes back in every way it has. Viewers hear nothing of it, operators are told when to come again.</summary>
public sealed class PostgresFaultTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly PostgresServer _postgres = new();

    public void Dispose()
    {
        _postgres.Dispose();
        _folder.Dispose();
    }

    private Task<ServerProcess> Start(string url) => ServerProcess.Start(Operator.MediaIn(_folder), null, [.. Operator.Options, "--database.url=" + url]);

    [Fact]
    public async Task It_is_down_when_the_server_starts_and_joined_when_it_comes()
    {
        string url = _postgres.NewDatabase();
        _postgres.Stop();
        await using ServerProcess server = await Start(url);
        Assert.Contains("Warning:      the database is away, films play all the same: PostgreSQL cannot be reached", server.Output, StringComparison.Ordinal);
        using Operator op = new(server, "/film/a.ts");
        op.Play();
        using (HttpResponseMessage refused = await op.Knock())
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            await Operator.IsProblem(refused);
        }
        await op.HealthBecomes("degraded", "", TimeSpan.FromSeconds(5));
        _postgres.Start();
        await op.ComesBack(TimeSpan.FromSeconds(8));
        await op.HealthBecomes("healthy", "PostgreSQL 1", TimeSpan.FromSeconds(5));
        await op.PlayedOn();
    }

    [Theory]
    [InlineData(PostgresServer.SigInt)]
    [InlineData(PostgresServer.SigQuit)]
    [InlineData(PostgresServer.SigKill)]
    public async Task It_is_stopped_and_another_stands_in_its_place(int signal)
    {
        await using ServerProcess server = await Start(_postgres.NewDatabase());
        using Operator op = new(server, "/film/a.ts");
        await op.SignIn();
        op.Play();
        _postgres.Stop(signal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await op.Refresh());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await op.Refresh());
        await op.HealthBecomes("degraded", "PostgreSQL", TimeSpan.FromSeconds(6)); // told to one who signed in before
        _postgres.Start();
        await op.ComesBack(TimeSpan.FromSeconds(8));
        Assert.Equal(HttpStatusCode.OK, await op.Refresh());
        await op.PlayedOn();
        Assert.InRange(server.Output.Split('\n').Count(l => l.Contains("database", StringComparison.Ordinal)), 2, 12);
    }

    [Fact]
    public async Task It_stands_still()
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        await using ServerProcess server = await Start(_postgres.Url(PostgresServer.NameOf(_postgres.NewDatabase())));
        using Operator op = new(server, "/film/a.ts");
        await op.SignIn();
        int threads = server.Process.Threads.Count;
        op.Play();
        _postgres.Signal(PostgresServer.SigStop);
        Task<HttpResponseMessage>[] crowd = [.. Enumerable.Range(0, 100).Select(_ => server.Http.PostAsync("/refresh", new StringContent("""{"refresh_token":"x"}""", System.Text.Encoding.UTF8, "application/json"), stop))];
        HttpResponseMessage[] answers = await Task.WhenAll(crowd).WaitAsync(TimeSpan.FromSeconds(50), stop);
        Assert.All(answers, a => Assert.Equal(HttpStatusCode.ServiceUnavailable, a.StatusCode));
        server.Process.Refresh();
        Assert.InRange(server.Process.Threads.Count, 1, threads + 50);
        await op.PlayedOn();
        _postgres.Signal(PostgresServer.SigCont);
        await op.ComesBack(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Others_have_taken_all_of_its_connections()
    {
        string url = _postgres.NewDatabase();
        await using ServerProcess server = await Start(url);
        using Operator op = new(server, "/film/a.ts");
        await op.SignIn();
        op.Play();
        List<NpgsqlConnection> others = [];
        try
        {
            _postgres.Execute("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'xlive'");
            try
            {
                while (true)
                {
                    NpgsqlConnection other = new(new NpgsqlConnectionStringBuilder(PostgresUrl.Parse(url).Settings().ConnectionString) { Pooling = false }.ConnectionString);
                    others.Add(other);
                    await other.OpenAsync(TestContext.Current.CancellationToken);
                }
            }
            catch (PostgresException full)
            {
                Assert.Equal("53300", full.SqlState);
            }
            for (int i = 0; i < 3; i++)
            {
                Assert.Equal(HttpStatusCode.ServiceUnavailable, await op.Refresh());
            }
            await op.HealthBecomes("degraded", "", TimeSpan.FromSeconds(6));
        }
        finally
        {
            others.ForEach(o => o.Dispose());
        }
        await op.ComesBack(TimeSpan.FromSeconds(8));
        await op.PlayedOn();
    }

    [Fact]
    public async Task A_refused_password_and_a_newer_schema_are_said_in_words()
    {
        string url = _postgres.NewDatabase();
        string name = PostgresServer.NameOf(url);
        _postgres.Execute("postgres", $"CREATE ROLE keeper LOGIN PASSWORD 'right'; ALTER DATABASE {name} OWNER TO keeper");
        _postgres.Execute(name, "CREATE TABLE schema_version (version BIGINT NOT NULL); INSERT INTO schema_version VALUES (99)");
        await using (ServerProcess refused = await Start(_postgres.Url(name, "keeper:wr%6Fng-SECRET")))
        {
            Assert.Contains("password authentication failed for user \"keeper\"", refused.Output, StringComparison.Ordinal);
            using Operator op = new(refused, "/film/a.ts");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await op.Knock()).StatusCode);
            Assert.DoesNotContain("SECRET", refused.Output + string.Concat(Directory.GetFiles(refused.LogFolder).Select(File.ReadAllText)), StringComparison.Ordinal);
        }
        await using ServerProcess newer = await Start(_postgres.Url(name, "xlive"));
        Assert.Contains("the database is of a newer XLive (schema 99, this one knows ", newer.Output, StringComparison.Ordinal);
        using Operator other = new(newer, "/film/a.ts");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await other.Knock()).StatusCode);
        _postgres.Execute(name, "DROP TABLE schema_version");
        await other.ComesBack(TimeSpan.FromSeconds(8));
    }
}
