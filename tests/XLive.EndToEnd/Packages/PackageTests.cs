using System.Text;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd.Packages;

/// <summary>The self-contained folder and the Debian package. ./package try installs, upgrades and purges it in a Debian root, with lintian, and takes minutes.</summary>
[Collection(Undisturbed.Name)]
public sealed class PackageTests : IDisposable
{
    readonly TempFolder _folder = new();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_folder_is_all_that_it_needs_wherever_it_lies()
    {
        var made = await MadePackages.Get();
        var place = _folder["a place with spaces"];
        Directory.CreateDirectory(place);
        (await Tool.Run("tar", ["-C", place, "-xzf", made.Archive], TimeSpan.FromMinutes(1))).MustSucceed();
        var program = Path.Combine(Assert.Single(Directory.GetDirectories(place)), "xlive");
        Assert.Equal(made.Version, (await Tool.Run(program, ["version"], TimeSpan.FromSeconds(30))).MustSucceed().Output.Trim());

        await using var server = await ServerProcess.Start((await Film.Get()).Root, null, [], MadePackages.Instead(program));
        var played = await FfmpegPlayer.Play(server.Url(ServerProcess.Sign(Film.Path).InQuery));
        Assert.True(played.Ended, played.Report);
        // The pages are in it, or the playlist's link would have this label.
        Assert.Contains("For players:", server.Output, StringComparison.Ordinal);
        var loaded = (await File.ReadAllLinesAsync($"/proc/{server.Process.Id}/maps", Stop)).Where(line => line.EndsWith(".dll", StringComparison.Ordinal))
            .Select(line => line[line.IndexOf('/')..]).Distinct().ToArray();
        Assert.NotEmpty(loaded);
        Assert.All(loaded, path => Assert.StartsWith(place, path, StringComparison.Ordinal));
        Assert.Equal(0, await server.Stop());
    }

    [Fact]
    public async Task Its_libraries_find_theirs()
    {
        var made = await MadePackages.Get();
        foreach (var library in Directory.EnumerateFiles(made.Folder, "*.so"))
        {
            var found = (await Tool.Run("ldd", [library], TimeSpan.FromSeconds(20))).MustSucceed().Output;
            Assert.False(found.Contains("not found", StringComparison.Ordinal), library + "\n" + found);
        }
    }

    [Fact]
    public async Task It_is_anybodys_and_of_no_machine()
    {
        var made = await MadePackages.Get();
        var here = Encoding.UTF8.GetBytes(Repository.Root);
        foreach (var file in Directory.EnumerateFiles(made.Folder).Where(file => Path.GetFileName(file).StartsWith("xlive", StringComparison.OrdinalIgnoreCase)))
        {
            Assert.True((await File.ReadAllBytesAsync(file, Stop)).AsSpan().IndexOf(here) < 0, file);
        }
        var entries = (await Tool.Run("tar", ["-tvzf", made.Archive], TimeSpan.FromMinutes(1))).MustSucceed().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(entries, entry => Assert.True(entry.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1] == "0/0" && entry[7] == 'r' && entry[8] == '-', entry));
        foreach (var words in (string[])["dotnet", "dotnet-third-parties", "npgsql", "yamldotnet", "hls.js", "mpegts.js", "es6-promise", "events"])
        {
            Assert.True(new FileInfo(Path.Combine(made.Folder, "licenses", words + ".txt")).Length > 500, words);
        }
    }

    [Fact]
    public async Task The_Debian_package_has_each_thing_in_its_place()
    {
        var made = await MadePackages.Get();
        async Task<string> Ask(params string[] words) => (await Tool.Run("dpkg-deb", words, TimeSpan.FromMinutes(1))).MustSucceed().Output;
        Assert.Equal(made.Version.Replace('-', '~'), (await Ask("--field", made.Debian, "Version")).Trim());
        Assert.Contains("libsqlite3-0", await Ask("--field", made.Debian, "Depends"), StringComparison.Ordinal);
        var modes = (await Ask("--contents", made.Debian)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries))
            .ToDictionary(fields => fields[5].Split(" -> ")[0], fields => fields[0] + " " + fields[1], StringComparer.Ordinal);
        Assert.All(modes.Values, mode => Assert.EndsWith(" root/root", mode, StringComparison.Ordinal));
        foreach (var (path, mode) in ((string, string)[])[("./usr/bin/xlive", "-rwxr-xr-x"), ("./usr/lib/xlive/xlive", "-rwxr-xr-x"), ("./etc/xlive/conf.yaml", "-rw-r--r--"),
            ("./lib/systemd/system/xlive.service", "-rw-r--r--"), ("./usr/share/man/man1/xlive.1.gz", "-rw-r--r--"), ("./usr/share/doc/xlive/copyright", "-rw-r--r--"),
            ("./usr/share/doc/xlive/xlive.cdx.json", "-rw-r--r--"), ("./usr/share/doc/xlive/changelog.gz", "-rw-r--r--")])
        {
            Assert.Equal(mode + " root/root", modes[path]);
        }

        await Ask("--raw-extract", made.Debian, _folder["root"]);
        Assert.Equal("/etc/xlive/conf.yaml", (await File.ReadAllTextAsync(_folder["root/DEBIAN/conffiles"], Stop)).Trim());
        (await Tool.Run("md5sum", ["--check", "--quiet", "DEBIAN/md5sums"], TimeSpan.FromMinutes(1), _folder["root"])).MustSucceed();
        foreach (var script in (string[])["postinst", "prerm", "postrm"])
        {
            (await Tool.Run("sh", ["-n", _folder["root/DEBIAN/" + script]], TimeSpan.FromSeconds(10))).MustSucceed();
        }
        // What the unit starts is there, and takes the settings that are installed.
        var unit = await File.ReadAllTextAsync(_folder["root/lib/systemd/system/xlive.service"], Stop);
        var start = unit.Split("ExecStart=")[1].Split('\n')[0].Split(' ');
        Assert.Equal(["/usr/lib/xlive/xlive", "--config", "/etc/xlive/conf.yaml"], start);
        var settings = _folder["root"] + start[2];
        var check = (await Tool.Run(_folder["root"] + start[0], ["config", "check", "--config", settings], TimeSpan.FromSeconds(30))).MustSucceed().Output;
        Assert.Contains("data.dir = /var/lib/xlive ", check, StringComparison.Ordinal);
        Assert.Contains("log.dir = /var/log/xlive ", check, StringComparison.Ordinal);
        Assert.DoesNotContain("Warning", check, StringComparison.Ordinal);
        await using var server = await ServerProcess.Start((await Film.Get()).Root, null, ["--config", settings], MadePackages.Instead(_folder["root"] + start[0]));
        Assert.Equal(0, await server.Stop());
    }
}
