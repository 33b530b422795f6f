using XLive.Server.Operations.Commands;

namespace XLive.Server.Tests.Gate;

/// <summary>`./run COMMAND`, alone and beside a running server.</summary>
[Collection(ProgramTests.Name)]
public sealed class CommandTests
{
    [Fact]
    public async Task Every_command_explains_itself()
    {
        using var folder = new ProgramFolder();
        var usage = await XliveProgram.RunAsync(folder.Path, "--help");
        Assert.Equal((0, ""), (usage.Code, usage.Errors));
        foreach (var command in (string[])["sign", "user", "streamkey", "token", "key", "traffic", "hooks", "warm", "purge", "config", "backup", "restore", "version"])
        {
            Assert.Contains("\n  " + command + " ", usage.Output, StringComparison.Ordinal);
            var help = await XliveProgram.RunAsync(folder.Path, command, "--help");
            Assert.Equal((0, ""), (help.Code, help.Errors));
            Assert.StartsWith(command, help.Output, StringComparison.Ordinal);
        }
        Assert.Equal([folder.Path + "/media"], Directory.GetFileSystemEntries(folder.Path));
        // What follows a + is the commit: .ci/version.
        Assert.Matches("^[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9A-Za-z.]+)?(\\+[0-9A-Za-z.]+)?$", (await XliveProgram.RunAsync(folder.Path, "version")).Output);
    }

    [Theory]
    [InlineData("no command 'sing'", "sing")]
    [InlineData("--uid is missing", "sign", "/v/a.ts")]
    [InlineData("--for is missing", "sign", "/v/a.ts", "--uid", "u")]
    [InlineData("unknown option --colour", "sign", "/v/a.ts", "--uid", "u", "--for", "1h", "--colour", "red")]
    [InlineData("no duration", "sign", "/v/a.ts", "--uid", "u", "--for", "soon")]
    [InlineData("thousand years", "sign", "/v/a.ts", "--uid", "u", "--for", "99999999999999999d")]
    [InlineData("thousand years", "sign", "/v/a.ts", "--uid", "u", "--for", "0")]
    [InlineData("access.max_lifetime", "sign", "/v/a.ts", "--uid", "u", "--for", "8d")]
    [InlineData("give one PATH", "sign", "--uid", "u", "--for", "1h")]
    [InlineData("say list, new ID", "key")]
    [InlineData("no time", "key", "new", "k", "--not-after", "tomorrow")]
    [InlineData("ends before it begins", "key", "new", "k", "--not-before", "20", "--not-after", "10")]
    [InlineData("say list, link or password", "user", "remove")]
    [InlineData("say list, new NAME", "token")]
    [InlineData("at least one is needed", "token", "new", "ci")]
    [InlineData("'root' is no permission", "token", "new", "ci", "--permissions", "root")]
    [InlineData("a token's name", "token", "new", "a b", "--permissions", "monitor")]
    [InlineData("no pattern", "token", "new", "ci", "--permissions", "publish", "--streams", "cam")]
    [InlineData("no duration", "token", "new", "ci", "--permissions", "monitor", "--for", "soon")]
    [InlineData("are for new", "token", "list", "--for", "1d")]
    [InlineData("say check", "config")]
    [InlineData("at least one PATH", "warm")]
    [InlineData("at least one PATH", "purge")]
    [InlineData("unknown option --all", "purge", "/a", "--all=true")]
    [InlineData("--backend.mod", "warm", "/a", "--backend.mod=http")]
    [InlineData("--server.port", "config", "check", "--server.prt=1")]
    public async Task What_was_typed_wrong_is_exit_2_and_one_line(string named, params string[] words)
    {
        using var folder = new ProgramFolder();
        var result = await XliveProgram.RunAsync(folder.Path, words);
        Assert.Equal((2, ""), (result.Code, result.Output));
        Assert.Contains(named, Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_sign_prints_plays()
    {
        using var folder = new ProgramFolder();
        await using var server = await XliveProgram.ServeAsync(folder.Path);
        var settings = folder.Settings();
        var keys = SignCommand.Keys(settings);
        var expires = DateTimeOffset.UtcNow.AddHours(2).ToUnixTimeSeconds();
        foreach (var (scope, prefix) in ((string?, bool)[])[(null, false), (null, true), ("/v/", false), ("/v/film*", true)])
        {
            // Each form once as it is typed; the other paths are signed by what the command calls.
            string[] form = [.. prefix ? ["--prefix"] : (string[])[], .. scope is null ? [] : (string[])["--scope", scope]];
            var typed = scope is null ? "/v/ein Film/ü & ß.ts" : Films.Segment;
            var signed = await XliveProgram.RunAsync(folder.Path, ["sign", typed, "--uid", "Zoë 1", "--for", "2h", $"--server.port={server.Port}", .. form]);
            Assert.Equal((0, ""), (signed.Code, signed.Errors));
            Assert.StartsWith($"http://localhost:{server.Port}/", signed.Output, StringComparison.Ordinal);
            await Plays(signed.Output[$"http://localhost:{server.Port}".Length..], typed);
            foreach (var path in (string[])["/v/film/master.m3u8", "/v/film/720p/0.ts", "/live/cam.m3u8", "/top.ts", "/public/p.m3u8"])
            {
                if (scope is null || path.StartsWith("/v/film/", StringComparison.Ordinal))
                    await Plays(SignCommand.Sign(settings, keys, path, "Zoë 1", expires, null, scope, prefix), path);
            }

            async Task Plays(string link, string path)
            {
                var answer = await server.Get(link);
                Assert.True(answer.Status == 200, $"{path} {string.Join(' ', form)}: {answer.Text}");
            }
        }
    }

    [Fact]
    public async Task Sign_writes_the_narrowest_scope_and_the_public_address()
    {
        using var folder = new ProgramFolder();
        const string Secret = "--access.secret=a-secret-of-the-site-0123";
        string Sign(string path, params string[] options)
        {
            var settings = folder.Settings([Secret, .. options]);
            return OwnUrls.Viewers(settings) + SignCommand.Sign(settings, SignCommand.Keys(settings), path, "u", DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds(), null, null, prefix: false);
        }
        Assert.EndsWith("&scope=/live/cam", Sign("/live/cam.m3u8"), StringComparison.Ordinal);
        Assert.EndsWith("&scope=/v/film/720p/0.ts", Sign("/v/film/720p/0.ts"), StringComparison.Ordinal);
        Assert.DoesNotContain("scope=", Sign("/v/film/master.m3u8"), StringComparison.Ordinal);
        Assert.DoesNotContain("scope=", Sign("/v/film/manifest.mpd"), StringComparison.Ordinal);
        Assert.StartsWith("http://[::1]:7889/v/a.ts?", Sign("/v/a.ts", "--server.host=::1"), StringComparison.Ordinal);
        var typed = await XliveProgram.RunAsync(folder.Path, "sign", "v/a.ts", "--uid", "u", "--for", "1h", Secret, "--server.public_url=https://cdn.example/");
        Assert.StartsWith("https://cdn.example/v/a.ts?", typed.Output, StringComparison.Ordinal);
        Assert.EndsWith("&scope=/v/a.ts", typed.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_come_and_go_beside_a_running_server()
    {
        using var folder = new ProgramFolder();
        await using var server = await XliveProgram.ServeAsync(folder.Path);
        var made = await XliveProgram.RunAsync(folder.Path, "key", "new", "site two");
        Assert.Equal((0, 43), (made.Code, made.Output.Length));
        Assert.Equal(made.Output, (await XliveProgram.RunAsync(folder.Path, "key", "show", "site two")).Output);
        var again = await XliveProgram.RunAsync(folder.Path, "key", "new", "site two");
        Assert.Equal((1, true), (again.Code, again.Errors.Contains("already", StringComparison.Ordinal)));
        var list = (await XliveProgram.RunAsync(folder.Path, "key", "list")).Output;
        Assert.Contains("\"site two\"", list, StringComparison.Ordinal);
        Assert.DoesNotContain(made.Output, list, StringComparison.Ordinal);

        async Task<string> Sign(params string[] more) => new Uri((await XliveProgram.RunAsync(
            folder.Path, ["sign", Films.Segment, "--uid", "u", "--for", "1h", .. more])).Output).PathAndQuery;
        var link = await Sign("--kid", "site two");
        var other = await Sign();
        await Until(server, link, 200);
        Assert.Equal(0, (await XliveProgram.RunAsync(folder.Path, "key", "remove", "site two")).Code);
        await Until(server, link, 401);
        Assert.Equal(200, (await server.Get(other)).Status);
        Assert.Equal(1, (await XliveProgram.RunAsync(folder.Path, "key", "remove", "site two")).Code);

        // A file there that is no key stops nothing.
        folder.Write("data/keys/signing-k.x.json", "");
        await UntilLogged(folder, "signing keys on disk cannot be read");
        Assert.Equal(200, (await server.Get(other)).Status);
        Assert.False(server.HasEnded);
    }

    [Fact]
    public async Task Tokens_come_and_go_beside_a_running_server_and_the_audit_log_has_it()
    {
        using var folder = new ProgramFolder();
        await using var server = await XliveProgram.ServeAsync(folder.Path);
        var made = await XliveProgram.RunAsync(folder.Path, "token", "new", "ci", "--permissions", "monitor,publish", "--streams", "live/*", "--for", "30d");
        Assert.Equal((0, ""), (made.Code, made.Errors));
        Assert.Matches("^xl_[A-Za-z0-9_-]{43}$", made.Output);
        var again = await XliveProgram.RunAsync(folder.Path, "token", "new", "ci", "--permissions", "monitor");
        Assert.Equal((1, true), (again.Code, again.Errors.Contains("already", StringComparison.Ordinal)));
        async Task<int> Stats() => (await server.Get("/stats", "Authorization: Bearer " + made.Output)).Status;
        await Sessions.SessionApi.Eventually(async () => await Stats() == 200, "it counts");
        var list = (await XliveProgram.RunAsync(folder.Path, "token", "list")).Output;
        Assert.Matches("^[a-z0-9]{8}\tci\tpublish,monitor\tlive/\\*\tuntil .*\t", list);
        Assert.DoesNotContain(made.Output, list, StringComparison.Ordinal);
        Assert.Equal(0, (await XliveProgram.RunAsync(folder.Path, "token", "revoke", "ci")).Code);
        await Sessions.SessionApi.Eventually(async () => await Stats() == 401, "it counts no more");
        Assert.Equal(1, (await XliveProgram.RunAsync(folder.Path, "token", "revoke", "ci")).Code);
        var audit = folder.Read("logs/audit.log");
        Assert.Contains("\"made the API token ci (", audit, StringComparison.Ordinal);
        Assert.Contains("\"revoked the API token ci (", audit, StringComparison.Ordinal);
        Assert.Contains($"\"command of {Environment.UserName}\"", audit, StringComparison.Ordinal);
        Assert.DoesNotContain(made.Output, audit, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_of_the_file_come_and_go_as_it_is_saved()
    {
        using var folder = new ProgramFolder();
        string Conf(string key) => $"access:\n  keys:\n    - {{id: {key}, secret: secret-of-{key}-0123456789}}\n";
        folder.Write("conf.yaml", Conf("old"));
        await using var server = await XliveProgram.ServeAsync(folder.Path);
        async Task<string> Sign(string key) => new Uri((await XliveProgram.RunAsync(
            folder.Path, "sign", Films.Segment, "--uid", "u", "--for", "1h", "--kid", key)).Output).PathAndQuery;
        var old = await Sign("old");
        Assert.Equal(200, (await server.Get(old)).Status);
        folder.Write("conf.yaml", Conf("new"));
        var fresh = await Sign("new");
        await Until(server, fresh, 200);
        Assert.Equal(401, (await server.Get(old)).Status);
        // A broken file is refused, and what holds stays.
        folder.Write("conf.yaml", Conf("third") + "nonsense: 1\n");
        await UntilLogged(folder, "nonsense");
        Assert.Equal(200, (await server.Get(fresh)).Status);
        folder.Write("conf.yaml", Conf("third"));
        await Until(server, fresh, 401);
    }

    [Fact]
    public async Task Users_get_passwords_and_links()
    {
        using var folder = new ProgramFolder();
        await using var server = await XliveProgram.ServeAsync(folder.Path);
        var list = await XliveProgram.RunAsync(folder.Path, "user", "list");
        Assert.Equal((0, "admin\tpublish,subscribe,monitor,admin\tno password"), (list.Code, list.Output));
        var link = await XliveProgram.RunAsync(folder.Path, "user", "link", $"--server.port={server.Port}");
        Assert.Matches($"^http://localhost:{server.Port}/monitor#once=[A-Za-z0-9_-]{{43}}$", link.Output);
        var once = link.Output[(link.Output.IndexOf('=') + 1)..];
        Assert.Equal(200, (await server.Post("/login", $"{{\"once\":\"{once}\"}}")).Status);
        Assert.Equal(401, (await server.Post("/login", $"{{\"once\":\"{once}\"}}")).Status);

        Assert.Equal(2, (await XliveProgram.RunWithAsync(folder.Path, "short\n", null, "user", "password")).Code);
        Assert.Equal(1, (await XliveProgram.RunWithAsync(folder.Path, "long enough a word\n", null, "user", "password", "nobody")).Code);
        Assert.Equal(1, (await XliveProgram.RunAsync(folder.Path, "user", "link", "nobody")).Code);
        var set = await XliveProgram.RunWithAsync(folder.Path, "long enough a word\n", null, "user", "password");
        Assert.Equal((0, "", ""), (set.Code, set.Output, set.Errors));
        Assert.Equal(200, (await server.Post("/login", "{\"username\":\"admin\",\"password\":\"long enough a word\"}")).Status);
        Assert.EndsWith("\tpassword", (await XliveProgram.RunAsync(folder.Path, "user", "list")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Config_check_says_what_is_set_and_from_where()
    {
        using var folder = new ProgramFolder();
        folder.Write("conf.yaml", "access:\n  secret: a-secret-of-the-site-0123\nserver:\n  port: 8000\n");
        var result = await XliveProgram.RunWithAsync(folder.Path, "", new Dictionary<string, string> { ["XLIVE_LOG_LEVEL"] = "debug" },
            "config", "check", "--log.format=json");
        Assert.Equal((0, ""), (result.Code, result.Errors));
        Assert.Matches("server\\.port = 8000 +\\(.*conf.yaml:4\\)", result.Output);
        Assert.Matches("log\\.level = debug +\\(environment", result.Output);
        Assert.Matches("log\\.format = json +\\(command line", result.Output);
        Assert.Contains("access.secret = ***", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("a-secret-of", result.Output, StringComparison.Ordinal);
        folder.Write("conf.yaml", "server:\n  port: 99999\n");
        var wrong = await XliveProgram.RunAsync(folder.Path, "config", "check");
        Assert.Equal((2, ""), (wrong.Code, wrong.Output));
        Assert.StartsWith("conf.yaml:2: server.port: ", wrong.Errors, StringComparison.Ordinal);
    }

    /// <summary>A change beside the server holds within two seconds; this machine may be busy.</summary>
    private static async Task Until(XliveProgram server, string link, int status)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while ((await server.Get(link)).Status != status)
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(6), $"no {status} after {clock.Elapsed}");
            await Task.Delay(50);
        }
    }

    private static async Task UntilLogged(ProgramFolder folder, string text)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (!folder.Read("logs/xlive.log").Contains(text, StringComparison.Ordinal))
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), folder.Read("logs/xlive.log"));
            await Task.Delay(50);
        }
    }
}
