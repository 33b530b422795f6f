using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using XLive.EndToEnd.Harness;
using XLive.Server.Tests.Storage;
using YamlDotNet.Serialization;

namespace XLive.EndToEnd.Packages;

/// <summary>What can be looked at of the Dockerfile and compose.yaml without Docker; ./package try does the Dockerfile's steps.</summary>
public sealed class DockerTests
{
    static readonly string Folder = Path.Combine(Repository.Root, "packaging/docker");

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Its_health_check_tells_a_server_that_answers_from_none()
    {
        var step = (await File.ReadAllLinesAsync(Path.Combine(Folder, "Dockerfile"), Stop)).Single(line => line.TrimStart().StartsWith("CMD [", StringComparison.Ordinal));
        var check = JsonSerializer.Deserialize<string[]>(step[step.IndexOf('[', StringComparison.Ordinal)..])!;
        async Task<int> Check(int port) => (await Tool.Run("env", [$"XLIVE_SERVER_PORT={port}", .. check], TimeSpan.FromSeconds(20))).ExitCode;
        var closed = FreePort.Next();
        Assert.NotEqual(0, await Check(closed));
        await using (var server = await ServerProcess.Start((await Film.Get()).Root))
        {
            Assert.Equal(0, await Check(server.Port));
        }
        // Something else at the port, or a server that says no.
        using var other = new TcpListener(System.Net.IPAddress.Loopback, closed);
        other.Start();
        var answering = Task.Run(async () =>
        {
            using var client = await other.AcceptTcpClientAsync(Stop);
            await client.GetStream().WriteAsync("HTTP/1.1 503 Service Unavailable\r\n\r\n"u8.ToArray(), Stop);
        }, Stop);
        Assert.NotEqual(0, await Check(closed));
        await answering;
    }

    [Fact]
    public async Task The_services_of_compose_are_well_together()
    {
        using var folder = new TempFolder();
        using var postgres = new PostgresServer();
        var port = FreePort.Next();
        using var redis = Process.Start(new ProcessStartInfo("redis-server", ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--dir", folder.Path]) { RedirectStandardOutput = true })!;
        _ = redis.StandardOutput.ReadToEndAsync(Stop);
        try
        {
            var environment = new Dictionary<string, string>();
            foreach (var (name, value) in Service("xlive")["environment"] as IDictionary<object, object> ?? throw new InvalidDataException("no environment"))
            {
                environment[(string)name] = ((string)value).Replace("/run/secrets", folder.Path, StringComparison.Ordinal)
                    .Replace("//redis:6379", $"//127.0.0.1:{port}", StringComparison.Ordinal).Replace("/srv/films", folder["films"], StringComparison.Ordinal);
            }
            Directory.CreateDirectory(folder["films"]);
            await File.WriteAllTextAsync(folder["database_url"], postgres.NewDatabase(), Stop);
            await File.WriteAllTextAsync(folder["server_secret"], (await Tool.Run("openssl", ["rand", "-hex", "24"], TimeSpan.FromSeconds(20))).MustSucceed().Output, Stop);
            await using var server = await ServerProcess.Start(folder["films"], null, ["--auth.enable=false"], new(Environment: environment));
            // There is one where no setting has the name of a variable.
            Assert.DoesNotContain(server.Output.Split('\n'), line => line.StartsWith("Warning:", StringComparison.Ordinal) && line.Contains("XLIVE_", StringComparison.Ordinal));
            var waited = Stopwatch.StartNew();
            string health;
            while (!(health = await server.Http.GetStringAsync("/health", Stop)).Contains("\"status\":\"healthy\"", StringComparison.Ordinal) || !health.Contains("edis", StringComparison.Ordinal))
            {
                Assert.True(waited.Elapsed < TimeSpan.FromSeconds(30), health);
                await Task.Delay(100, Stop);
            }
            Assert.Contains("PostgreSQL", health, StringComparison.Ordinal);
            Assert.Equal(0, await server.Stop());
        }
        finally
        {
            await Tool.Stop(redis, TimeSpan.FromSeconds(10));
        }
    }

    [Fact]
    public void What_compose_takes_from_it_it_takes()
    {
        var xlive = Service("xlive");
        Assert.Equal("true", xlive["read_only"]);
        Assert.Contains("ALL", (List<object>)xlive["cap_drop"]);
        Assert.Contains("no-new-privileges:true", (List<object>)xlive["security_opt"]);
        // Each secret that is used is made by the lines at its top.
        var text = File.ReadAllText(Path.Combine(Folder, "compose.yaml"));
        Assert.All((List<object>)xlive["secrets"], secret => Assert.Contains($"{secret}", text.Split("services:")[0], StringComparison.Ordinal));
    }

    static Dictionary<object, object> Service(string name)
    {
        var whole = new DeserializerBuilder().Build().Deserialize<Dictionary<string, object>>(File.ReadAllText(Path.Combine(Folder, "compose.yaml")));
        return (Dictionary<object, object>)((Dictionary<object, object>)whole["services"])[name];
    }
}
