using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using XLive.Media.Tests.Rtmp;
using XLive.Server.Accounts;
using XLive.Server.Hooks;
using XLive.Server.Live;
using XLive.Server.Sessions;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Live;
using XLive.Server.Tests.Reports;
using XLive.Server.Tests.Rtmp;

namespace XLive.Server.Tests.Hooks;

/// <summary>The whole server, and what its site hears of those who publish and play.</summary>
public sealed class HookServerTests : IAsyncDisposable
{
    private const string Secret = "secret-of-the-hook-server";

    private readonly ScriptedReceiver _site = new();
    private TestServer? _server;

    /// <summary>What the site says to a question, by its stream.</summary>
    private Func<string, string> _says = static _ => "200 OK";

    public HookServerTests() => _site.Answer = (number, socket) =>
    {
        var post = _site.All[number];
        ScriptedReceiver.Say(socket, HookHouse.Json(post).GetProperty("question").GetBoolean() ? _says(HookHouse.Field(post, "stream")) : "200 OK", "");
    };

    private async Task<TestServer> Start(params string[] more) =>
        _server = await TestServer.StartAsync([$"--hooks.url={_site.Url}?q=1", $"--hooks.secret={Secret}", .. more]);

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _site.Dispose();
    }

    private List<Received> Of(string name, bool questions = false) =>
        [.. _site.All.Where(p => HookHouse.Field(p, "event") == name && HookHouse.Json(p).GetProperty("question").GetBoolean() == questions)];

    private Received The(string name)
    {
        Until.True(() => Of(name).Count > 0, name);
        return Of(name)[0];
    }

    private static string Fields(Received post, params string[] names) => string.Join(' ', names.Select(n => HookHouse.Field(post, n)));

    /// <summary>Nothing that opens anything: in no body and no header.</summary>
    private void HoldsNone(params string[] secrets)
    {
        var all = string.Concat(_site.All.Select(static p => Encoding.UTF8.GetString(p.Body) + string.Join('\n', p.Headers.Select(static h => h.Key + ": " + h.Value))));
        foreach (var secret in (string[])["~s1.", "token", Secret, .. secrets])
            Assert.DoesNotContain(secret, all, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_publish_is_asked_and_told_and_its_end_is_told()
    {
        var port = FreePort.Next();
        await Start($"--rtmp.port={port}");
        var key = _server!.Get<StreamKeys>().Make("live/cam", out var id);
        using (var client = new RtmpClient(port))
        {
            client.Publish("cam?key=" + key);
            var asked = Assert.Single(Of("on_publish", questions: true));
            Assert.Equal($"live/cam key {id} 127.0.0.1", Fields(asked, "stream", "publisher", "address"));
            Assert.Equal($"live/cam key {id} rtmp 127.0.0.1", Fields(The("on_publish"), "stream", "publisher", "protocol", "address"));
        }
        Assert.Equal($"live/cam key {id} lost", Fields(The("on_unpublish"), "stream", "publisher", "reason"));
        // In the place of the name, too, it is no name.
        using (var client = new RtmpClient(port))
            client.Publish(key);
        Until.Equal(2, () => Of("on_unpublish").Count, "ends");
        Assert.Equal(["on_publish", "on_unpublish", "on_publish", "on_unpublish"],
            _site.All.Where(static p => !HookHouse.Json(p).GetProperty("question").GetBoolean()).Select(static p => HookHouse.Field(p, "event")));
        HoldsNone(key);
    }

    [Fact]
    public async Task A_publish_that_the_site_refuses_is_none()
    {
        var port = FreePort.Next();
        await Start($"--rtmp.port={port}", "--auth.enable=false");
        _says = static stream => stream == "live/no" ? "403 No" : "200 OK";
        using (var refused = new RtmpClient(port))
        {
            refused.Connect();
            refused.Send(Wire.Command(1, "publish", 3, null, "no", "live"));
            refused.Hear("The site does not allow this stream.");
        }
        using var allowed = new RtmpClient(port);
        allowed.Publish("yes");
        Assert.Equal("live/yes open", Fields(The("on_publish"), "stream", "publisher"));
        Assert.Equal(1, _server!.Get<LiveStreams>().Count);
    }

    // A link of the next second is another one, and its viewer a newcomer.
    private readonly Dictionary<(string Uid, string Scope), string> _grants = [];

    private string Grant(string uid, string scope)
    {
        if (!_grants.TryGetValue((uid, scope), out var grant))
            _grants[(uid, scope)] = grant = TestServer.Grant(uid, scope);
        return grant;
    }

    private Answer Fetch(string target, string uid, string scope, params string[] headers)
    {
        using var client = _server!.Connect();
        return client.Ask("GET", target + "?" + Grant(uid, scope), headers);
    }

    [Fact]
    public async Task A_viewer_is_asked_after_once_and_told_of_and_so_is_his_end()
    {
        await Start();
        _server!.Write("film/a.ts", Pattern.Bytes(5000));
        _server.Write("film/b.ts", Pattern.Bytes(500));
        Assert.Equal(200, Fetch("/film/a.ts", "u1", "/film/").Status);
        Assert.Equal(200, Fetch("/film/b.ts", "u1", "/film/").Status);
        var asked = Assert.Single(Of("on_play", questions: true));
        Assert.Equal("/film/ /film/a.ts u1  127.0.0.1", Fields(asked, "stream", "path", "uid", "sid", "address"));
        var told = The("on_play");
        var session = Assert.Single(_server.Get<SessionTable>().All);
        Assert.Equal($"/film/ /film/a.ts u1 {session.Sid} 127.0.0.1", Fields(told, "stream", "path", "uid", "sid", "address"));
        Assert.True(_server.Get<Revocations>().Put(new Revocation(RevocationKind.Sid, session.Sid, 0, Revocation.Ever, "", "test", IsKick: true, session.Entry)));
        Assert.Equal($"/film/ u1 {session.Sid} kicked 5500 {session.OpenedAt}", Fields(The("on_stop"), "stream", "uid", "sid", "reason", "bytes", "opened"));
        Assert.Equal(403, Fetch("/film/a.ts", "u1", "/film/").Status);
        Assert.Equal((1, 1), (Of("on_play").Count, Of("on_stop").Count));
        HoldsNone(Grant("u1", "/film/").Split("token=")[1][..20]);
    }

    [Fact]
    public async Task Who_is_silent_for_too_long_has_stopped()
    {
        await Start("--sessions.idle=1s", "--hooks.events=[on_play, on_stop]");
        _server!.Write("film/a.ts", Pattern.Bytes(5000));
        Assert.Equal(200, Fetch("/film/a.ts", "u1", "/film/").Status);
        Assert.Equal("/film/ u1 idle 5000", Fields(The("on_stop"), "stream", "uid", "reason", "bytes"));
        Assert.Equal(["on_play", "on_play", "on_stop"], _site.All.Select(static p => HookHouse.Field(p, "event")));
    }

    [Fact]
    public async Task A_viewer_whom_the_site_refuses_gets_nothing_and_no_session()
    {
        await Start();
        _says = static stream => stream == "/film/" ? "402 Pay" : "200 OK";
        _server!.Write("film/a.ts", Pattern.Bytes(5000));
        _server.Write("free/a.ts", Pattern.Bytes(5000));
        for (var i = 0; i < 3; i++)
        {
            var refused = Fetch("/film/a.ts", "u1", "/film/");
            Assert.Equal(403, refused.Status);
            Assert.Contains("hook_denied", refused.Text, StringComparison.Ordinal);
        }
        Assert.Single(_site.All);
        Assert.Equal(0, _server.Get<SessionTable>().Count);
        Assert.Equal(200, Fetch("/free/a.ts", "u1", "/free/").Status);
        // By one wide link he comes to both.
        _says = static stream => stream == "live/no" ? "403 No" : "200 OK";
        Assert.Equal(403, Fetch("/live/no.m3u8", "u2", "/").Status);
        Assert.Equal(404, Fetch("/live/yes.m3u8", "u2", "/").Status);
        Assert.Equal(403, Fetch("/live/no.m3u8", "u2", "/").Status);
        Assert.Equal(["live/no", "live/yes"], Of("on_play", questions: true).Select(static p => HookHouse.Field(p, "stream")).Where(static s => s.StartsWith("live/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Players_of_a_live_stream_are_asked_after_by_its_name_whatever_they_speak()
    {
        var port = FreePort.Next();
        await Start($"--rtmp.port={port}", "--hooks.events=[on_play]");
        using var broadcast = new Broadcast(_server!, new StreamName("live", "cam"));
        using (var http = _server!.Connect())
            Assert.Equal(200, http.Send(RawClient.Request("GET", "/live/cam.flv?" + TestServer.Grant("u1", "/live/cam"))).ReadHead().Status);
        _says = static _ => "403 No";
        using var rtmp = new RtmpClient(port);
        rtmp.Connect();
        rtmp.Send(Wire.Command(0, "createStream", 2, null), Wire.Command(1, "play", 3, null, "cam?" + TestServer.Grant("u2", "/live/cam")));
        rtmp.Hear("hook_denied");
        Until.Equal(1, () => Of("on_play").Count, "told");
        Assert.Equal(["live/cam u1", "live/cam u2"], Of("on_play", questions: true).Select(static p => Fields(p, "stream", "uid")));
    }

    [Fact]
    public async Task What_befalls_users_reports_and_health_is_told()
    {
        using var reports = new ScriptedReceiver { Answer = static (_, socket) => ScriptedReceiver.Say(socket, "400 Bad", "") };
        await Start("--sessions.max_per_user=1", "--traffic.quota=4000", "--traffic.min_bytes=1", $"--traffic.report_url={reports.Url}", "--traffic.report_interval=1s");
        // Nothing lies in the folder of films.
        Assert.StartsWith("degraded healthy media: ", Fields(The("on_health"), "state", "before", "reason"), StringComparison.Ordinal);
        _server!.Write("film/a.ts", Pattern.Bytes(5000));
        Assert.Equal(200, Fetch("/film/a.ts", "u1", "/film/").Status);
        for (var i = 0; i < 3; i++)
            Assert.Equal(403, Fetch("/film/a.ts", "u1", "/film/", "User-Agent: another").Status);
        Assert.Equal("u1 exceeded", Fields(The("on_quota"), "uid", "reason"));
        Assert.Equal("answered 400", Fields(The("on_report_parked"), "reason"));
        Assert.Equal(reports.All[0].Id, HookHouse.Field(The("on_report_parked"), "report"));
        // Refused again and again, told once; unless the quota was there first.
        Assert.InRange(Of("on_session_limit").Count, 0, 1);
    }

    [Fact]
    public async Task A_device_too_many_is_told_once_in_a_minute()
    {
        await Start("--sessions.max_per_user=1", "--hooks.events=[on_session_limit, on_stop]");
        _server!.Write("film/a.ts", Pattern.Bytes(5000));
        Assert.Equal(200, Fetch("/film/a.ts", "u1", "/film/").Status);
        for (var i = 0; i < 5; i++)
            Assert.Equal(403, Fetch("/film/a.ts", "u1", "/film/", "User-Agent: another").Status);
        Assert.Equal("u1 127.0.0.1 refused", Fields(The("on_session_limit"), "uid", "address", "reason"));
        Assert.Single(_site.All);
    }

    /// <summary>Each of them would wait for a second.</summary>
    [Theory]
    [InlineData("allow", 200)]
    [InlineData("deny", 503)]
    public async Task A_dead_site_costs_viewers_no_time(string onSilence, int status)
    {
        _site.Answer = static (_, _) => { };
        await Start("--hooks.timeout=1s", $"--hooks.on_silence={onSilence}");
        _server!.Write("film/a.ts", Pattern.Bytes(100));
        for (var i = 0; i < 2; i++)
            Assert.Equal(status, Fetch("/film/a.ts", "first" + i, "/film/").Status);
        Until.True(() => _server.Get<HookEndpoint>().IsSilent, "silent");
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < 100; i++)
            Assert.Equal(status, Fetch("/film/a.ts", "u" + i, "/film/").Status);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"{clock.Elapsed}");
        Assert.Contains("does not answer", _server.Log(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_without_hooks_makes_no_spool()
    {
        _server = await TestServer.StartAsync();
        _server.Write("film/a.ts", Pattern.Bytes(100));
        Assert.Equal(200, Fetch("/film/a.ts", "u1", "/film/").Status);
        Assert.False(File.Exists(Path.Combine(_server.Folder, "data", HookSpool.FileName)));
    }
}
