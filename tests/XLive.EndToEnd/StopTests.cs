using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>What an operator meets: signals, exit codes, the first sign-in. docs/operating.md says the same.</summary>
public sealed class StopTests : IDisposable
{
    readonly TempFolder _films = new();

    public void Dispose() => _films.Dispose();

    [Fact]
    public async Task The_first_signal_lets_transfers_end_and_the_exit_code_is_0()
    {
        var bytes = await Write("film.ts", 16 << 20);
        await using var server = await ServerProcess.Start(_films.Path);
        using var response = await Get(server, "/film.ts");
        await using var body = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        var received = new MemoryStream();
        await Take(body, received, 1 << 20);
        var stopped = server.Stop();
        await Task.Delay(500, TestContext.Current.CancellationToken);
        Assert.False(stopped.IsCompleted);
        // Balancers see it, and the port stays open for those who come all the same.
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await server.Http.GetAsync("/health/ready", TestContext.Current.CancellationToken)).StatusCode);
        await Take(body, received, int.MaxValue);
        Assert.Equal(bytes, received.ToArray());
        Assert.Equal(0, await stopped);
    }

    [Fact]
    public async Task Who_does_not_end_is_waited_for_no_longer_than_the_drain_timeout()
    {
        await Write("film.ts", 64 << 20);
        await using var server = await ServerProcess.Start(_films.Path, "--server.drain_timeout=1s");
        using var response = await Get(server, "/film.ts");
        var began = Stopwatch.StartNew();
        Assert.Equal(0, await server.Stop());
        Assert.InRange(began.Elapsed, TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_second_signal_ends_it_at_once()
    {
        await Write("film.ts", 64 << 20);
        await using var server = await ServerProcess.Start(_films.Path);
        using var response = await Get(server, "/film.ts");
        Tool.Signal(server.Process, Tool.SigTerm);
        await Task.Delay(500, TestContext.Current.CancellationToken);
        Assert.False(server.Process.HasExited);
        Tool.Signal(server.Process, Tool.SigTerm);
        Assert.True(await Tool.Ends(server.Process, TimeSpan.FromSeconds(5)));
        Assert.Equal(1, server.Process.ExitCode);
    }

    [Fact]
    public async Task Exit_codes_say_what_was_wrong()
    {
        await using var server = await ServerProcess.Start(_films.Path);
        using var folder = new TempFolder();
        async Task<ToolResult> Start(params string[] options) => await Tool.Run(Repository.Server, ["--server.port=0", "--hls.port=0", "--rtmp.port=0",
            $"--backend.filesystem.root={_films.Path}", $"--data.dir={folder["data"]}", $"--log.dir={folder["logs"]}", .. options], TimeSpan.FromSeconds(30), folder.Path);

        var inUse = await Start($"--data.dir={server.DataFolder}");
        Assert.Equal(1, inUse.ExitCode);
        Assert.Contains($"process {server.Process.Id}", inUse.Errors, StringComparison.Ordinal);
        var misspelt = await Start("--server.prot=1");
        Assert.Equal(2, misspelt.ExitCode);
        Assert.Contains("--server.port", misspelt.Errors, StringComparison.Ordinal);
        var taken = await Start($"--hls.port={server.Port}");
        Assert.Equal(3, taken.ExitCode);
        Assert.StartsWith("hls.port:", taken.Errors.Trim(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_admin_signs_in_and_sees_the_figures()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var server = await ServerProcess.Start(_films.Path, "--auth.admin_password=a-long-enough-one");
        Assert.Equal(HttpStatusCode.Unauthorized, (await server.Http.GetAsync("/stats", stop)).StatusCode);
        using var login = await server.Http.PostAsJsonAsync("/login", new { username = "admin", password = "a-long-enough-one" }, stop);
        var token = (await login.Content.ReadFromJsonAsync<JsonElement>(stop)).GetProperty("access_token").GetString();
        async Task<JsonElement> Read(string path)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            using var response = await server.Http.SendAsync(request, stop);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            return await response.Content.ReadFromJsonAsync<JsonElement>(stop);
        }
        foreach (var part in (string[])["requests", "connections", "traffic", "sessions", "files", "logs_dropped"])
        {
            Assert.Equal(JsonValueKind.Object, (await Read("/stats")).GetProperty(part).ValueKind);
        }
        Assert.Equal(["clock", "connections", "cpu", "data", "database", "descriptors", "disk", "hooks", "live", "logs", "loops", "media", "memory", "reports", "segments", "sessions", "traffic"],
            (await Read("/health")).GetProperty("checks").EnumerateArray().Select(check => check.GetProperty("name").GetString()).Order());
        Assert.Contains((await Read("/api/v1/config")).GetProperty("settings").EnumerateArray(), key => key.GetProperty("key").GetString() == "server.port"
            && key.GetProperty("source").GetString() == "command line");
    }

    async Task<byte[]> Write(string name, int length)
    {
        var bytes = new byte[length];
        Random.Shared.NextBytes(bytes);
        await File.WriteAllBytesAsync(_films[name], bytes, TestContext.Current.CancellationToken);
        return bytes;
    }

    static Task<HttpResponseMessage> Get(ServerProcess server, string path) =>
        server.Http.GetAsync(ServerProcess.Sign(path, scope: path).InQuery, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

    static async Task Take(Stream from, MemoryStream into, int most)
    {
        var buffer = new byte[64 << 10];
        for (int got, left = most; left > 0 && (got = await from.ReadAsync(buffer.AsMemory(0, Math.Min(left, buffer.Length)), TestContext.Current.CancellationToken)) > 0; left -= got)
        {
            into.Write(buffer, 0, got);
        }
    }
}
