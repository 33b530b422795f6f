using System.Text;
using System.Text.Json;

namespace XLive.Server.Tests.Gate;

/// <summary>What the whole server writes of its requests, and what it must never write.</summary>
public sealed class OutputTests
{
    [Fact]
    public async Task A_line_a_request_with_who_what_and_how_much()
    {
        await using var server = await GateServer.StartAsync();
        var session = await server.SessionPath(server.Link(Films.Master, "u7"), "User-Agent: VLC/3.0", "Referer: https://page.example/watch?v=1");
        var entry = await server.AccessLine(l => l.Contains(Films.Master, StringComparison.Ordinal));
        Assert.Matches(
            "^2025-03-01T12:00:00.000Z 127\\.0\\.0\\.1 \"GET /v/film/master\\.m3u8\\?uid=u7&expires=[0-9]+&token=\\*\" 200 [0-9]+ 0us "
            + "uid=\"u7\" sid=\"[A-Za-z0-9_-]{16}\" id=\"[0-9a-f]{16}\" \"VLC/3\\.0\" \"https://page\\.example/watch\"$", entry);
        var sid = entry[entry.IndexOf("sid=", StringComparison.Ordinal)..entry.IndexOf(" id=", StringComparison.Ordinal)];
        await server.Get(session + Films.Segment);
        var child = await server.AccessLine(l => l.Contains(Films.Segment, StringComparison.Ordinal));
        Assert.Contains($"\"GET /~s1.*{Films.Segment}\" 200 2048 0us uid=\"u7\" {sid} ", child, StringComparison.Ordinal);
        // A head has no body, whatever it promises; a range has its own bytes.
        await server.Ask("HEAD", session + Films.Segment);
        Assert.Contains("\" 200 0 ", await server.AccessLine(l => l.Contains("HEAD ", StringComparison.Ordinal)), StringComparison.Ordinal);
        await server.Get(session + Films.Segment, "Range: bytes=0-9");
        Assert.Contains("\" 206 10 ", await server.AccessLine(l => l.Contains(" 206 ", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_viewer_who_leaves_is_499_with_what_he_took()
    {
        await using var server = await GateServer.StartAsync("enable: false");
        long taken = 0;
        using (var viewer = await Reply.Connect(server.Port))
        {
            await viewer.SendAsync(Reply.Request("GET", "/v/film/large.ts"));
            var buffer = new byte[64 << 10];
            while (taken < 1 << 20)
                taken += await viewer.ReceiveAsync(buffer);
            viewer.LingerState = new System.Net.Sockets.LingerOption(true, 0);
        }
        var line = await server.AccessLine(l => l.Contains("large.ts", StringComparison.Ordinal));
        var figures = line[(line.IndexOf("\" ", StringComparison.Ordinal) + 2)..].Split(' ');
        Assert.Equal("499", figures[0]);
        // What his TCP had not acknowledged when he reset is not charged: on loopback up to two segments of 64 KiB.
        Assert.InRange(long.Parse(figures[1], System.Globalization.CultureInfo.InvariantCulture), taken - (128 << 10), (64 << 20) - 1);
    }

    [Fact]
    public async Task No_secret_is_in_any_output()
    {
        await using var server = await GateServer.StartAsync(
            "keys:\n  - {id: k1, secret: key-secret-0123456789}", $"auth:\n  admin_password: {GateServer.AdminPassword}\nlog:\n  level: trace\n");
        var answers = new StringBuilder();
        var secrets = new List<string> { GateServer.Secret, GateServer.AdminPassword, "key-secret-0123456789", "once-0123456789", "wrong-password-1" };
        async Task<Reply> Ask(string target, params string[] headers)
        {
            var reply = await server.Get(target, headers);
            if (reply.Status >= 400)
                answers.Append(reply.Text).AppendJoin(' ', reply.Headers.SelectMany(h => h));
            return reply;
        }
        void Keep(string link) => secrets.Add(link[(link.LastIndexOf("token=", StringComparison.Ordinal) + 6)..].Split('&')[0]);

        foreach (var link in (string[])[
            server.Link(Films.Master), server.Link(Films.Master, lasts: -99), server.Link(Films.Master, scope: "/x/"), server.Link("/v/none.ts"), server.Link("/top.ts"),
            server.Link(Films.Master, kid: "k1", secret: "key-secret-0123456789"), server.Link(Films.Master, kid: "none")])
        {
            Keep(link);
            await Ask(link, "Referer: https://page.example" + link, "User-Agent: player " + link);
            await Ask(link.Replace("token=", "%74oken=", StringComparison.Ordinal));
            await Ask(link + "&token=" + secrets[^1]);
            await Ask("/v/film%2f" + link);
            await Ask("/health" + link);
            await Ask("/stats" + link);
        }
        foreach (var link in (string[])[server.PathLink(Films.Master), server.PathLink(Films.Master, lasts: -99), server.PathLink(Films.Master, scope: "/x/")])
        {
            secrets.Add(link[..link.IndexOf('/', 1)].Split('.')[5]);
            await Ask(link, "Referer: https://page.example" + link);
            await Ask(link.Replace("/~v1", "/%7Ev1", StringComparison.Ordinal));
            await Ask(link + "%00");
        }
        var session = await server.SessionPath(server.Link(Films.Master));
        secrets.AddRange(session.Split('.')[1..]);
        await Ask(session + Films.Segment, "Referer: https://page.example" + session + Films.Master);
        await Ask(session + "/v/none.ts");
        await Ask(session + "x" + Films.Segment);
        await Ask(session + "/v//x");

        var token = await RouteTests.SignIn(server);
        secrets.AddRange(token.Split('.')[1..]);
        await Ask("/stats", "Authorization: Bearer " + token);
        await Ask("/api/v1/config", "Authorization: Bearer " + token + "x");
        await Ask("/stats?access_token=" + token);
        await Ask("/monitor?once=once-0123456789");
        foreach (var body in (string[])["""{"once":"once-0123456789"}""", """{"username":"admin","password":"wrong-password-1"}""", """{"username":"admin","password":"wrong-password-1","x":""", """{"refresh_token":"once-0123456789"}"""])
        {
            answers.Append((await Reply.Post(server.Port, "/login", body)).Text);
            answers.Append((await Reply.Post(server.Port, "/refresh", body)).Text);
        }

        var output = server.AllOutput() + answers;
        Assert.Contains("no_grant", output + "no_grant", StringComparison.Ordinal);
        Assert.Contains("token=*", output, StringComparison.Ordinal);
        Assert.Contains("/~s1.*/", output, StringComparison.Ordinal);
        Assert.All(secrets, s => Assert.True(s.Length > 8));
        foreach (var secret in secrets)
            Assert.DoesNotContain(secret, output, StringComparison.Ordinal);
        Assert.DoesNotContain("unhandled", output, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("text")]
    [InlineData("json")]
    public async Task Nobody_forges_a_line_over_the_wire(string format)
    {
        await using var server = await GateServer.StartAsync(rest: $"log:\n  format: {format}\n");
        const string Forged = "2025-03-01T12:00:00.000Z 6.6.6.6 \\\"GET /forged\\\" 200";
        string[] targets = ["/a%0D%0A" + Forged.Replace(" ", "%20", StringComparison.Ordinal), "/a%0a%1b[2J", "/a?x=%0d%0aforged", "/a\u0080b", "/%e2%80%a8x", "/a\"b\\c"];
        // U+0085, U+2028 and U+202E as they come over the wire; an escape and a bell.
        string[] headers = ["User-Agent: a\tb \u001b[2J \"quoted\\ \u00c2\u0085 \u00e2\u0080\u00a8", "Referer: http://x/\u001b]0;x\u0007\u00e2\u0080\u00ae\""];
        var answered = 0;
        foreach (var target in targets)
        {
            foreach (var sent in (string[][])[[], headers[..1], headers[1..]])
                answered += (await server.Get(target, sent))["X-Request-Id"] is null ? 0 : 1;
        }
        // What Kestrel itself refuses as no HTTP leaves no line.
        Assert.InRange(answered, targets.Length - 1, targets.Length * 3);
        await server.Get("/last");
        await server.AccessLine(l => l.Contains("/last", StringComparison.Ordinal));
        var lines = server.LogLines("access.log");
        Assert.Equal(answered + 1, lines.Length);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', lines));
        foreach (var line in lines.Concat(server.LogLines("audit.log")))
        {
            Assert.DoesNotContain(line, c => char.IsControl(c) || c is '\u2028' or '\u202e');
            if (format == "json")
                JsonDocument.Parse(line).Dispose();
            else
                Assert.StartsWith("2025-03-01T12:00:00.000Z 127.0.0.1 \"", line, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Json_lines_have_the_same_facts()
    {
        await using var server = await GateServer.StartAsync(rest: "log:\n  format: json\n");
        await server.Get(server.Link(Films.Segment, "Jürgen \"1\""), "User-Agent: VLC");
        using var line = JsonDocument.Parse(await server.AccessLine(l => l.Contains(Films.Segment, StringComparison.Ordinal)));
        var root = line.RootElement;
        Assert.Equal(("GET", 200, 2048, "Jürgen \"1\"", "VLC", "127.0.0.1"), (root.GetProperty("method").GetString(), root.GetProperty("status").GetInt32(),
            root.GetProperty("bytes").GetInt32(), root.GetProperty("uid").GetString(), root.GetProperty("user_agent").GetString(), root.GetProperty("client").GetString()));
        await server.Get(Films.Segment);
        using var audit = JsonDocument.Parse(Assert.Single(server.LogLines("audit.log")));
        Assert.Equal(("refused", "no_grant", Films.Segment), (audit.RootElement.GetProperty("who").GetString(), audit.RootElement.GetProperty("what").GetString(),
            audit.RootElement.GetProperty("path").GetString()));
    }

    [Fact]
    public async Task A_refusal_is_audited_with_reason_and_key_once_a_second()
    {
        await using var server = await GateServer.StartAsync("keys:\n  - {id: k1, secret: key-secret-0123456789}");
        var late = server.Link(Films.Segment, kid: "k1", secret: "key-secret-0123456789", lasts: -99);
        for (var i = 0; i < 5; i++)
            await server.Get(late);
        var line = Assert.Single(server.LogLines("audit.log"));
        Assert.StartsWith("2025-03-01T12:00:00.000Z 127.0.0.1 \"refused\" \"expired\" path=\"/v/film/720p/0.ts?uid=u1&", line, StringComparison.Ordinal);
        Assert.EndsWith(" kid=\"k1\"", line, StringComparison.Ordinal);
        // Another reason and another address have lines of their own.
        await server.Get(Films.Segment);
        await server.GetFrom("127.0.0.2", late);
        Assert.Equal(3, server.LogLines("audit.log").Length);
        server.Clock.Pass(TimeSpan.FromSeconds(1));
        await server.Get(late);
        Assert.EndsWith(" and_before=4", server.LogLines("audit.log")[3], StringComparison.Ordinal);
        // What is not there is no refusal.
        await server.Get(server.Link("/v/film/none.ts"));
        Assert.Equal(4, server.LogLines("audit.log").Length);
    }

    [Fact]
    public async Task The_level_changes_while_it_runs()
    {
        await using var server = await GateServer.StartAsync(rest: "log:\n  level: warning\n");
        await server.Get("/v/one.ts");
        server.Reload(rest: "log:\n  level: info\n");
        await server.Get("/v/two.ts");
        await server.AccessLine(l => l.Contains("two.ts", StringComparison.Ordinal));
        Assert.DoesNotContain(server.LogLines("access.log"), l => l.Contains("one.ts", StringComparison.Ordinal));
        Assert.Contains(server.LogLines("xlive.log"), l => l.Contains(" info    ", StringComparison.Ordinal) && l.EndsWith("settings changed: log.level", StringComparison.Ordinal));
        // A refusal is audited at every level.
        Assert.Contains(server.LogLines("audit.log"), l => l.Contains("one.ts", StringComparison.Ordinal));
        server.Configure(rest: "log:\n  level: warn\n");
        Assert.Contains("log.level", Assert.Single(server.Settings.Reload()).ToString(), StringComparison.Ordinal);
        var refused = server.LogLines("error.log").Last(l => l.Contains("refused", StringComparison.Ordinal));
        Assert.Contains(" error   ", refused, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Full_files_roll()
    {
        await using var server = await GateServer.StartAsync(rest: "log:\n  max_size: 4096\n  max_files: 3\n");
        for (var i = 0; i < 60; i++)
        {
            await server.Get($"/v/none-{i}.ts?" + new string('x', 200));
            server.LogLines("access.log");
        }
        var files = Directory.GetFiles(server.Folder + "/logs", "access*.log").Select(Path.GetFileName).Order(StringComparer.Ordinal);
        Assert.Equal(["access.1.log", "access.2.log", "access.log"], files);
        Assert.All(Directory.GetFiles(server.Folder + "/logs", "access*.log"), f => Assert.True(new FileInfo(f).Length <= 4096));
        Assert.All((string[])["xlive.log", "error.log", "audit.log", "access.log"], f => Assert.True(File.Exists(server.Folder + "/logs/" + f), f));
    }
}
