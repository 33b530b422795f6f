using System.Net;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd.Tls;

/// <summary>Players over HTTPS, with a link to the clear port that is redirected.</summary>
public sealed class TlsPlayersTests(TlsPlayersTests.Served served) : IClassFixture<TlsPlayersTests.Served>
{
    public sealed class Served : IAsyncLifetime
    {
        public Authority Authority { get; private set; } = null!;
        public ServerProcess Server { get; private set; } = null!;
        public int Port { get; } = FreePort.Next();

        public async ValueTask InitializeAsync()
        {
            Authority = await Authority.Make();
            Server = await ServerProcess.Start((await Film.Get()).Root, $"--tls.port={Port}", "--tls.redirect=true", $"--tls.certificate={Authority.Chain}", $"--tls.key={Authority.Key}");
        }

        public async ValueTask DisposeAsync()
        {
            await Server.DisposeAsync();
            Authority.Dispose();
        }
    }

    string Secure(string target) => $"https://localhost:{served.Port}{target}";

    string Clear(string target) => $"http://localhost:{served.Server.Port}{target}";

    [Fact]
    public async Task Ffmpeg_plays_to_the_end()
    {
        var played = await FfmpegPlayer.Play(Secure(ServerProcess.Sign(Film.Path).InQuery));
        Assert.True(played.Ended, played.Report);
        Assert.InRange(played.Seconds, Film.Duration - 0.3, Film.Duration + 0.3);
    }

    [Theory]
    [InlineData("--http1.1", "1.1")]
    [InlineData("--http2", "2")]
    public async Task Curl_fetches_every_file_of_the_film(string option, string version)
    {
        using var folder = new TempFolder();
        var film = (await Film.Get()).Root;
        var files = Directory.GetFiles(Path.Combine(film, "film"), "*.ts", SearchOption.AllDirectories).Select(f => "/" + Path.GetRelativePath(film, f)).ToArray();
        // One connection for all, and the certificate is looked at.
        var arguments = files.SelectMany((f, i) => (string[])["-o", folder[$"{i}"], Secure(ServerProcess.Sign(f).InQuery)]);
        var curl = (await Tool.Run("curl", ["--silent", "--show-error", "--fail", "--cacert", served.Authority.Root, option, "--write-out", "%{http_version} %{num_connects} ", .. arguments],
            TimeSpan.FromSeconds(30))).MustSucceed();
        Assert.Equal($"{version} 1 " + string.Concat(Enumerable.Repeat($"{version} 0 ", files.Length - 1)), curl.Output.ReplaceLineEndings(""));
        for (var i = 0; i < files.Length; i++)
            Assert.Equal(await File.ReadAllBytesAsync(film + files[i], TestContext.Current.CancellationToken), await File.ReadAllBytesAsync(folder[$"{i}"], TestContext.Current.CancellationToken));
    }

    /// <summary>From another origin, so CORS must hold on the redirect and behind it.</summary>
    [Fact]
    public async Task Hls_js_in_chromium_follows_to_https_and_plays()
    {
        var played = await Browser.Play(Clear(ServerProcess.Sign(Film.Path).InQuery));
        Assert.True(played.Ended && !played.SeriousErrors.Any() && played.ConsoleErrors.Count == 0, played.ToString());
        // What went to the clear port; the rest of the film came from the other.
        Assert.NotEmpty(played.Requests);
        Assert.All(played.Requests, request => Assert.Equal(301, request.Status));
    }
}
