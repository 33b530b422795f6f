using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Door;
using XLive.Server.Door.Clients;
using XLive.Server.Playback.FrontCache;
using XLive.Server.Sessions;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Gate;
using XLive.Server.Traffic;

namespace XLive.Server.Tests.FrontCache;

/// <summary>What a trusted proxy on 127.0.0.1 is told of its viewers; all other addresses of 127.0.0.0/8 are strangers.</summary>
public sealed class CheckTests(ITestOutputHelper output)
{
    private const string Proxy = "trusted_proxies: [127.0.0.1]\ntrusted: [127.0.0.1]\n";
    private const string Viewer = "X-Forwarded-For: 192.0.2.7";

    private static Task<Reply> Check(GateServer server, string target, params string[] headers) =>
        server.Get("/api/v1/check", [Viewer, "X-Original-URI: " + target, .. headers]);

    private static void IsRefused(Reply reply, int status, string reason)
    {
        Assert.Equal((status == 401 ? 401 : 403, status.ToString(System.Globalization.CultureInfo.InvariantCulture), reason), (reply.Status, reply["X-XLive-Status"], reply["X-XLive-Reason"]));
        Assert.Equal(("application/problem+json", "no-store"), (reply["Content-Type"], reply["Cache-Control"]));
        Assert.Null(reply["X-XLive-Path"]);
        Assert.Null(reply["X-XLive-Ticket"]);
        Assert.Equal(reply.Status, JsonDocument.Parse(reply.Body).RootElement.GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task What_the_gate_lets_through_has_a_path_of_everybody_s_and_a_session_of_its_own()
    {
        await using var server = await GateServer.StartAsync(Proxy);
        var session = await server.SessionPath(server.Link(Films.Master), Viewer);
        var reply = await Check(server, session + Films.Segment + "?x=1&CMCD=bl%3D1");
        Assert.Equal((204, Films.Segment, "no-store"), (reply.Status, reply["X-XLive-Path"], reply["Cache-Control"]));
        Assert.True(SessionId.TryParse(reply["X-XLive-Session"], out var id));
        Assert.Equal("u1", server.Services.GetRequiredService<SessionTable>().Find(id)!.Uid);
        Assert.True(server.Services.GetRequiredService<SessionTickets>().TryRead(System.Text.Encoding.ASCII.GetBytes(reply["X-XLive-Ticket"]!), out var named, out var uid));
        Assert.Equal((id, "u1"), (named, uid));
        Assert.Null(reply["X-XLive-Rate"]);
        // A ticket is no key: nothing of it opens anything.
        Assert.DoesNotContain(session[5..], reply["X-XLive-Ticket"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_path_has_one_text_however_it_is_asked_for()
    {
        await using var server = await GateServer.StartAsync(Proxy);
        var session = await server.SessionPath(server.Link(Films.Master, scope: "/v/"), Viewer);
        foreach (var form in (string[])["/v/film/720p/0.ts", "/v/film/%37%32%30p/0%2Ets"])
            Assert.Equal(Films.Segment, (await Check(server, session + form))["X-XLive-Path"]);
        var link = server.Link("/v/ein Film/ü & ß.ts");
        Assert.Contains("%26", link, StringComparison.Ordinal);
        foreach (var form in (string[])[link, link.Replace("%26", "&", StringComparison.Ordinal), link.Replace("%C3%BC", "%c3%bc", StringComparison.Ordinal)])
            Assert.Equal("/v/ein%20Film/%C3%BC%20%26%20%C3%9F.ts", (await Check(server, form))["X-XLive-Path"]);
    }

    [Theory]
    [InlineData("?_HLS_part=2&_HLS_msn=7", "?_HLS_msn=7&_HLS_part=2")]
    [InlineData("?a=b&_HLS_skip=YES&_HLS_msn=7&uid=u2&token=x", "?_HLS_msn=7&_HLS_skip=YES")]
    [InlineData("?low_latency=0&breaker=17", "?low_latency=0")]
    [InlineData("?_HLS_msn=7&_HLS_msn=8", "?_HLS_msn=7&_HLS_msn=8")]
    [InlineData("?", "")]
    [InlineData("", "")]
    public async Task Of_a_live_playlist_s_query_only_what_chooses_its_bytes_is_kept(string query, string kept)
    {
        await using var server = await GateServer.StartAsync(Proxy);
        var session = await server.SessionPath(server.Link("/live/cam.m3u8", scope: "/live/cam"), Viewer);
        Assert.Equal("/live/cam/L/video.m3u8" + kept, (await Check(server, session + "/live/cam/L/video.m3u8" + query))["X-XLive-Path"]);
        Assert.Equal("/live/cam/L/v7.2.m4s", (await Check(server, session + "/live/cam/L/v7.2.m4s" + query))["X-XLive-Path"]);
    }

    [Fact]
    public async Task Refusals_are_those_of_the_gate_in_two_statuses_with_the_real_one_beside_it()
    {
        await using var server = await GateServer.StartAsync(Proxy + "deny: [192.0.2.66]");
        var session = await server.SessionPath(server.Link(Films.Master), Viewer);
        IsRefused(await Check(server, Films.Segment), 401, "no_grant");
        IsRefused(await Check(server, session[..^1] + (session[^1] == 'A' ? 'B' : 'A') + Films.Segment), 401, "wrong_token");
        IsRefused(await Check(server, session + "/v/other/0.ts"), 403, "outside_scope");
        IsRefused(await server.Get("/api/v1/check", "X-Forwarded-For: 192.0.2.66", "X-Original-URI: " + session + Films.Segment), 403, "address_refused");
        IsRefused(await Check(server, session + "/v/film/../other/0.ts"), 400, "request_form");
        IsRefused(await Check(server, session + Films.Segment, "X-Original-Method: POST"), 405, "method_not_allowed");
        IsRefused(await Check(server, session + "/v/film/.hidden"), 404, "not_found");
        server.Clock.Pass(TimeSpan.FromHours(25));
        IsRefused(await Check(server, session + Films.Segment), 410, "expired");
    }

    [Fact]
    public async Task A_kick_a_revocation_and_a_device_too_many_hold_from_the_next_question_on()
    {
        await using var server = await GateServer.StartAsync(Proxy, "sessions:\n  max_per_user: 1\n");
        var session = await server.SessionPath(server.Link(Films.Master), Viewer);
        var answer = await Check(server, session + Films.Segment);
        Assert.Equal(204, answer.Status);
        IsRefused(await server.Get("/api/v1/check", "X-Forwarded-For: 198.51.100.1", "X-Original-URI: " + server.Link(Films.Master)), 403, "device_limit");
        var table = server.Services.GetRequiredService<SessionTable>();
        table.Revocations.Put(new Revocation(RevocationKind.Sid, answer["X-XLive-Session"]!, server.Now, server.Now + 600, "", "test", true, null));
        IsRefused(await Check(server, session + Films.Segment), 403, "kicked");
    }

    [Fact]
    public async Task A_question_is_a_sign_of_life()
    {
        await using var server = await GateServer.StartAsync(Proxy, "sessions:\n  max_per_user: 1\n  lease: 60s\n");
        var session = await server.SessionPath(server.Link(Films.Master), Viewer);
        var elsewhere = new[] { "X-Forwarded-For: 198.51.100.1", "X-Original-URI: " + server.Link(Films.Master) };
        for (var i = 0; i < 5; i++)
        {
            server.Clock.Pass(TimeSpan.FromSeconds(40));
            Assert.Equal(204, (await Check(server, session + Films.Segment)).Status);
        }
        IsRefused(await server.Get("/api/v1/check", elsewhere), 403, "device_limit");
        server.Clock.Pass(TimeSpan.FromSeconds(61));
        Assert.Equal(204, (await server.Get("/api/v1/check", elsewhere)).Status);
    }

    [Fact]
    public async Task A_quota_counts_what_the_proxy_sent_also_to_one_who_takes_nothing_here()
    {
        var log = Path.GetTempFileName();
        try
        {
            await using var server = await GateServer.StartAsync(Proxy, $"traffic:\n  quota: 10000\n  accumulator_timeout: 1s\n  proxy_logs: [{log}]\n");
            var session = await server.SessionPath(server.Link(Films.Master), Viewer);
            var ledger = server.Services.GetRequiredService<Ledger>();
            var answer = await Check(server, session + Films.Segment);
            // Long enough that the account of one who is away would be closed, and nobody tell it anything.
            for (var i = 0; i < 10; i++)
            {
                server.Clock.Pass(TimeSpan.FromSeconds(30));
                ledger.Look();
                Assert.Equal(204, (await Check(server, session + Films.Segment)).Status);
            }
            await File.AppendAllTextAsync(log, $"{server.Now}.000 200 GET 20000 192.0.2.7 0 {answer["X-XLive-Ticket"]} {Films.Segment}\n", TestContext.Current.CancellationToken);
            IsRefused(await Until.Some(async () => await Check(server, session + Films.Segment), static r => r.Status != 204), 403, "quota_exceeded");
        }
        finally
        {
            File.Delete(log);
        }
    }

    [Fact]
    public async Task To_a_stranger_it_is_not_there()
    {
        await using var server = await GateServer.StartAsync(Proxy);
        var session = await server.SessionPath(server.Link(Films.Master), Viewer);
        var reply = await server.GetFrom("127.0.0.9", "/api/v1/check", Viewer, "X-Original-URI: " + session + Films.Segment);
        Assert.Equal((404, (string?)null), (reply.Status, reply["X-XLive-Status"]));
    }

    [Fact]
    public async Task A_proxy_that_names_no_viewer_is_told_no_though_it_may_have_everything_itself()
    {
        await using var server = await GateServer.StartAsync(Proxy);
        Assert.Equal(200, (await server.Get(Films.Segment)).Status);
        IsRefused(await server.Get("/api/v1/check", "X-Original-URI: " + Films.Segment), 400, "no_client");
        IsRefused(await server.Get("/api/v1/check", "X-Original-URI: " + Films.Segment, "X-Forwarded-For: unknown"), 400, "no_client");
        Assert.Equal(400, (await server.Get("/api/v1/check", Viewer)).Status);
        Assert.Equal(400, (await Check(server, Films.Segment, "X-Original-URI: " + Films.Master)).Status);
    }

    [Theory]
    [InlineData("/api/v1/users")]
    [InlineData("/stats")]
    [InlineData("/monitor")]
    [InlineData("/~v1.x/stats")]
    public async Task What_is_not_media_is_nothing_that_a_proxy_may_fetch(string target)
    {
        // Where nobody needs a grant, and who is at this machine no login.
        await using var server = await GateServer.StartAsync(Proxy + "enable: false", "auth:\n  enable: false\n");
        Assert.Equal(204, (await Check(server, Films.Segment)).Status);
        IsRefused(await Check(server, target), 404, "not_found");
    }

    [Fact]
    public async Task It_answers_beside_media_and_not_by_the_rules_of_management()
    {
        await using var server = await GateServer.StartAsync(Proxy, "admin:\n  allow: [203.0.113.0/24]\n");
        var session = await server.SessionPath(server.Link(Films.Master), Viewer);
        Assert.Equal(204, (await Check(server, session + Films.Segment)).Status);
    }

    [Fact]
    public async Task No_log_has_the_grant_that_was_asked_about()
    {
        await using var server = await GateServer.StartAsync(Proxy);
        var session = await server.SessionPath(server.Link(Films.Master), Viewer);
        await Check(server, session + Films.Segment);
        await Check(server, session + "/v/other/0.ts");
        await server.AccessLine(l => l.Contains("/api/v1/check", StringComparison.Ordinal) && l.Contains(" 403 ", StringComparison.Ordinal));
        Assert.DoesNotContain(session[5..], server.AllOutput(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_it_costs()
    {
        await using var server = await GateServer.StartAsync(Proxy);
        var session = await server.SessionPath(server.Link(Films.Master), Viewer);
        var checks = server.Services.GetRequiredService<CheckAnswers>();
        var http = new DefaultHttpContext();
        http.Request.Method = "GET";
        http.Request.Headers.UserAgent = "player/1";
        http.Request.Headers["X-Forwarded-For"] = "192.0.2.7";
        http.Request.Headers["X-Original-URI"] = session + Films.Segment;
        http.Connection.RemoteIpAddress = IPAddress.Loopback;
        var exchange = new Exchange(http.Features);
        var proxies = CidrSet.Of(["127.0.0.1"]);
        const int Rounds = 20_000;
        var (best, least) = (double.MaxValue, long.MaxValue);
        // The least: beside other tests the compiler comes late to it, and rules are compiled anew once a second while the folder of keys is fresh.
        for (var i = 0; i < 12; i++)
        {
            var (before, start) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
            for (var n = 0; n < Rounds; n++)
            {
                exchange.Begin(0, 1);
                exchange.FindClient(proxies);
                await checks.AnswerAsync(exchange);
                if (exchange.Status != StatusCodes.Status204NoContent)
                    throw new InvalidOperationException($"{exchange.Status}");
            }
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalNanoseconds / Rounds);
            least = Math.Min(least, (GC.GetAllocatedBytesForCurrentThread() - before) / Rounds);
        }
        output.WriteLine($"{best:F0} ns and {least} bytes a check");
        // What was asked, as the gate has it, and the path of the answer.
        Assert.InRange(least, 1, 300);
        Assert.True(best < 50_000, $"{best} ns");
    }
}
