using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>nginx with a cache in front, set up as docs/proxy-cache.md says: what it asks the server for, what viewers get and what they are charged.</summary>
[Collection(Undisturbed.Name)]
public sealed partial class ProxyCacheTests(ITestOutputHelper output)
{
    const string Password = "behind-a-cache";
    const int Viewers = 100;

    static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    static string[] Options(TempFolder folder) => [.. ProxyCache.Options(folder), $"--auth.admin_password={Password}", "--live.segment_seconds=2", "--traffic.min_bytes=1",
        "--traffic.report_interval=1s", "--traffic.accumulator_timeout=1s"];

    static Process Publish(string url) => Process.Start(new ProcessStartInfo("ffmpeg", ["-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25",
        "-f", "lavfi", "-i", "sine=f=440:r=48000", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-b:v", "300k", "-c:a", "aac", "-t", "120", "-f", "flv", url]) { RedirectStandardInput = true })!;

    static async Task<string> StreamKey(ServerProcess server) => (await Tool.Run(Repository.Server,
        ["streamkey", "add", "live/cam", $"--data.dir={server.DataFolder}", $"--rtmp.port={server.RtmpPort}"], Limit)).MustSucceed().Output.Trim();

    static string Entry(string uid) => ServerProcess.Sign("/live/cam.m3u8", uid, "/live/cam").InQuery;

    static async Task<T> Until<T>(Func<Task<T>> ask, Func<T, bool> holds, string what, TimeSpan? within = null)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var answer = await ask();
            if (holds(answer))
                return answer;
            Assert.True(clock.Elapsed < (within ?? Limit), $"{what}, but: {answer}");
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }

    static async Task<HttpClient> Admin(ServerProcess server)
    {
        var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{server.Port}"), Timeout = Limit };
        var answer = await client.PostAsJsonAsync("/login", new { username = "admin", password = Password });
        client.DefaultRequestHeaders.Authorization = new("Bearer", (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("access_token").GetString());
        return client;
    }

    /// <summary>All that each user was ever charged: what reports hold, for the test has everything reported.</summary>
    static async Task<Dictionary<string, long>> Charged(ServerProcess server) => (await Tool.Run("sqlite3",
        ["-readonly", Path.Combine(server.DataFolder, "traffic", "ledger.db"), "SELECT uid, cumulative + waiting_bytes FROM users"], Limit)).MustSucceed().Output
        .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('|')).ToDictionary(f => f[0], f => long.Parse(f[1], CultureInfo.InvariantCulture));

    static async Task<List<string>> Lines(string file)
    {
        using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return [.. (await reader.ReadToEndAsync()).Split('\n')];
    }

    /// <summary>One player of low latency: reloads that block, each part once. Its bytes are the bodies that it got.</summary>
    sealed class Viewer(HttpClient client, string uid)
    {
        public string Uid => uid;
        public long Bytes { get; private set; }
        public int Reloads { get; private set; }
        public int Parts { get; private set; }
        public string Session { get; private set; } = "";
        public string Rendition { get; private set; } = "";

        public async Task<string> Get(string target)
        {
            using var answer = await client.GetAsync(target, TestContext.Current.CancellationToken);
            Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{answer.StatusCode} {target[Math.Max(0, target.LastIndexOf('/'))..]}");
            var body = await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
            Bytes += body.Length;
            return System.Text.Encoding.Latin1.GetString(body);
        }

        public async Task Open()
        {
            var multivariant = await Get(Entry(uid));
            Rendition = multivariant.Split('\n').Single(l => l.Contains("/video.m3u8", StringComparison.Ordinal));
            Session = Rendition[..Rendition.IndexOf('/', 1)];
        }

        /// <param name="done">Asked before each reload.</param>
        public async Task Play(Func<bool> done)
        {
            var folder = Rendition[..(Rendition.LastIndexOf('/') + 1)];
            var text = await Get(Rendition);
            var seen = new HashSet<string>();
            while (!done())
            {
                var number = long.Parse(MediaSequence().Match(text).Groups[1].Value, CultureInfo.InvariantCulture) + Segment().Count(text);
                var parts = OpenPart().Matches(text[(text.LastIndexOf("#EXTINF", StringComparison.Ordinal) is >= 0 and var at ? text.IndexOf('\n', text.IndexOf('\n', at) + 1) : 0)..]);
                foreach (Match part in parts)
                {
                    if (!seen.Add(part.Groups[1].Value))
                        continue;
                    await Get(folder + part.Groups[1].Value);
                    Parts++;
                }
                text = await Get(string.Create(CultureInfo.InvariantCulture, $"{Rendition}?_HLS_msn={number}&_HLS_part={parts.Count}"));
                Reloads++;
            }
        }
    }

    [GeneratedRegex(@"#EXT-X-MEDIA-SEQUENCE:(\d+)")]
    private static partial Regex MediaSequence();

    [GeneratedRegex("^#EXTINF", RegexOptions.Multiline)]
    private static partial Regex Segment();

    [GeneratedRegex("^#EXT-X-PART:.*URI=\"([^\"]+)\"", RegexOptions.Multiline)]
    private static partial Regex OpenPart();

    [Fact]
    public async Task A_hundred_viewers_are_one_to_the_server_and_each_is_charged_what_he_got()
    {
        using var folder = new TempFolder();
        await using var server = await ServerProcess.Start(folder.Path, Options(folder));
        using var proxy = await ProxyCache.Start(folder, server.Port);
        using var publisher = Publish(await StreamKey(server));
        var clients = Enumerable.Range(0, Viewers).Select(i => proxy.Client($"127.0.1.{i + 1}")).ToList();
        try
        {
            await Until(async () => (await clients[0].GetAsync(Entry("probe"), TestContext.Current.CancellationToken)).IsSuccessStatusCode, ok => ok, "the stream is there");
            var viewers = clients.Select((c, i) => new Viewer(c, $"u{i}")).ToList();
            await Task.WhenAll(viewers.Select(v => v.Open()));
            Assert.Equal(Viewers, viewers.Select(v => v.Session).Distinct().Count());
            var clock = Stopwatch.StartNew();
            await Task.WhenAll(viewers.Select(v => v.Play(() => clock.Elapsed > TimeSpan.FromSeconds(10) && v.Parts >= 5)));
            output.WriteLine($"{viewers.Sum(v => v.Reloads)} reloads, {viewers.Sum(v => v.Parts)} parts in {clock.Elapsed.TotalSeconds:F1} s");

            // To the byte, within seconds.
            var wanted = viewers.ToDictionary(v => v.Uid, v => v.Bytes);
            var charged = await Until(() => Charged(server), c => wanted.All(w => c.GetValueOrDefault(w.Key) >= w.Value), "all bytes are in the ledger");
            Assert.All(wanted, w => Assert.Equal(w.Value, charged[w.Key]));
            // Whatever the proxy asked for by itself has no session's path: once a (msn, part), and once a part.
            var asked = (await Lines(Path.Combine(server.LogFolder, "access.log"))).Where(l => l.Contains($" {ProxyCache.Address} ", StringComparison.Ordinal) && l.Contains("\"GET /live/cam/", StringComparison.Ordinal))
                .Select(l => l.Split(' ')[3].TrimEnd('"')).ToList();
            var twice = asked.Where(t => t.Contains("_HLS_msn=", StringComparison.Ordinal) || t.EndsWith(".m4s", StringComparison.Ordinal)).GroupBy(t => t).Where(g => g.Count() > 1).ToList();
            Assert.True(asked.Count > 20, $"{asked.Count} requests for the cache");
            Assert.True(twice.Count == 0, string.Join('\n', twice.Select(g => $"{g.Count()} {g.Key}")));
            Assert.DoesNotContain("~s1.", await File.ReadAllTextAsync(ProxyCache.ByteLog(folder), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
            await Tool.Stop(publisher, TimeSpan.FromSeconds(2));
        }
    }

    static void MakeFilm(TempFolder folder)
    {
        Directory.CreateDirectory(folder["media/v/film"]);
        File.WriteAllText(folder["media/v/film/index.m3u8"], "#EXTM3U\n#EXT-X-TARGETDURATION:4\n" + string.Concat(Enumerable.Range(0, 40).Select(i => $"#EXTINF:4,\n{i}.ts\n")) + "#EXT-X-ENDLIST\n");
        File.WriteAllText(folder["media/v/film/main.m3u8"], "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000000\nindex.m3u8\n");
        for (var i = 0; i < 40; i++)
            File.WriteAllBytes(folder[$"media/v/film/{i}.ts"], new byte[10_000 + i]);
    }

    static async Task<(string Path, int Bytes)> Session(HttpClient client, string uid)
    {
        var text = await client.GetStringAsync(ServerProcess.Sign("/v/film/main.m3u8", uid).InQuery);
        var line = text.Split('\n').Single(l => l.EndsWith("/index.m3u8", StringComparison.Ordinal));
        return (line[..line.IndexOf('/', 1)], text.Length);
    }

    [Fact]
    public async Task Refusals_are_the_server_s_own_and_hold_from_the_next_request_on()
    {
        using var folder = new TempFolder();
        MakeFilm(folder);
        await using var server = await ServerProcess.Start(folder["media"], [.. Options(folder), "--sessions.max_lifetime=60s"]);
        using var proxy = await ProxyCache.Start(folder, server.Port);
        using var client = proxy.Client();
        using var admin = await Admin(server);
        var (session, _) = await Session(client, "u1");
        async Task<(int, string)> Ask(string target)
        {
            using var answer = await client.GetAsync(target, TestContext.Current.CancellationToken);
            return ((int)answer.StatusCode, (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Split('\n')[0]);
        }

        Assert.Equal(200, (await Ask(session + "/v/film/0.ts")).Item1);
        Assert.Equal((403, "403 Forbidden: outside_scope"), await Ask(session + "/v/other/0.ts"));
        Assert.Equal((401, "401 Unauthorized: wrong_token"), await Ask(session[..^2] + "/v/film/0.ts"));
        Assert.Equal((401, "401 Unauthorized: no_grant"), await Ask("/v/film/0.ts"));
        Assert.Equal(404, (await Ask(session + "/v/film/99.ts")).Item1);
        // What a viewer says of himself is nothing that the proxy says of him.
        using (var liar = new HttpRequestMessage(HttpMethod.Get, "/v/film/0.ts") { Headers = { { "X-Forwarded-For", ProxyCache.Address }, { "X-Original-URI", session + "/v/film/0.ts" } } })
            Assert.Equal(HttpStatusCode.Unauthorized, (await client.SendAsync(liar, TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(404, (await Ask("/api/v1/check")).Item1);
        Assert.Equal(404, (await Ask("/.xlive-check")).Item1);
        Assert.Equal(401, (await Ask("/stats")).Item1);

        // Both forms of a playlist, and neither for a cache behind this one.
        foreach (var (encoding, zipped) in new[] { ("gzip, br", true), ("gzip;q=0", false), ("", false) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, session + "/v/film/index.m3u8");
            if (encoding.Length > 0)
                request.Headers.TryAddWithoutValidation("Accept-Encoding", encoding);
            using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal((zipped, true), (answer.Content.Headers.ContentEncoding.Contains("gzip"), answer.Headers.CacheControl!.Private));
        }

        var sids = (await admin.GetFromJsonAsync<JsonElement>("/api/v1/sessions?uid=u1", TestContext.Current.CancellationToken)).GetProperty("sessions").EnumerateArray().Select(s => s.GetProperty("sid").GetString()!);
        foreach (var sid in sids)
            (await admin.DeleteAsync($"/api/v1/sessions/{sid}", TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
        Assert.Equal((403, "403 Forbidden: kicked"), await Ask(session + "/v/film/0.ts"));

        var (other, _) = await Session(client, "u2");
        Assert.Equal(200, (await Ask(other + "/v/film/0.ts")).Item1);
        var gone = await Until(() => Ask(other + "/v/film/0.ts"), a => a.Item1 != 200, "the grant ends after its minute", TimeSpan.FromSeconds(90));
        Assert.Equal((410, "410 Gone: expired"), gone);
    }

    [Fact]
    public async Task Rotations_and_kills_lose_no_byte_and_double_none()
    {
        using var folder = new TempFolder();
        using var data = new TempFolder();
        MakeFilm(folder);
        var server = await ServerProcess.Start(folder["media"], data, Options(folder));
        var port = server.Port;
        using var proxy = await ProxyCache.Start(folder, port);
        long got = 0;
        try
        {
            for (var round = 0; round < 3; round++)
            {
                using var client = proxy.Client();
                var (session, bytes) = await Session(client, "u1");
                got += bytes;
                for (var i = 0; i < 40; i++)
                {
                    got += (await client.GetByteArrayAsync($"{session}/v/film/{i}.ts", TestContext.Current.CancellationToken)).Length;
                    if (i == 20)
                        await proxy.Rotate(ProxyCache.ByteLog(folder) + $".{round}");
                }
                Tool.Signal(server.Process, Tool.SigKill);
                await server.DisposeAsync();
                // What nginx has logged meanwhile is still there when the server comes back, under whatever name.
                await proxy.Rotate(ProxyCache.ByteLog(folder) + $".while{round}");
                server = await ServerProcess.Start(folder["media"], data, [.. Options(folder), $"--server.port={port}"]);
            }
            await Until(() => Charged(server), c => c.GetValueOrDefault("u1") >= got, "all bytes are in the ledger");
            // And stays so, at the next looks and after one start more.
            Assert.Equal(0, await server.Stop());
            await server.DisposeAsync();
            server = await ServerProcess.Start(folder["media"], data, [.. Options(folder), $"--server.port={port}"]);
            var looked = Stopwatch.StartNew();
            await Until(() => Task.FromResult(looked.Elapsed), e => e > TimeSpan.FromSeconds(3), "three looks");
            Assert.Equal(got, (await Charged(server))["u1"]);
        }
        finally
        {
            await server.DisposeAsync();
        }
    }
}
