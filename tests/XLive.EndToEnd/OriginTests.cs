using System.Diagnostics;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>Players before films that lie elsewhere: behind nginx, and behind another XLive.</summary>
[Collection(Undisturbed.Name)]
public sealed class OriginTests
{
    [Fact]
    public async Task A_film_behind_nginx_plays_to_its_end_and_then_without_nginx()
    {
        using var folder = new TempFolder();
        using var nginx = await Nginx.Start((await Film.Get()).Root, folder);
        await using var server = await ServerProcess.Start(folder["none"], "--backend.mode=http", "--backend.host=127.0.0.1", $"--backend.port={nginx.Port}");
        await Plays(server);
        nginx.Kill();
        // What was watched is here; an origin that is gone takes only away what nobody has seen.
        await Plays(server);
    }

    [Fact]
    public async Task A_film_behind_another_XLive_plays_to_its_end()
    {
        await using var inner = await ServerProcess.Start((await Film.Get()).Root, "--access.enable=false");
        using var folder = new TempFolder();
        await using var edge = await ServerProcess.Start(folder.Path, "--backend.mode=hybrid", $"--backend.origins=[http://127.0.0.1:{inner.Port}]");
        await Plays(edge);
    }

    [Fact]
    public async Task What_was_watched_plays_from_disk_in_a_new_process_and_only_its_key_comes_from_nginx()
    {
        using var folder = new TempFolder();
        foreach (var file in Directory.GetFiles((await Film.Get()).Root, "*", SearchOption.AllDirectories))
        {
            var copy = file.Replace((await Film.Get()).Root, folder["root"], StringComparison.Ordinal);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        using var nginx = await Nginx.Start(folder["root"], folder);
        string[] options = ["--backend.mode=http", "--backend.host=127.0.0.1", $"--backend.port={nginx.Port}", "--cache.rules=[{match: '/**', ttl: 1h}]",
            "--cache.disk=1GiB", $"--cache.dir={folder["cache"]}"];
        await using (var first = await ServerProcess.Start(folder["none"], options))
        {
            await PlaysInFfmpeg(first);
            var (files, since) = (0, Stopwatch.StartNew());
            while (files == 0 || since.Elapsed < TimeSpan.FromSeconds(1))
            {
                await Task.Delay(100, TestContext.Current.CancellationToken);
                var now = Directory.GetFiles(folder["cache"], "*", SearchOption.AllDirectories).Length;
                if (now != files)
                    since.Restart();
                files = now;
            }
            Assert.Equal(0, await first.Stop());
        }
        foreach (var file in Directory.GetFiles(folder["root"], "*", SearchOption.AllDirectories))
        {
            if (!file.EndsWith(".key", StringComparison.Ordinal))
                File.Delete(file);
        }
        await using var second = await ServerProcess.Start(folder["none"], options);
        await PlaysInFfmpeg(second);
    }

    static async Task PlaysInFfmpeg(ServerProcess server)
    {
        var played = await FfmpegPlayer.Play(server.Url(ServerProcess.Sign(Film.Path).InQuery));
        Assert.True(played.Ended, played.Report);
        Assert.InRange(played.Seconds, Film.Duration - 0.3, Film.Duration + 0.3);
    }

    static async Task Plays(ServerProcess server)
    {
        var url = server.Url(ServerProcess.Sign(Film.Path).InQuery);
        var byFfmpeg = await FfmpegPlayer.Play(url);
        Assert.True(byFfmpeg.Ended, byFfmpeg.Report);
        Assert.InRange(byFfmpeg.Seconds, Film.Duration - 0.3, Film.Duration + 0.3);
        var byBrowser = await Browser.Play(url);
        Assert.True(byBrowser.Ended && !byBrowser.SeriousErrors.Any() && byBrowser.Requests.All(request => request.Status == 200), byBrowser.ToString());
    }

    /// <summary>nginx over a folder, as a site would run it; killed by its id.</summary>
    sealed class Nginx : IDisposable
    {
        readonly Process _process;

        Nginx(Process process, int port) => (_process, Port) = (process, port);

        public int Port { get; }

        public static async Task<Nginx> Start(string root, TempFolder folder)
        {
            var port = FreePort.Next();
            var user = Environment.IsPrivilegedProcess ? "user root;" : "";
            await File.WriteAllTextAsync(folder["nginx.conf"], $$"""
                {{user}} daemon off; master_process off; pid {{folder["nginx.pid"]}}; error_log stderr crit;
                events { worker_connections 256; }
                http { access_log off; server { listen 127.0.0.1:{{port}}; root {{root}}; } }
                """);
            var program = File.Exists("/usr/sbin/nginx") ? "/usr/sbin/nginx" : "nginx";
            var process = Process.Start(new ProcessStartInfo(program, ["-e", "stderr", "-c", folder["nginx.conf"]]) { RedirectStandardError = true })!;
            using var client = new HttpClient();
            for (var clock = Stopwatch.StartNew(); ; await Task.Delay(20))
            {
                try
                {
                    using var answer = await client.GetAsync($"http://127.0.0.1:{port}{Film.Path}");
                    answer.EnsureSuccessStatusCode();
                    return new Nginx(process, port);
                }
                catch (HttpRequestException) when (clock.Elapsed < TimeSpan.FromSeconds(10) && !process.HasExited)
                {
                }
            }
        }

        public void Kill()
        {
            _process.Kill();
            _process.WaitForExit();
        }

        public void Dispose()
        {
            if (!_process.HasExited)
                Kill();
            _process.Dispose();
        }
    }
}
