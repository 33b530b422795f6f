using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>
/// What is ready is warm: whoever comes first makes the runtime load nothing. An assembly that is wanted when there is no descriptor left
/// is never loaded afterwards either.
/// </summary>
public sealed class ColdStartTests
{
    [Fact]
#pragma warning disable CA5359 // the certificate was made a moment ago, by this test
    public async Task After_ready_nothing_is_loaded()
    {
        var stop = TestContext.Current.CancellationToken;
        using var media = new TempFolder();
        Directory.CreateDirectory(media["film"]);
        await File.WriteAllBytesAsync(media["film/small.ts"], new byte[1000], stop);
        await File.WriteAllBytesAsync(media["film/large.ts"], new byte[300_000], stop);
        await File.WriteAllBytesAsync(media["film/enc.key"], new byte[16], stop);
        await File.WriteAllTextAsync(media["film/index.m3u8"], "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-KEY:METHOD=AES-128,URI=\"enc.key\"\n"
            + string.Concat(Enumerable.Repeat("#EXTINF:4,\nlarge.ts\n", 100)) + "#EXT-X-ENDLIST\n", stop);
        (await Tool.Run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", media["k.pem"], "-out", media["c.pem"], "-days", "2",
            "-subj", "/CN=localhost"], TimeSpan.FromSeconds(20))).MustSucceed();
        var tls = FreePort.Next();
        await using var server = await ServerProcess.Start(media.Path, $"--tls.port={tls}", $"--tls.certificate={media["c.pem"]}",
            $"--tls.key={media["k.pem"]}", "--auth.admin_password=correct horse battery");
        var before = Loaded(server);
        Assert.True(before.Count > 50, $"only {before.Count} are loaded");
        // Nobody has been here yet, as far as anything tells that is kept.
        Assert.Empty(await File.ReadAllTextAsync(Path.Combine(server.LogFolder, "access.log"), stop));
        Assert.DoesNotContain("refused", await File.ReadAllTextAsync(Path.Combine(server.LogFolder, "audit.log"), stop), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(server.DataFolder, ".rehearsal")));

        var login = await server.Http.PostAsJsonAsync("/login", new { username = "admin", password = "correct horse battery" }, stop);
        var token = (await login.Content.ReadFromJsonAsync<JsonElement>(stop)).GetProperty("access_token").GetString();
        using var stats = new HttpRequestMessage(HttpMethod.Get, "/stats") { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };
        var counted = await (await server.Http.SendAsync(stats, stop)).Content.ReadFromJsonAsync<JsonElement>(stop);
        Assert.Equal(1, counted.GetProperty("requests").GetProperty("total").GetInt64());
        Assert.Equal(0, counted.GetProperty("sessions").GetProperty("opened").GetInt64());
        Assert.Equal(0, counted.GetProperty("traffic").GetProperty("body_bytes").GetInt64());

        using var secure = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } })
        {
            BaseAddress = new Uri($"https://localhost:{tls}"),
        };
        foreach (var client in (HttpClient[])[server.Http, secure])
        {
            foreach (var version in (Version[])[HttpVersion.Version11, HttpVersion.Version20])
            {
                if (version == HttpVersion.Version20 && client != secure)
                    continue;
                await VisitAsync(client, version, token!, stop);
            }
        }
        var entry = await server.Http.GetStringAsync(ServerProcess.Sign("/film/index.m3u8").InQuery, stop);
        Assert.Equal(300_000, (await server.Http.GetByteArrayAsync(entry.Split('\n').First(l => l.EndsWith("large.ts", StringComparison.Ordinal)), stop)).Length);

        Assert.Empty(Loaded(server).Except(before));
    }

#pragma warning restore CA5359

    static async Task VisitAsync(HttpClient client, Version version, string token, CancellationToken stop)
    {
        foreach (var file in (string[])["small.ts", "large.ts", "enc.key", "index.m3u8", "none.ts"])
        {
            var link = ServerProcess.Sign("/film/" + file);
            foreach (var target in (string[])[link.InQuery, link.InPath, link.InQuery.Replace("token=", "token=x", StringComparison.Ordinal), link.Path])
            {
                foreach (var (method, name, value) in ((HttpMethod, string, string)[])[(HttpMethod.Get, "X-None", "1"), (HttpMethod.Head, "X-None", "1"),
                    (HttpMethod.Get, "Range", "bytes=1-99"), (HttpMethod.Get, "Range", "bytes=999999-"), (HttpMethod.Get, "Accept-Encoding", "gzip"),
                    (HttpMethod.Get, "If-None-Match", "\"a\""), (HttpMethod.Post, "X-None", "1"), (HttpMethod.Options, "Origin", "http://x")])
                {
                    await AskAsync(client, version, method, target, name, value, stop);
                }
            }
        }
        foreach (var page in (string[])["/", "/health", "/health/live", "/health/ready", "/stats", "/monitor", "/api/v1/config", "/api/v1/me", "/api/v1/none",
            "/login", "/refresh", "/logout", "/monitor/console.js", "/metrics", "/a%2e%2e/b",
            "/watch/live/cam", ServerProcess.Sign("/watch/live/cam", scope: "/live/cam").InQuery])
        {
            foreach (var bearer in (string[])["x.y.z", token])
            {
                await AskAsync(client, version, HttpMethod.Get, page, "Authorization", "Bearer " + bearer, stop);
                if (page != "/logout")
                    await AskAsync(client, version, HttpMethod.Post, page, "Authorization", "Bearer " + bearer, stop);
                await AskAsync(client, version, HttpMethod.Delete, page, "Authorization", "Bearer " + bearer, stop);
            }
        }
        await client.PostAsJsonAsync("/login", new { username = "admin", password = "wrong" }, stop);
        await client.PostAsJsonAsync("/login", new { once = "wrong" }, stop);
    }

    static async Task AskAsync(HttpClient client, Version version, HttpMethod method, string target, string header, string value, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(method, target) { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.TryAddWithoutValidation(header, value);
        using var answer = await client.SendAsync(request, stop);
        await answer.Content.ReadAsByteArrayAsync(stop);
    }

    static HashSet<string> Loaded(ServerProcess server) => [.. File.ReadLines($"/proc/{server.Process.Id}/maps")
        .Where(l => l.Contains('/', StringComparison.Ordinal)).Select(l => l[l.IndexOf('/', StringComparison.Ordinal)..])
        .Where(f => f.Contains(".dll", StringComparison.Ordinal) || f.Contains(".so", StringComparison.Ordinal))];
}
