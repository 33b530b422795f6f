using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>The README is what a newcomer types. Its commands are run in its order, in a checkout without data; its page is played.</summary>
public sealed partial class ReadmeTests
{
    static readonly string Readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));

    [Fact]
    public async Task Its_commands_run_as_they_stand()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var checkout = await Checkout.Make();
        using var films = new TempFolder();
        var film = Path.Combine((await Film.Get()).Root, "film");
        foreach (var file in Directory.EnumerateFiles(film, "*", SearchOption.AllDirectories))
        {
            var copy = films[Path.Combine("movie1", Path.GetRelativePath(film, file).Replace("master.m3u8", "index.m3u8", StringComparison.Ordinal))];
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        foreach (var (language, file) in ((string, string)[])[("csharp", "sign.cs"), ("python", "sign.py"), ("php", "sign.php"), ("js", "sign.mjs")])
        {
            await File.WriteAllTextAsync(Path.Combine(checkout.Path, file), Assert.Single(Blocks(Readme, language)), stop);
        }
        using var http = new HttpClient { BaseAddress = new Uri($"http://localhost:{checkout.Port}") };

        var links = 0;
        var refusals = 0;
        foreach (var block in Blocks(Readme, "sh"))
        {
            var script = block.Replace(":7889", $":{checkout.Port}", StringComparison.Ordinal).Replace("/srv/films", films.Path, StringComparison.Ordinal).Trim();
            if (script == "./run" || script.StartsWith("./run --", StringComparison.Ordinal))
            {
                Assert.True(await checkout.Stop() is null or 0);
                await checkout.Start(script);
                continue;
            }
            foreach (var line in (await checkout.Run(script)).Split('\n'))
            {
                if (line == "401")
                {
                    refusals++;
                }
                else if (line.StartsWith('/') || line.StartsWith("http", StringComparison.Ordinal))
                {
                    using var answer = await http.GetAsync(line, stop);
                    Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{script}\n{line}\n{(int)answer.StatusCode}");
                    links++;
                }
            }
        }
        // Three that are printed, and the two renditions of the sample film that each of two playlists names below a session.
        Assert.Equal((7, 1), (links, refusals));
        Assert.Equal(0, await checkout.Stop());
    }

    /// <summary>What stands in a block without a language is not run, and a comment before it says why.</summary>
    [Fact]
    public void What_is_not_run_says_so()
    {
        Assert.Equal(Blocks(Readme, "").Count, Regex.Count(Readme, @"^<!-- not run by a test: .+ -->\n```$", RegexOptions.Multiline));
        Assert.Equal(["csharp", "html", "js", "php", "python", "sh"],
            Opening().Matches(Readme).Select(m => m.Groups[1].Value).Where((language, i) => i % 2 == 0 && language != "").Distinct().Order());
    }

    [Theory, InlineData("csharp"), InlineData("python"), InlineData("php"), InlineData("js")]
    public void Its_signers_are_those_that_are_tested(string language) => Assert.Equal(
        Blocks(File.ReadAllText(Path.Combine(Repository.Root, "docs", "signing.md")), language), Blocks(Readme, language));

    [Fact]
    public void Its_links_lead_somewhere()
    {
        foreach (var page in Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md")
            .Append(Path.Combine(Repository.Root, "README.md")).Append(Path.Combine(Repository.Root, "ARCHITECTURE.md")))
        {
            foreach (Match link in Link().Matches(File.ReadAllText(page)))
            {
                var place = Path.Combine(Path.GetDirectoryName(page)!, link.Groups[1].Value);
                Assert.True(File.Exists(place) || Directory.Exists(place), $"{Path.GetFileName(page)}: {link.Groups[1].Value}");
            }
        }
    }

    [Fact]
    public async Task Its_page_plays_the_film()
    {
        await using var server = await ServerProcess.Start((await Film.Get()).Root);
        var link = server.Url(ServerProcess.Sign(Film.Path).InQuery);
        var played = await Browser.Play(link, page: Assert.Single(Blocks(Readme, "html")).Replace("THE SIGNED LINK", link, StringComparison.Ordinal));
        Assert.True(played.Ended && played.ConsoleErrors.Count == 0 && played.Requests.All(request => request.Status == 200), played.ToString());
    }

    /// <summary>The first start is a newcomer's: it prints what there is to try, and all of it works. The second takes less than two seconds.</summary>
    [Fact]
    public async Task The_first_start_prints_what_there_is_and_the_second_is_quick()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var checkout = await Checkout.Make();
        await checkout.Start("./run");
        string Label(string label) => Assert.Single(checkout.Output, line => line.StartsWith(label + ":", StringComparison.Ordinal))[(label.Length + 1)..].Trim();
        using var http = new HttpClient();
        Assert.Contains("#EXTM3U", await http.GetStringAsync(Label("Play"), stop), StringComparison.Ordinal);
        Assert.Contains("healthy", await http.GetStringAsync(Label("Health"), stop), StringComparison.Ordinal);
        Assert.StartsWith(Label("Listening"), Label("Play"), StringComparison.Ordinal);
        Assert.Contains("/monitor#once=", Label("Sign in"), StringComparison.Ordinal);
        var played = await FfmpegPlayer.Play(Label("Play"));
        Assert.True(played.Ended, played.Report);
        Assert.Equal(0, await checkout.Stop());
        foreach (var secret in Directory.EnumerateFiles(Path.Combine(checkout.Path, "data", "keys")))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(secret));
        }

        // The best of four. Two seconds on a machine that has time, and here twice that; on one that has none, what it would have taken there.
        var best = (Clock: TimeSpan.MaxValue, Cpu: TimeSpan.MaxValue);
        for (var i = 0; i < 4 && best.Clock > TimeSpan.FromSeconds(2); i++)
        {
            var clock = await checkout.Start("./run");
            var cpu = checkout.CpuTime();
            best = (clock < best.Clock ? clock : best.Clock, cpu < best.Cpu ? cpu : best.Cpu);
            Assert.DoesNotContain(checkout.Output, line => line.StartsWith("Sign in:", StringComparison.Ordinal));
            Assert.Equal(0, await checkout.Stop());
        }
        TestContext.Current.SendDiagnosticMessage($"second start: {best.Clock.TotalSeconds:0.00} s, {best.Cpu.TotalSeconds:0.00} s of processor time");
        var load = double.Parse((await File.ReadAllTextAsync("/proc/loadavg", stop)).Split(' ')[0], CultureInfo.InvariantCulture);
        Assert.True(best.Clock < TimeSpan.FromSeconds(4) || (load > Environment.ProcessorCount && best.Cpu < TimeSpan.FromSeconds(3)),
            $"second start: {best.Clock}, processor {best.Cpu}, load {load}");
    }

    static List<string> Blocks(string text, string language)
    {
        var blocks = new List<string>();
        List<string>? open = null;
        var wanted = false;
        foreach (var line in text.Split('\n'))
        {
            if (!line.StartsWith("```", StringComparison.Ordinal))
            {
                open?.Add(line);
                continue;
            }
            if (open is null)
            {
                open = [];
                wanted = line[3..] == language;
                continue;
            }
            if (wanted)
            {
                blocks.Add(string.Join('\n', open) + "\n");
            }
            open = null;
        }
        return blocks;
    }

    [GeneratedRegex(@"^```(\w*)$", RegexOptions.Multiline)]
    private static partial Regex Opening();

    [GeneratedRegex(@"\]\(([^)#:]+)(?:#[^)]*)?\)")]
    private static partial Regex Link();
}
