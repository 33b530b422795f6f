using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using XLive.Server.Access;

namespace XLive.EndToEnd.Signers;

/// <summary>The signers of docs/signing.md, run as they stand there, against the server's own.</summary>
public sealed class SignerTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("xlive-signers-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("csharp", "sign.cs", "dotnet", "run", "--file", "sign.cs", "--")]
    [InlineData("python", "sign.py", "python3", "sign.py")]
    [InlineData("php", "sign.php", "php", "sign.php")]
    [InlineData("js", "sign.mjs", "node", "sign.mjs")]
    public async Task Signer_of_the_docs_signs_as_the_server_does(string language, string file, string program, params string[] arguments)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, file), Block(language), TestContext.Current.CancellationToken);
        (string Path, string Uid, long Expires, string Kid, string? Scope)[] links =
        [
            ("/yard/f2.ts", "u1", 9999999999, "", null),
            ("/video/2024-01-01/movie1/playlist.m3u8", "u42", 1767225600, "k2", null),
            ("/video/ein Film/Grüße & Küsse?+#100%.m3u8", "Jürgen +1&=%/日本語 🎬", 1767225600, "", null),
            ("/live/cam1.m3u8", "0", 1767225600, "", "/live/cam1"),
            ("/films/it's (new)!~/movie1-720.ts", "a b", 1, "schlüssel 2", "/films/it's (new)!~/movie1*"),
            ("/film.mp4", "u", 999999999999, "", "/film.mp4"),
            ("/films/a b/c.ts", "u", 1767225600, "k", "/films/a b/"),
        ];
        const string Secret = "yardstick-secret-0123456789abcdef ü";
        foreach (var (path, uid, expires, kid, scope) in links)
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
