using System.Net;
using System.Net.Sockets;
using XLive.Server.Door;
using XLive.Server.Door.Tls;
using XLive.Server.Rtmp;
using XLive.Server.Settings;

namespace XLive.Server.Tests.Gate;

/// <summary>What a start says and makes, and how it fails.</summary>
[Collection(ProgramTests.Name)]
public sealed class HouseTests
{
    [Fact]
    public async Task A_settings_fault_is_one_line_with_its_place_and_the_nearest_name()
    {
        using var folder = new ProgramFolder();
        folder.Write("conf.yaml", "server:\n  port: 7889\naccess:\n  secrt: x\n");
        var unknown = await XliveProgram.RunAsync(folder.Path);
        Assert.Equal((2, ""), (unknown.Code, unknown.Output));
        var line = Assert.Single(unknown.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("conf.yaml:4: access.secrt: ", line, StringComparison.Ordinal);
        Assert.Contains("access.secret", line, StringComparison.Ordinal);

        folder.Write("conf.yaml", "server:\n  port: many\naccess:\n  secret: tooshort\n");
        var wrong = await XliveProgram.RunAsync(folder.Path);
        Assert.Equal(2, wrong.Code);
        Assert.Contains("conf.yaml:2: server.port: ", wrong.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("tooshort", wrong.Errors, StringComparison.Ordinal);

        var option = await XliveProgram.RunAsync(folder.Path, "--config=none.yaml");
        Assert.Equal((2, ""), (option.Code, option.Output));
        Assert.Contains("--config", Assert.Single(option.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "data")), "a start that is refused makes nothing");
    }

    /// <summary>What a start makes of a fault the test above shows: here nothing is started.</summary>
    [Theory]
    [InlineData("--server.prt=1", "--server.port")]
    [InlineData("--server.host=example.com", "server.host")]
    [InlineData("--log.level=warn", "log.level")]
    [InlineData("--access.allow=10.0.0.1/8", "access.allow")]
    [InlineData("--access.clients={robot: []}", "access.clients")]
    [InlineData("--access.trusted_proxies=[fe80::1%eth0]", "access.trusted_proxies")]
    [InlineData("--admin.allow=[localhost]", "admin.allow")]
    [InlineData("--admin.port=7889", "admin.port")]
    [InlineData("--auth.open_to=[127.1]", "auth.open_to")]
    [InlineData("--backend.mode=http", "backend.mode")]
    [InlineData("--config=none.yaml", "--config")]
    public void An_option_that_cannot_be_is_named(string option, string named)
    {
        using var folder = new ProgramFolder();
        var refused = Assert.Throws<SettingsException>(() => folder.Settings(option));
        Assert.Contains(named, string.Join('\n', refused.Faults), StringComparison.Ordinal);
    }

    private static TcpListener Take(string key, out string[] options)
    {
        var taken = new TcpListener(IPAddress.IPv6Any, 0);
        taken.Server.DualMode = true;
        taken.Start();
        options = [$"--server.port={FreePort.Next()}", $"--hls.port={FreePort.Next()}", "--rtmp.port=0", $"--{key}={((IPEndPoint)taken.LocalEndpoint).Port}"];
        return taken;
    }

    [Theory]
    [InlineData("server.port")]
    [InlineData("hls.port")]
    [InlineData("admin.port")]
    [InlineData("rtmp.port")]
    public void A_taken_port_is_found_by_its_key(string key)
    {
        using var folder = new ProgramFolder();
        using var taken = Take(key, out var options);
        var settings = folder.Settings(options);
        Assert.Equal(key, Listeners.KeyOfTakenPort(settings.Of<DoorOptions>(), settings.Of<TlsOptions>(), settings.RtmpPorts()));
    }

    /// <summary>Of HTTP and not: each is a start of nearly everything.</summary>
    [Theory]
    [InlineData("hls.port")]
    [InlineData("rtmp.port")]
    public async Task A_taken_port_is_exit_3_and_names_its_key(string key)
    {
        using var folder = new ProgramFolder();
        using var taken = Take(key, out var options);
        var result = await XliveProgram.RunAsync(folder.Path, [.. options, "--backend.filesystem.root=media"]);
        Assert.Equal(3, result.Code);
        Assert.StartsWith(key + ": ", result.Errors, StringComparison.Ordinal);
        Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.DoesNotContain("XLive is ready", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_first_start_makes_what_it_needs_and_says_what_there_is()
    {
        using var folder = new ProgramFolder();
        await using (var server = await XliveProgram.ServeAsync(folder.Path))
        {
            string Labelled(string label) => Assert.Single(server.Lines, l => l.StartsWith(label + ":", StringComparison.Ordinal))[(label.Length + 1)..].Trim();
            Assert.Equal(folder.Path + "/media", Labelled("Films"));
            Assert.Contains($":{server.Port}", Labelled("Listening"), StringComparison.Ordinal);
            Assert.Equal($"http://localhost:{server.Port}/health", Labelled("Health"));
            Assert.Contains("/monitor#once=", Labelled("Sign in"), StringComparison.Ordinal);
            Assert.Equal("XLive is ready", server.Lines[^1]);
            Assert.Equal(200, (await server.Get("/health")).Status);

            var keys = new DirectoryInfo(Path.Combine(folder.Path, "data", "keys"));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, keys.UnixFileMode);
            Assert.Contains(keys.GetFiles(), f => f.Name == "signing-default.json");
            Assert.All(keys.GetFiles(), f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, f.UnixFileMode));
            foreach (var log in (string[])["xlive.log", "access.log", "error.log", "audit.log"])
                Assert.True((File.GetUnixFileMode(folder.Path + "/logs/" + log) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) == 0, log);

            // The same data directory is one server's at a time.
            var second = await XliveProgram.RunAsync(folder.Path, $"--server.port={FreePort.Next()}", "--hls.port=0", "--rtmp.port=0");
            Assert.Equal(1, second.Code);
            Assert.Matches("^data\\.dir: [^:]* is in use by another XLive \\(process [0-9]+\\)\n?$", second.Errors);
            server.Signal(XliveProgram.SigTerm);
            Assert.Equal(0, await server.ExitAsync(TimeSpan.FromSeconds(20)));
        }

        // A second start makes nothing anew, and shows no link.
        var key = folder.Read("data/keys/signing-default.json");
        await using var again = await XliveProgram.ServeAsync(folder.Path);
        Assert.DoesNotContain("once=", again.Output, StringComparison.Ordinal);
        Assert.Equal(key, folder.Read("data/keys/signing-default.json"));
    }

    [Fact]
    public async Task All_ports_answer_before_it_says_ready()
    {
        using var folder = new ProgramFolder();
        var (second, rtmp) = (FreePort.Next(), FreePort.Next());
        await using var server = await XliveProgram.ServeAsync(folder.Path, $"--hls.port={second}", $"--rtmp.port={rtmp}");
        Assert.Equal(200, (await server.Get("/health/ready")).Status);
        Assert.Equal(200, (await Reply.Of(second, "GET", "/health/ready")).Status);
        using var encoder = new TcpClient("127.0.0.1", rtmp);
        Assert.Equal(3, server.Lines.Count(l => l.StartsWith("Listening:", StringComparison.Ordinal)));
        Assert.Contains($"Listening:    rtmp://localhost:{rtmp}", server.Lines);
    }

    [Fact]
    public async Task An_unknown_variable_and_an_unbuilt_key_only_warn()
    {
        using var folder = new ProgramFolder();
        var result = await XliveProgram.RunWithAsync(folder.Path, "", new Dictionary<string, string> { ["XLIVE_SERVICE_HOST"] = "10.0.0.1" },
            "config", "check", "--live.thumbnails=false");
        Assert.Equal(0, result.Code);
        Assert.Contains("XLIVE_SERVICE_HOST", result.Output, StringComparison.Ordinal);
        Assert.Contains("live.thumbnails", Assert.Single(result.Output.Split('\n'), l => l.Contains("not built yet", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ASPNETCORE_FORWARDEDHEADERS_ENABLED")]
    [InlineData("DOTNET_FORWARDEDHEADERS_ENABLED")]
    public async Task The_switch_that_believes_everybody_is_refused(string variable)
    {
        using var folder = new ProgramFolder();
        var result = await XliveProgram.RunWithAsync(folder.Path, "", new Dictionary<string, string> { [variable] = "true" });
        Assert.Equal((2, ""), (result.Code, result.Output));
        var line = Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith(variable + ": ", line, StringComparison.Ordinal);
        Assert.Contains("access.trusted_proxies", line, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "data")), "a start that is refused makes nothing");
    }

    [Fact]
    public async Task The_link_to_sign_in_leads_to_the_port_for_management()
    {
        using var folder = new ProgramFolder();
        var admin = FreePort.Next();
        await using var program = await XliveProgram.ServeAsync(folder.Path, $"--admin.port={admin}", "--server.public_url=[https://media.example]");
        var link = Assert.Single(program.Lines, l => l.StartsWith("Sign in: ", StringComparison.Ordinal));
        Assert.Contains($" http://localhost:{admin}/monitor#once=", link, StringComparison.Ordinal);
        Assert.Equal(200, (await Reply.Of(admin, "GET", "/monitor")).Status);
        Assert.Equal(404, (await program.Get("/monitor")).Status);
        var again = await XliveProgram.RunAsync(folder.Path, "user", "link", $"--admin.port={admin}");
        Assert.StartsWith($"http://localhost:{admin}/monitor#once=", again.Output, StringComparison.Ordinal);
    }
}
