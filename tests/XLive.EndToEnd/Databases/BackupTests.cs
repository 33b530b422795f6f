using System.Globalization;
using System.Net;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd.Databases;

/// <summary>backup beside a running server, restore into another folder, and all that restore refuses.</summary>
public sealed class BackupTests : IDisposable
{
    private readonly TempFolder _folder = new();

    // Of the signing key "second".
    private const string Second = "signing-k.c2Vjb25k.json";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_a_running_server_had_another_one_has()
    {
        string films = (await Film.Get()).Root, backup = _folder["backup"];
        string link, account;
        await using (var server = await ServerProcess.Start(films, "--access.secret="))
        {
            link = (await MustRun(server.DataFolder, "sign", Film.Path, "--uid", "alice", "--for", "1h")).Trim();
            link = link[link.IndexOf('/', 8)..];
            await MustRun(server.DataFolder, "streamkey", "add", "live/cam");
            account = await MustRun(server.DataFolder, "streamkey", "list");
            Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync(link, Stop)).StatusCode);
            await MustRun(server.DataFolder, "backup", backup);
            foreach (var file in Directory.EnumerateFiles(backup, "*", SearchOption.AllDirectories))
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            Assert.True(File.Exists(Path.Combine(backup, "traffic/ledger.db")) && File.Exists(Path.Combine(backup, "xlive.db")));

            var over = await Run(server.DataFolder, "backup", backup);
            Assert.Equal(1, over.ExitCode);
            var running = await Run(server.DataFolder, "restore", backup, "--replace", "--ledger");
            Assert.True(running.ExitCode == 1 && running.Errors.Contains("in use by another XLive", StringComparison.Ordinal), running.ToString());
            Assert.Equal(0, await server.Stop());
        }
        // Of a server that ran, somebody has to decide.
        var undecided = await Run(_folder["data"], "restore", backup);
        Assert.True(undecided.ExitCode == 2 && undecided.Errors.Contains("--no-ledger", StringComparison.Ordinal), undecided.ToString());
        Assert.False(Directory.Exists(_folder["data/keys"]));

        await MustRun(_folder["data"], "restore", backup, "--ledger");
        await using var other = await ServerProcess.Start(films, _folder, ["--access.secret="]);
        Assert.Equal(HttpStatusCode.OK, (await other.Http.GetAsync(link, Stop)).StatusCode);
        Assert.Equal(account, await MustRun(_folder["data"], "streamkey", "list"));
        Assert.Equal(0, await other.Stop());
    }

    [Fact]
    public async Task What_is_not_as_it_was_is_refused_and_nothing_is_changed()
    {
        var backup = await Stopped();
        var before = Content(_folder["data"]);
        async Task Refused(string why, params string[] words)
        {
            var ran = await Run(_folder["data"], ["restore", .. words]);
            Assert.True(ran.ExitCode is 1 or 2 && ran.Errors.Contains(why, StringComparison.Ordinal), $"{why}: {ran}");
            Assert.Equal(before, Content(_folder["data"]));
        }

        await Refused("say --replace", backup);
        await Refused("is no backup", _folder["nothing"], "--replace");
        await Refused("no more than one", backup, "--replace", "--ledger", "--no-ledger");
        var key = Directory.GetFiles(Path.Combine(backup, "keys"))[0];
        var secret = await File.ReadAllTextAsync(key, Stop);
        await File.WriteAllTextAsync(key, secret.ToUpperInvariant(), Stop);
        await Refused("is not what it was", backup, "--replace");
        File.Delete(key);
        await Refused("is not what it was", backup, "--replace");
        await File.WriteAllTextAsync(key, secret, Stop);

        var manifest = Path.Combine(backup, "manifest.json");
        var text = await File.ReadAllTextAsync(manifest, Stop);
        foreach (var name in (string[])["../../keys/x", "keys/../x", "/etc/passwd", "keys/.x", "keys/", "other.db", "traffic/counters-1x"])
        {
            await File.WriteAllTextAsync(manifest, text.Replace("keys/" + Path.GetFileName(key), name, StringComparison.Ordinal), Stop);
            await Refused("which no backup has", backup, "--replace");
        }
        await File.WriteAllTextAsync(manifest, text[..^20], Stop);
        await Refused("", backup, "--replace");
        // As it was it is taken, and what was there is still there.
        await File.WriteAllTextAsync(manifest, text, Stop);
        await MustRun(_folder["data"], "restore", backup, "--replace");
        Assert.Single(Directory.GetDirectories(_folder["data"], "before-restore-*"));
    }

    /// <summary>strace kills it, with SIGKILL, at the n-th call by which it changes data.dir. What was there is never lost, no server starts on a mixture, and done again it is done.</summary>
    [Fact]
    public async Task Killed_anywhere_it_is_done_again()
    {
        const string calls = "rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,fsync";
        var backup = await Stopped();
        var restored = await File.ReadAllTextAsync(Path.Combine(backup, "keys", Second), Stop);
        int n = 0, between = 0;
        for (var ended = false; !ended; n++)
        {
            Assert.True(n < 100, "it never came to its end");
            using var other = new TempFolder();
            var data = other["data"];
            await MustRun(data, "key", "new", "second");
            var old = await File.ReadAllTextAsync(Path.Combine(data, "keys", Second), Stop);
            var ran = await Tool.Run("strace", ["-f", "-qq", "-o", "/dev/null", "-e", "trace=" + calls, "-e",
                string.Create(CultureInfo.InvariantCulture, $"inject={calls}:signal=SIGKILL:when={n + 1}"), Repository.Server, "restore", backup, "--replace", "--data.dir=" + data], TimeSpan.FromSeconds(60));
            Assert.True(ran.ExitCode is 0 or 137, ran.ToString());
            ended = ran.ExitCode == 0;
            var second = Path.Combine(data, "keys", Second);
            if (File.Exists(Path.Combine(data, "restore.unfinished")))
            {
                between++;
                var started = await Tool.Run(Repository.Server, ["--data.dir=" + data, "--log.dir=" + other["logs"], $"--server.port={FreePort.Next()}", "--hls.port=0", "--rtmp.port=0",
                    "--backend.filesystem.root=" + other.Path], TimeSpan.FromSeconds(30));
                Assert.True(started.ExitCode == 1 && started.Errors.Contains("did not come to its end", StringComparison.Ordinal), started.ToString());
            }
            else
            {
                Assert.Contains(await File.ReadAllTextAsync(second, Stop), (string[])[old, restored]);
            }
            if (!ended)
            {
                await MustRun(data, "restore", backup, "--replace");
            }
            Assert.Equal(restored, await File.ReadAllTextAsync(second, Stop));
            Assert.Contains(Directory.GetDirectories(data, "before-restore-*"), aside => File.Exists(Path.Combine(aside, "keys", Second))
                && File.ReadAllText(Path.Combine(aside, "keys", Second)) == old);
            Assert.False(File.Exists(Path.Combine(data, "restore.unfinished")) || File.Exists(Path.Combine(data, "restore.placing")) || Directory.Exists(Path.Combine(data, ".restore")));
        }
        Assert.True(between >= 5, $"of {n} kills {between} were in the midst of it");
    }

    /// <summary>A backup of a server that was started and stopped, with a second signing key.</summary>
    private async Task<string> Stopped()
    {
        await using (var server = await ServerProcess.Start((await Film.Get()).Root, _folder, []))
            Assert.Equal(0, await server.Stop());
        await MustRun(_folder["data"], "key", "new", "second");
        await MustRun(_folder["data"], "backup", _folder["backup"]);
        return _folder["backup"];
    }

    private static Dictionary<string, string> Content(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .Where(static file => !file.EndsWith("/lock", StringComparison.Ordinal) && !file.Contains("/.restore/", StringComparison.Ordinal))
        .ToDictionary(file => file, static file => Convert.ToHexString(File.ReadAllBytes(file)), StringComparer.Ordinal);

    private static async Task<string> MustRun(string data, params string[] words) => (await Run(data, words)).MustSucceed().Output;

    private static Task<ToolResult> Run(string data, params string[] words) => Tool.Run(Repository.Server, [.. words, "--data.dir=" + data], TimeSpan.FromSeconds(60));
}
