using XLive.Server.Tests.Cache;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Tls;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Gate;

/// <summary>`./run warm` and `./run purge` beside a running server.</summary>
[Collection(ProgramTests.Name)]
public sealed class WarmCommandTests
{
    private static readonly byte[] Playlist =
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXTINF:4,\nb.ts\n#EXTINF:4,\ngone.ts\n#EXT-X-ENDLIST\n"u8.ToArray();

    private static Task<ScriptedOrigin> OriginAsync() => ScriptedOrigin.StartAsync(static c =>
        c.Request.Path == "/film/index.m3u8" ? ScriptedOrigin.File(c, Playlist, "\"p\"")
        : c.Request.Path == "/film/gone.ts" ? ScriptedOrigin.NotFound(c)
        : ScriptedOrigin.File(c, Pattern.Bytes(1000), "\"s\""));

    private static string[] Before(ScriptedOrigin origin) => ["--backend.mode=http", "--backend.host=127.0.0.1", $"--backend.port={origin.Port}", "--access.enable=false"];

    [Fact]
    public async Task A_film_is_warmed_and_purged_with_nothing_but_the_data_folder()
    {
        await using var origin = await OriginAsync();
        using var folder = new ProgramFolder();
        Task<XliveProgram.Result> Run(int port, params string[] words) => XliveProgram.RunAsync(folder.Path, [.. words, $"--server.port={port}", "--hls.port=0", "--rtmp.port=0"]);

        var never = await Run(FreePort.Next(), "warm", "/film/a.ts");
        Assert.Equal((1, ""), (never.Code, never.Output));
        Assert.Contains("no server has run with data.dir " + folder.Path + "/data yet", never.Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.Path + "/data"));

        var log = "";
        int port;
        await using (var server = await XliveProgram.ServeAsync(folder.Path, [.. Before(origin), "--log.level=debug"]))
        {
            port = server.Port;
            var some = await Run(port, "warm", "/film/index.m3u8");
            Assert.Equal((1, "incomplete: 3 of 4 warm, 2098 bytes, 1 failed"), (some.Code, some.Output.Trim()));
            Assert.Equal("/film/gone.ts: the origin answered 404", some.Errors.Trim());
            Assert.Equal("XLive; hit", (await server.Get("/film/b.ts"))["Cache-Status"]);
            var again = await Run(port, "warm", "/film/a.ts", "/film/b.ts");
            Assert.Equal((0, "done: 2 of 2 warm, 2000 bytes", ""), (again.Code, again.Output.Trim(), again.Errors));

            var purged = await Run(port, "purge", "/film/a*", "/film/b.ts");
            Assert.Equal((0, "purged 2 objects", ""), (purged.Code, purged.Output.Trim(), purged.Errors));
            Assert.Equal("XLive; fwd=miss; stored", (await server.Get("/film/b.ts"))["Cache-Status"]);

            var wrong = await Run(port, "purge", "/film/../a");
            Assert.Equal((1, ""), (wrong.Code, wrong.Output));
            Assert.Contains("paths[0] has a dot segment", wrong.Errors, StringComparison.Ordinal);
            var unknown = await Run(port, "warm", "/none/");
            Assert.Equal(1, unknown.Code);
            Assert.Contains("an HTTP origin has no list of its files", unknown.Errors, StringComparison.Ordinal);

            using var stranger = new ProgramFolder();
            Directory.CreateDirectory(stranger.Path + "/data/keys");
            stranger.Write("data/keys/command", new string('x', 43));
            var refused = await XliveProgram.RunAsync(stranger.Path, "purge", "/", $"--server.port={port}");
            Assert.Equal(1, refused.Code);
            Assert.Contains("has another data folder than " + stranger.Path + "/data", refused.Errors, StringComparison.Ordinal);
            log = string.Concat(Directory.EnumerateFiles(folder.Path + "/logs").Select(File.ReadAllText));
        }
        Assert.Contains("\"command\" \"purged /film/a* and 1 more from the cache, 2 objects\"", log, StringComparison.Ordinal);
        Assert.DoesNotContain("XLive-Command", log, StringComparison.Ordinal);
        Assert.DoesNotContain(folder.Read("data/keys/command").Trim(), log, StringComparison.Ordinal);

        var away = await Run(port, "purge", "/");
        Assert.Equal((1, ""), (away.Code, away.Output));
        Assert.Contains($"no server answers at http://127.0.0.1:{port}/", away.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_finds_the_port_of_management_whatever_the_settings_make_of_it()
    {
        await using var origin = await OriginAsync();
        using var folder = new ProgramFolder();
        folder.Write("conf.yaml", $"admin:\n  port: {FreePort.Next()}\n  allow: [127.0.0.0/8]\n");
        await using (await XliveProgram.ServeAsync(folder.Path, Before(origin)))
            Assert.Equal("purged 0 objects", (await XliveProgram.RunAsync(folder.Path, "purge", "/")).Output.Trim());
        folder.Write("conf.yaml", "");
        string[] tls = [.. TestAuthority.SelfSigned().Options(folder.Path, FreePort.Next()), "--tls.redirect=true"];
        await using (await XliveProgram.ServeAsync(folder.Path, [.. Before(origin), .. tls]))
        {
            Assert.Equal("purged 0 objects", (await XliveProgram.RunAsync(folder.Path, ["purge", "/", .. tls])).Output.Trim());
            // One with another certificate is another server.
            string[] other = [tls[0], .. TestAuthority.SelfSigned().Options(Directory.CreateDirectory(folder.Path + "/other").FullName, 1)[1..], "--tls.redirect=true"];
            Assert.Contains("no server answers at https://127.0.0.1:", (await XliveProgram.RunAsync(folder.Path, ["purge", "/", .. other])).Errors, StringComparison.Ordinal);
        }
        folder.Write("conf.yaml", "admin: {allow: [192.0.2.0/24]}\n");
        await using (var server = await XliveProgram.ServeAsync(folder.Path, Before(origin)))
        {
            var hidden = await XliveProgram.RunAsync(folder.Path, "purge", "/", $"--server.port={server.Port}");
            Assert.Equal(1, hidden.Code);
            Assert.Contains("admin.allow does not have this machine", hidden.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_stop_of_the_command_stops_the_warming()
    {
        var gate = new TaskCompletionSource();
        await using var origin = await ScriptedOrigin.StartAsync(async c =>
        {
            await gate.Task;
            await ScriptedOrigin.File(c, new byte[100], "\"s\"");
        });
        using var folder = new ProgramFolder();
        await using var server = await XliveProgram.ServeAsync(folder.Path, Before(origin));
        await using var command = XliveProgram.Run(folder.Path, "warm", "/a.ts", $"--server.port={server.Port}");
        Until.Equal(1, () => origin.Requests.Count, "requests");
        command.Signal(XliveProgram.SigTerm);
        Assert.Equal(1, await command.ExitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal("stopped: 0 of 1 warm, 0 bytes", command.Output.Trim());
        gate.SetResult();
    }
}
