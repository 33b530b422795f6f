using System.Text.Json;
using System.Text.RegularExpressions;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd.Packages;

/// <summary>.ci/version in sources of every kind: with tags and without, changed, shallow, archived, without git.</summary>
public sealed partial class VersionTests : IDisposable
{
    readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Without_a_tag_it_counts_from_the_base()
    {
        var sources = await Repositories("sources", commits: 3);
        Assert.Matches("^1\\.2\\.3\\+3\\.g[0-9a-f]{8}$", await Version(sources));
    }

    [Fact]
    public async Task A_tag_is_the_version_and_what_follows_is_counted()
    {
        var sources = await Repositories("sources", commits: 2);
        await Git(sources, "tag", "v1.4.0");
        // Tags of other things are none of it.
        await Git(sources, "tag", "release-day");
        Assert.Equal("1.4.0", await Version(sources));
        await Commit(sources, 2);
        Assert.Matches("^1\\.4\\.0\\+2\\.g[0-9a-f]{8}$", await Version(sources));
        await Git(sources, "tag", "-a", "-m", "x", "v1.5.0-rc1");
        Assert.Equal("1.5.0-rc1", await Version(sources));
        await Commit(sources, 1);
        Assert.Matches("^1\\.5\\.0-rc1\\+1\\.g[0-9a-f]{8}$", await Version(sources));
    }

    [Fact]
    public async Task What_is_not_committed_is_told()
    {
        var sources = await Repositories("sources", commits: 1);
        await File.WriteAllTextAsync(Path.Combine(sources, "notes"), "of no matter", TestContext.Current.CancellationToken);
        Assert.DoesNotContain("dirty", await Version(sources), StringComparison.Ordinal);
        await File.AppendAllTextAsync(Path.Combine(sources, "src/a.cs"), "// changed", TestContext.Current.CancellationToken);
        Assert.Matches("^1\\.2\\.3\\+1\\.g[0-9a-f]{8}\\.dirty$", await Version(sources));
        await Git(sources, "tag", "v2.0.0");
        Assert.Equal("2.0.0+dirty", await Version(sources));
    }

    [Fact]
    public async Task A_shallow_clone_does_not_count_what_it_does_not_have()
    {
        var sources = await Repositories("sources", commits: 5);
        await Git(_folder.Path, "clone", "--quiet", "--depth", "2", "file://" + sources, "shallow");
        Assert.Matches("^1\\.2\\.3\\+g[0-9a-f]{8}$", await Version(_folder["shallow"]));
    }

    [Fact]
    public async Task An_archive_knows_its_commit()
    {
        var sources = await Repositories("sources", commits: 2);
        Assert.Matches("^1\\.2\\.3\\+g[0-9a-f]{7,}$", await Version(await Archive(sources, "untagged")));
        await Git(sources, "tag", "v1.4.0");
        Assert.Equal("1.4.0", await Version(await Archive(sources, "tagged")));
        await Commit(sources, 3);
        Assert.Matches("^1\\.4\\.0\\+3\\.g[0-9a-f]{7,}$", await Version(await Archive(sources, "later")));
        // Unpacked into somebody's repository, whose version it is not.
        await Git(_folder.Path, "init", "--quiet");
        Assert.Matches("^1\\.4\\.0\\+3\\.g[0-9a-f]{7,}$", await Version(_folder["later"]));
    }

    [Fact]
    public async Task Without_git_it_says_so()
    {
        var sources = Sources("sources");
        Assert.Equal("1.2.3+nogit", await Version(sources));
        await Git(_folder.Path, "init", "--quiet");
        Assert.Equal("1.2.3+nogit", await Version(sources));
    }

    [Fact]
    public async Task The_program_prints_what_it_was_built_from_and_stats_have_the_same()
    {
        var printed = (await Tool.Run(Repository.Server, ["version"], TimeSpan.FromSeconds(20))).MustSucceed().Output.Trim();
        Assert.Matches(Form(), printed);
        await using var server = await ServerProcess.Start((await Film.Get()).Root, "--auth.enable=false");
        using var stats = JsonDocument.Parse(await server.Http.GetStringAsync("/stats", TestContext.Current.CancellationToken));
        Assert.Equal(printed, stats.RootElement.GetProperty("version").GetString());
        Assert.Contains("Version:      " + printed, server.Output, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?(\+[0-9A-Za-z.]+)?$")]
    private static partial Regex Form();

    string Sources(string name)
    {
        foreach (var file in (string[])[".ci/version", ".gitattributes"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder[$"{name}/{file}"])!);
            File.Copy(Path.Combine(Repository.Root, file), _folder[$"{name}/{file}"]);
        }
        foreach (var folder in (string[])["src", "console", "packaging"])
        {
            Directory.CreateDirectory(_folder[$"{name}/{folder}"]);
            File.WriteAllText(_folder[$"{name}/{folder}/a.cs"], "");
        }
        File.WriteAllText(_folder[$"{name}/package"], "");
        File.WriteAllText(_folder[$"{name}/Directory.Build.props"], "<Project>\n  <VersionPrefix>1.2.3</VersionPrefix>\n</Project>\n");
        return _folder[name];
    }

    async Task<string> Repositories(string name, int commits)
    {
        var sources = Sources(name);
        await Git(sources, "init", "--quiet");
        await Git(sources, "add", ".");
        await Commit(sources, commits);
        return sources;
    }

    static async Task Commit(string sources, int commits)
    {
        for (var i = 0; i < commits; i++)
        {
            await Git(sources, "commit", "--quiet", "--allow-empty", "--message", $"{i}");
        }
    }

    async Task<string> Archive(string sources, string name)
    {
        await Git(sources, "archive", "--prefix", name + "/", "--output", _folder[name + ".tar"], "HEAD");
        (await Tool.Run("tar", ["-C", _folder.Path, "-xf", _folder[name + ".tar"]], TimeSpan.FromSeconds(20))).MustSucceed();
        return _folder[name];
    }

    static async Task Git(string folder, params string[] words) => (await Tool.Run("git",
        ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "tag.gpgSign=false", "-c", "commit.gpgSign=false", .. words], TimeSpan.FromSeconds(20), folder)).MustSucceed();

    static async Task<string> Version(string sources) =>
        (await Tool.Run(Path.Combine(sources, ".ci/version"), [], TimeSpan.FromSeconds(20), sources)).MustSucceed().Output.Trim();
}
