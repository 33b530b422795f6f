using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Sessions;

namespace XLive.Server.Tests.Gate;

/// <summary>An entry sends its children below a path of the viewer's own, and what lies below it.</summary>
public sealed class SessionPathTests
{
    private const string PublicUrl = "server:\n  public_url: [\"http://media.example:8080\"]\n";

    [Fact]
    public async Task An_entry_differs_from_the_file_in_its_own_URIs_alone()
    {
        await using var server = await GateServer.StartAsync(rest: PublicUrl);
        var reply = await server.Get(server.Link(Films.Master));
        var session = GateServer.SessionPathOf(reply);
        Assert.Equal(Films.MasterText
            .Replace("\"audio/index.m3u8\"", $"\"{session}/v/film/audio/index.m3u8\"", StringComparison.Ordinal)
            .Replace("\n720p/", $"\n{session}/v/film/720p/", StringComparison.Ordinal)
            .Replace("http://media.example:8080/", session + "/", StringComparison.Ordinal)
            .Replace("\n/v/film/180p", $"\n{session}/v/film/180p", StringComparison.Ordinal), reply.Text);
        Assert.StartsWith("private", reply["Cache-Control"], StringComparison.Ordinal);
        Assert.Equal("application/vnd.apple.mpegurl", reply["Content-Type"]);
    }

    [Fact]
    public async Task An_entry_that_is_a_media_playlist_is_rewritten_line_by_line()
    {
        await using var server = await GateServer.StartAsync();
        var reply = await server.Get(server.Link(Films.Rendition, scope: "/v/film/"));
        var session = GateServer.SessionPathOf(reply);
        Assert.Equal(Films.RenditionText
            .Replace("../k/enc.bin", session + "/v/film/k/enc.bin", StringComparison.Ordinal)
            .Replace("init.mp4", session + "/v/film/720p/init.mp4", StringComparison.Ordinal)
            .Replace("\n0.ts", $"\n{session}/v/film/720p/0.ts", StringComparison.Ordinal)
            .Replace("\n1.ts?", $"\n{session}/v/film/720p/1.ts?", StringComparison.Ordinal), reply.Text);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_player_with_only_the_first_URL_gets_to_every_segment_and_key(bool pathForm)
    {
        await using var server = await GateServer.StartAsync(rest: PublicUrl);
        var first = pathForm ? server.PathLink(Films.Master) : server.Link(Films.Master);
        var fetched = new Dictionary<string, Reply>();
        var waiting = new Queue<string>([first]);
        while (waiting.TryDequeue(out var target))
        {
            var reply = fetched[target] = await server.Get(target);
            Assert.Equal("200", GateServer.VerdictOf(reply));
            if (reply["Content-Type"] != "application/vnd.apple.mpegurl")
                continue;
            var quoted = System.Text.RegularExpressions.Regex.Matches(reply.Text, "URI=\"([^\"]*)\"").Select(m => m.Groups[1].Value);
            foreach (var uri in reply.Text.Split('\n').Where(l => l.Length > 0 && l[0] != '#').Concat(quoted))
            {
                var child = new Uri(new Uri("http://media.example" + target), uri);
                if (child.Host != "other.example" && !fetched.ContainsKey(child.PathAndQuery))
                    waiting.Enqueue(child.PathAndQuery);
            }
        }
        // The master, four media playlists, in each of the four directories an init and two segments; one key for all.
        Assert.Equal(1 + 4 + 12 + 1, fetched.Count);
        var key = fetched.Single(f => f.Key.EndsWith("enc.bin", StringComparison.Ordinal)).Value;
        Assert.Equal(("0123456789abcdef", "private, no-store"), (key.Text, key["Cache-Control"]));
    }

    [Fact]
    public async Task Shared_playlists_are_the_same_bytes_for_everybody()
    {
        await using var server = await GateServer.StartAsync();
        var one = await server.SessionPath(server.Link(Films.Master, "u1"));
        var two = await server.SessionPath(server.Link(Films.Master, "u2"));
        Assert.NotEqual(one, two);
        foreach (var accepts in (string[])["identity", "gzip"])
        {
            var first = await server.Get(one + Films.Master, "Accept-Encoding: " + accepts);
            var second = await server.Get(two + Films.Master, "Accept-Encoding: " + accepts);
            Assert.Equal(first.Body, second.Body);
            Assert.Equal((first["ETag"], first.Status), (second["ETag"], 200));
            Assert.DoesNotContain("~s1", EntryTests.Plain(first), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task One_viewer_keeps_one_session()
    {
        await using var server = await GateServer.StartAsync();
        var sessions = server.Services.GetRequiredService<SessionTable>();
        var link = server.Link(Films.Master, scope: "/v/film/");
        var first = await server.SessionPath(link, "User-Agent: VLC/3.0");
        // However the grant is dressed, and whatever stands beside it.
        Assert.Equal(first, await server.SessionPath(link + "&CMCD=bl%3D100", "User-Agent: VLC/3.0"));
        Assert.Equal(first, await server.SessionPath(link + "&_HLS_msn=17", "User-Agent: VLC/3.0"));
        Assert.Equal(first, await server.SessionPath(server.PathLink(Films.Master, scope: "/v/film/"), "User-Agent: VLC/3.0"));
        Assert.Equal(200, (await server.Get(link.Replace("master.m3u8", "720p/0.ts", StringComparison.Ordinal), "User-Agent: VLC/3.0")).Status);
        Assert.Equal(first, GateServer.SessionPathOf(await server.GetFrom("127.0.0.99", link, "User-Agent: VLC/3.0")));
        Assert.Equal(1, sessions.Counts.AllOpened);
        // A reload of the rules is not a new viewer.
        server.Reload("max_lifetime: 6d");
        Assert.Equal(first, await server.SessionPath(link, "User-Agent: VLC/3.0"));
        Assert.Equal(1, sessions.Counts.AllOpened);

        Assert.NotEqual(first, await server.SessionPath(link, "User-Agent: VLC/4.0"));
        Assert.NotEqual(first, GateServer.SessionPathOf(await server.GetFrom("127.0.1.1", link, "User-Agent: VLC/3.0")));
        Assert.NotEqual(first, await server.SessionPath(server.Link(Films.Master, lasts: 3601, scope: "/v/film/"), "User-Agent: VLC/3.0"));
        Assert.Equal(4, sessions.Counts.AllOpened);
    }

    [Fact]
    public async Task After_thirty_silent_seconds_it_is_another_viewer()
    {
        await using var server = await GateServer.StartAsync();
        var link = server.Link(Films.Master);
        var first = await server.SessionPath(link);
        server.Clock.Pass(TimeSpan.FromSeconds(29));
        Assert.Equal(200, (await server.Get(first + Films.Segment)).Status);
        server.Clock.Pass(TimeSpan.FromSeconds(29));
        Assert.Equal(first, await server.SessionPath(link));
        server.Clock.Pass(TimeSpan.FromSeconds(30));
        Assert.NotEqual(first, await server.SessionPath(link));
    }

    [Fact]
    public async Task What_this_service_did_not_make_is_refused()
    {
        await using var server = await GateServer.StartAsync();
        var session = await server.SessionPath(server.Link(Films.Master));
        Assert.Equal("200", await server.Verdict(session + Films.Segment));
        var random = new Random(1);
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
        for (var at = "/~s1.".Length; at < session.Length; at++)
        {
            var other = Alphabet[random.Next(Alphabet.Length)];
            if (other != session[at])
                Assert.Equal("401 wrong_token", await server.Verdict(session[..at] + other + session[(at + 1)..] + Films.Segment));
        }
        foreach (var forged in (string[])[
            session[..^1], session + "A", session + ".A", session + "=", session[..session.LastIndexOf('.')], "/~s1.", "/~s1..", "/~s1.A.",
            "/~s1." + new string('A', 4000) + "." + new string('A', 22), "/~s1.." + new string('A', 22)])
            Assert.Equal("401 wrong_token", await server.Verdict(forged + Films.Segment));
        // A session's path is no link: its MAC is none under the site's secret, and its payload none of a link.
        Assert.Equal("400 malformed", await server.Verdict(session.Replace("~s1.", "~v1.", StringComparison.Ordinal) + Films.Segment));
    }

    [Fact]
    public async Task The_other_bits_of_the_last_character_make_no_second_spelling()
    {
        await using var server = await GateServer.StartAsync();
        // 16 bytes leave four bits of the MAC's last character unused.
        var session = await server.SessionPath(server.Link(Films.Master));
        var mac = session[(session.LastIndexOf('.') + 1)..];
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        var last = Alphabet.IndexOf(mac[^1], StringComparison.Ordinal);
        var spare = Enumerable.Range(last & 0x30, 16).Where(i => i != last).Select(i => mac[..^1] + Alphabet[i]);
        foreach (var other in spare)
            Assert.Equal("401 wrong_token", await server.Verdict(session[..^mac.Length] + other + Films.Segment));
    }

    [Fact]
    public async Task A_session_ends_when_its_lifetime_does_whatever_its_link_said()
    {
        await using var server = await GateServer.StartAsync(rest: "sessions:\n  max_lifetime: 2h\n");
        var link = server.Link(Films.Master, lasts: 60);
        var session = await server.SessionPath(link);
        // The film plays on when the link has run out.
        server.Clock.Pass(TimeSpan.FromMinutes(119));
        Assert.Equal("410 expired", await server.Verdict(link));
        Assert.Equal("200", await server.Verdict(session + Films.Segment));
        server.Clock.Pass(TimeSpan.FromMinutes(1));
        Assert.Equal("200", await server.Verdict(session + Films.Segment));
        server.Clock.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal("410 expired", await server.Verdict(session + Films.Segment));
    }

    [Theory]
    // A title is its directory and what its playlist names; a link may be narrower, and then so is the session.
    [InlineData("/", Films.Segment, "200")]
    [InlineData("/", "/v/other/0.ts", "403 outside_scope")]
    [InlineData("/v/film/", "/v/film/sub/0.ts", "200")]
    [InlineData("/v/film/m*", Films.Segment, "403 outside_scope")]
    [InlineData("/v/film/m*", "/v/film/master.m3u8", "200")]
    [InlineData("/v/film/master.m3u8", Films.Segment, "403 outside_scope")]
    public async Task The_scope_is_the_titles_and_never_beyond_the_tokens(string scope, string asked, string verdict)
    {
        await using var server = await GateServer.StartAsync();
        var session = await server.SessionPath(server.Link(Films.Master, scope: scope));
        Assert.Equal(verdict, await server.Verdict(session + asked));
    }

    [Fact]
    public async Task A_rendition_that_names_a_directory_above_stays_inside_its_link()
    {
        await using var server = await GateServer.StartAsync();
        // Its key lies in /v/film/k/, its link covers /v/film/720p/ alone.
        var session = await server.SessionPath(server.Link(Films.Rendition));
        Assert.Equal("200", await server.Verdict(session + Films.Segment));
        Assert.Equal("403 outside_scope", await server.Verdict(session + "/v/film/k/enc.bin"));
    }

    [Fact]
    public async Task Sessions_survive_a_restart()
    {
        var folder = Directory.CreateTempSubdirectory("xlive-gate-").FullName;
        try
        {
            string session;
            await using (var before = await GateServer.StartAsync(folder: folder))
                session = await before.SessionPath(before.Link(Films.Master, "Jürgen"));
            await using var after = await GateServer.StartAsync(folder: folder);
            Assert.Equal("200", await after.Verdict(session + Films.Segment));
            var line = await after.AccessLine(l => l.Contains(Films.Segment, StringComparison.Ordinal));
            Assert.Contains("uid=\"Jürgen\"", line, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Servers_of_one_secret_take_each_others_sessions_and_no_others()
    {
        const string Shared = "server:\n  secret: one-service-secret-0123456789\n";
        await using var one = await GateServer.StartAsync(rest: Shared);
        await using var two = await GateServer.StartAsync(rest: Shared);
        await using var alone = await GateServer.StartAsync();
        var session = await one.SessionPath(one.Link(Films.Master));
        Assert.Equal("200", await two.Verdict(session + Films.Segment));
        // The same site secret is not enough: a session's key is the service's.
        Assert.Equal("401 wrong_token", await alone.Verdict(session + Films.Segment));
    }

    [Fact]
    public async Task Bytes_below_a_session_are_its_users()
    {
        await using var server = await GateServer.StartAsync();
        var session = await server.SessionPath(server.Link(Films.Master, "payer"));
        var meter = server.Services.GetRequiredService<Server.Traffic.UserMeters>().Of("payer");
        var before = meter.Bytes;
        await server.Get(session + Films.Segment);
        Assert.Equal(2048, meter.Bytes - before);
        await server.Get(session + "/v/none.ts");
        await server.Ask("HEAD", session + Films.Segment);
        Assert.Equal(2048, meter.Bytes - before);
    }
}
