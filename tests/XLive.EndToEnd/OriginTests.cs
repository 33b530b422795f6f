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
