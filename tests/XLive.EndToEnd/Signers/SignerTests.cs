using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using XLive.EndToEnd.Harness;
using XLive.Server.Access;

namespace XLive.EndToEnd.Signers;

/// <summary>The signers of docs/signing.md, run as they stand there, against the server's own and against a server that runs.</summary>
public sealed class SignerTests(SignerTests.Served served) : IClassFixture<SignerTests.Served>, IDisposable
{
    const string Secret = "yardstick-secret-0123456789abcdef ü";

    // Path, uid, expires, kid, scope, and what the running server answers; 0 for what it has no file of.
    private static readonly (string Path, string Uid, long Expires, string Kid, string? Scope, int Status)[] Links =
    [
        ("/yard/f2.ts", "u1", 9999999999, "", null, 200),
        ("/video/2024-01-01/movie1/playlist.m3u8", "u42", 9999999999, "k2", null, 200),
        ("/video/ein Film/Grüße & Küsse?+#100%.ts", "Jürgen +1&=%/日本語 🎬", 9999999999, "", null, 200),
        ("/live/cam1.m3u8", "0", 9999999999, "", "/live/cam1", 0),
        ("/films/it's (new)!~/movie1-720.ts", "a b", 9999999999, "schlüssel 2", "/films/it's (new)!~/movie1*", 200),
        ("/films/a b/c.ts", "u", 1, "k2", "/films/a b/", 410),
        ("/films/a b/c.ts", "u", 9999999999, "", "/films/b/", 403),
        ("/film.mp4", "u", 999999999999, "", "/film.mp4", 200),
    ];

    public sealed class Served : IAsyncLifetime
    {
        readonly TempFolder _films = new();

        public ServerProcess Server { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            foreach (var link in Links)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(_films[link.Path[1..]])!);
                await File.WriteAllTextAsync(_films[link.Path[1..]], "#EXTM3U\n#EXT-X-ENDLIST\n");
            }
            Server = await ServerProcess.Start(_films.Path, $"--access.secret={Secret}", "--access.max_lifetime=0",
                $"--access.keys=[{{id: k2, secret: '{Secret}'}}, {{id: schlüssel 2, secret: '{Secret}'}}]");
        }

        public async ValueTask DisposeAsync()
        {
            await Server.DisposeAsync();
            _films.Dispose();
        }
    }

    private readonly string folder = Directory.CreateTempSubdirectory("xlive-signers-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("csharp", "sign.cs", "dotnet", "run", "--file", "sign.cs", "--")]
    [InlineData("python", "sign.py", "python3", "sign.py")]
    [InlineData("php", "sign.php", "php", "sign.php")]
    [InlineData("js", "sign.mjs", "node", "sign.mjs")]
    public async Task Signer_of_the_docs_signs_as_the_server_does_and_its_links_are_answered(string language, string file, string program, params string[] arguments)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, file), Block(language), TestContext.Current.CancellationToken);
        foreach (var (path, uid, expires, kid, scope, status) in Links)
        {
            List<string> asked = [.. arguments, path, uid, $"{expires}", Secret];
            if (kid.Length > 0 || scope is not null)
                asked.Add(kid);
            if (scope is not null)
                asked.Add(scope);
            string url = (await Run(program, asked)).TrimEnd('\n');
            // Encoders differ in which harmless characters they escape; what the server reads may not differ.
            Assert.Equal(Read(SignedUrl.Sign(path, uid, expires, Encoding.UTF8.GetBytes(Secret), kid, scope)), Read(url));
            Assert.Equal((path, uid, kid), (Read(url).Path, Read(url).Uid, Read(url).Kid));
            if (status == 0)
                continue;
            using var answer = await served.Server.Http.GetAsync(url, TestContext.Current.CancellationToken);
            Assert.True((int)answer.StatusCode == status, $"{url}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
        }
    }

    [Fact]
    public void Each_signer_is_about_ten_lines()
    {
        foreach (string language in (string[])["csharp", "python", "php", "js"])
            Assert.InRange(Block(language).Trim().Split('\n').Count(static line => line.Length > 0), 5, 13);
    }

    private static (string Path, string Uid, long Expires, string Kid, string Scope, string Token) Read(string url)
    {
        Assert.DoesNotContain(url, static c => c is <= ' ' or > '~');
        int mark = url.IndexOf('?');
        Assert.Equal(GrantReason.Granted, GrantQuery.Parse(url.AsSpan(mark), new byte[url.Length], out SignedGrant grant));
        return (Uri.UnescapeDataString(url[..mark]), grant.UidText, grant.Expires, grant.KidText, Encoding.UTF8.GetString(grant.Scope),
            Convert.ToHexString(grant.Token));
    }

    private static string Block(string language)
    {
        MatchCollection found = Regex.Matches(File.ReadAllText(Docs()), $@"^```{language}\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline);
        return Assert.Single(found).Groups[1].Value;
    }

    private static string Docs([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "docs", "signing.md");

    private async Task<string> Run(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        // A file-based app is otherwise prepared for native compilation, whose packages need the network.
        start.Environment["PublishAot"] = "false";
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        string error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{program}: {await output} {error}");
        return await output;
    }
}
