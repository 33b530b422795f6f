using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Access;
using XLive.Server.Hooks;
using XLive.Server.Settings;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Reports;
using XLive.Server.Tests.Sessions;

namespace XLive.Server.Tests.Hooks;

/// <summary>What an operator sees of hooks, sets and does.</summary>
[Collection(ProgramTests.Name)]
public sealed partial class HookOperatorTests : IDisposable
{
    private const string Secret = "secret-of-the-operator";

    private readonly ScriptedReceiver _site = new();

    public void Dispose() => _site.Dispose();

    [Fact]
    public async Task What_was_given_up_is_listed_shown_replayed_and_dropped()
    {
        _site.Answer = static (number, socket) => ScriptedReceiver.Say(socket, number < 2 ? "400 Bad" : "200 OK", "");
        await using var api = await SessionApi.StartAsync($"hooks:\n  url: {_site.Url}?key=in-the-query\n  secret: {Secret}\n  events: [on_quota]\n");
        var services = api.Server.Services;
        services.GetRequiredService<HookEvents>().Tell(HookKind.Quota, new() { Uid = "u1", Reason = "exceeded" });
        services.GetRequiredService<HookEvents>().Tell(HookKind.Quota, new() { Uid = "u2", Reason = "exceeded" });
        await SessionApi.Eventually(async () => (await api.Get("/stats")).GetProperty("hooks").GetProperty("dead").GetInt32() == 2, "both are given up");
        var health = (await api.Get("/health")).GetProperty("checks").EnumerateArray().Single(static c => c.GetProperty("name").GetString() == "hooks");
        Assert.Equal(("degraded", "2 events were given up"), (health.GetProperty("status").GetString(), health.GetProperty("detail").GetString()));

        var list = (await api.Get("/api/v1/hooks")).GetProperty("events").EnumerateArray().ToList();
        Assert.Equal(["dead on_quota answered 400", "dead on_quota answered 400"], list.Select(static e => $"{e.GetProperty("state")} {e.GetProperty("event")} {e.GetProperty("said")}"));
        Assert.Equal(1, (await api.Get("/api/v1/hooks?limit=1")).GetProperty("events").GetArrayLength());
        var (first, second) = (list[0].GetProperty("id").GetString()!, list[1].GetProperty("id").GetString()!);
        Assert.Equal(_site.All[0].Body, (await api.Ask("GET", "/api/v1/hooks/" + first)).Body);
        Assert.Equal(202, (await api.Post($"/api/v1/hooks/{first}/replay", "")).Status);
        Assert.Equal(204, (await api.Ask("DELETE", "/api/v1/hooks/" + second)).Status);
        Assert.Equal(404, (await api.Ask("DELETE", "/api/v1/hooks/" + second)).Status);
        await SessionApi.Eventually(() => Task.FromResult(_site.All.Count == 3), "the replayed one");
        Assert.Equal(_site.All[0].Body, _site.All[2].Body);
        await SessionApi.Eventually(async () => (await api.Get("/stats")).GetProperty("hooks").GetProperty("delivered").GetInt32() == 1, "delivered");
        await SessionApi.Eventually(async () => (await api.Get("/health")).GetProperty("checks").EnumerateArray()
            .Single(static c => c.GetProperty("name").GetString() == "hooks").GetProperty("status").GetString() == "healthy", "healthy");
        var metrics = (await api.Ask("GET", "/metrics")).Text;
        foreach (var line in (string[])["xlive_hook_events_total{event=\"on_quota\"} 2", "xlive_hook_delivered_total 1", "xlive_hook_attempts_failed_total 2",
            "xlive_hook_given_up_total 2", "xlive_hook_spool_events{state=\"dead\"} 0", "xlive_hook_silent 0"])
            Assert.Contains(line + "\n", metrics, StringComparison.Ordinal);
        Assert.Contains("replays event " + first, string.Join('\n', api.Server.LogLines("audit.log")), StringComparison.Ordinal);
        foreach (var text in (string[])[api.Server.AllOutput(), metrics, (await api.Ask("GET", "/stats")).Text, (await api.Ask("GET", "/health")).Text])
        {
            Assert.DoesNotContain(Secret, text, StringComparison.Ordinal);
            Assert.DoesNotContain("in-the-query", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_command_does_the_same_beside_the_server()
    {
        using var folder = new ProgramFolder();
        var data = Directory.CreateDirectory(Path.Combine(folder.Path, "data")).FullName;
        string[] ids;
        using (var spool = HookSpool.Open(Path.Combine(data, HookSpool.FileName), TimeProvider.System))
        {
            var events = Enumerable.Range(0, 3).Select(static i => HookEvent.Of(HookKind.Quota, new() { Uid = "u" + i }, DateTimeOffset.UnixEpoch, false)).ToList();
            foreach (var place in spool.Put(events)[1..])
                spool.Failed(place, "answered 400", "answered 400");
            ids = [.. events.Select(static e => e.Id)];
        }
        Task<XliveProgram.Result> Hooks(params string[] words) => XliveProgram.RunAsync(folder.Path, ["hooks", .. words]);
        async Task<string[]> States()
        {
            var listed = await Hooks("list");
            Assert.Equal((0, ""), (listed.Code, listed.Errors));
            return [.. listed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static l => string.Join(' ', l.Split('\t')[..2]))];
        }
        Assert.Equal([ids[0] + " waiting", ids[1] + " dead", ids[2] + " dead"], await States());
        Assert.Contains("\"uid\":\"u1\"", (await Hooks("show", ids[1])).Output, StringComparison.Ordinal);
        Assert.Equal(0, (await Hooks("replay", ids[1])).Code);
        Assert.Equal(1, (await Hooks("drop", ids[1])).Code);
        Assert.Equal(0, (await Hooks("drop", "--all")).Code);
        Assert.Equal([ids[0] + " waiting", ids[1] + " waiting"], await States());
        Assert.Equal(2, (await Hooks("drop")).Code);
    }

    [Fact]
    public async Task A_server_that_is_killed_posts_at_its_next_start_what_it_had_told()
    {
        var away = true;
        _site.Answer = (_, socket) =>
        {
            if (Volatile.Read(ref away))
                socket.Close(0);
            else
                ScriptedReceiver.Say(socket, "200 OK", "");
        };
        using var folder = new ProgramFolder();
        string[] settings = [$"--hooks.url={_site.Url}", $"--hooks.secret={Secret}", $"--access.secret={GateServer.Secret}"];
        var expires = DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds();
        await using (var server = await XliveProgram.ServeAsync(folder.Path, settings))
        {
            for (var i = 0; i < 5; i++)
                Assert.Equal(200, (await server.Get(SignedUrl.Sign(Films.Segment, "u" + i, expires, Encoding.UTF8.GetBytes(GateServer.Secret)))).Status);
            await Task.Yield();
            using var spool = HookSpool.Open(Path.Combine(folder.Path, "data", HookSpool.FileName), TimeProvider.System);
            Until.Equal(5, () => spool.Depth().Waiting, "events in the spool");
        }
        Volatile.Write(ref away, false);
        var before = _site.All.Count;
        await using var again = await XliveProgram.ServeAsync(folder.Path, settings);
        await Task.Yield();
        Until.True(() => _site.All.Count >= before + 5, "all of them");
        Assert.Equal(["on_play u0", "on_play u1", "on_play u2", "on_play u3", "on_play u4"],
            _site.All[before..].Select(static p => $"{HookHouse.Field(p, "event")} {HookHouse.Field(p, "uid")}"));
    }

    [Theory]
    [InlineData("--hooks.url=ftp://h/", "hooks.url")]
    [InlineData("--hooks.url=/path", "hooks.url")]
    [InlineData("--hooks.url=http://user:password@h/", "hooks.url")]
    [InlineData("--hooks.events=[on_publish, on_pause]", "'on_pause' is no event")]
    [InlineData("--hooks.secret=short", "hooks.secret")]
    [InlineData("--hooks.timeout=0", "hooks.timeout")]
    [InlineData("--hooks.on_silence=maybe", "hooks.on_silence")]
    public void What_cannot_be_is_named(string option, string named)
    {
        using var folder = new ProgramFolder();
        string[] right = ["--hooks.url=https://site.example/hooks", $"--hooks.secret={Secret}", "--hooks.events=[on_publish]"];
        folder.Settings(right);
        var refused = Assert.Throws<SettingsException>(() => folder.Settings([.. right, option]));
        Assert.Contains(named, string.Join('\n', refused.Faults), StringComparison.Ordinal);
        Assert.DoesNotContain("password", string.Join('\n', refused.Faults).Replace("a password", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    /// <summary>docs/hooks.md: each event's row names its fields, in their order.</summary>
    [Fact]
    public void The_table_of_events_is_what_the_code_posts()
    {
        var path = Path.GetFullPath("../../../docs/hooks.md", Path.GetDirectoryName(Here())!);
        var rows = File.ReadAllLines(path).Where(static l => l.StartsWith("| `on_", StringComparison.Ordinal)).Select(static l => l.Split('|', StringSplitOptions.TrimEntries))
            .Select(static cells => $"{cells[1]}: {string.Join(' ', Code().Matches(cells[3]).Select(static m => m.Value))}");
        Assert.Equal(HookKinds.All.Select(static k => $"`{k.Word}`: {string.Join(' ', k.Fields.Select(static f => $"`{f}`"))}"), rows);
    }

    [GeneratedRegex("`[a-z_]+`")]
    private static partial Regex Code();

    private static string Here([CallerFilePath] string path = "") => path;
}
