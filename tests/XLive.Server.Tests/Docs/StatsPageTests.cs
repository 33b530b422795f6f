using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Live;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Live;
using XLive.Server.Tests.Redis;
using XLive.Server.Tests.Sessions;

namespace XLive.Server.Tests.Docs;

/// <summary>docs/stats.md and what GET /stats really has, of a server with everything that there can be.</summary>
public sealed class StatsPageTests
{
    private const string Head = "| member | type | what |\n| --- | --- | --- |\n";

    // Words of what happened, not of ours: one row for all.
    private static readonly string[] s_open = ["requests.refused", "redis.histogram", "redis.errors", "logs_dropped", "rtmp.faults", "hooks.events"];

    [Fact]
    public async Task Its_table_has_each_member_and_no_other()
    {
        using var redis = RedisProcess.Start();
        var log = Path.GetTempFileName();
        await using var api = await SessionApi.StartAsync($"server:\n  secret: stats-tests-0123456789\nredis:\n  url: redis://127.0.0.1:{redis.Port}\n"
            + $"backend:\n  mode: hybrid\n  origins: [http://127.0.0.1:1]\ncache:\n  disk: 64MiB\ntraffic:\n  proxy_logs: [{log}]\n"
            + "live:\n  pull: [{stream: live/far, url: \"rtmp://127.0.0.1:1/live/far\", on_demand: true}]\nhooks:\n  url: http://127.0.0.1:1/\n  secret: stats-tests-0123456789\n");
        var members = new SortedDictionary<string, string>(StringComparer.Ordinal);
        Add(members, "", await api.Get("/stats"));
        var path = Path.GetFullPath("../../../docs/stats.md", Path.GetDirectoryName(Here())!);
        var page = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
        var at = page.IndexOf(Head, StringComparison.Ordinal) + Head.Length;
        var rows = page[at..].Split('\n', StringSplitOptions.RemoveEmptyEntries).TakeWhile(static r => r.StartsWith('|')).ToList();
        var known = rows.ToDictionary(static r => r.Split('`')[1], static r => r.Split('|')[3].Trim(), StringComparer.Ordinal);
        var table = string.Concat(members.Select(m => $"| `{m.Key}` | {m.Value} | {known.GetValueOrDefault(m.Key, "")} |\n"));
        if (Environment.GetEnvironmentVariable("XLIVE_WRITE_REFERENCE") == "1")
            await File.WriteAllTextAsync(path, page[..at] + table, TestContext.Current.CancellationToken);
        File.Delete(log);
        Assert.Equal(members.Select(static m => $"{m.Key}: {m.Value}"), rows.Select(static r => $"{r.Split('`')[1]}: {r.Split('|')[2].Trim()}"));
        Assert.All(known, static k => Assert.True(k.Value.Length > 0, $"docs/stats.md does not say what {k.Key} is"));
    }

    private static void Add(SortedDictionary<string, string> members, string above, JsonElement of)
    {
        foreach (var member in of.EnumerateObject())
        {
            var name = above.Length > 0 ? above + "." + member.Name : member.Name;
            var value = member.Value;
            if (value.ValueKind == JsonValueKind.Object && !s_open.Contains(name))
            {
                Add(members, name, value);
                continue;
            }
            members[name] = value.ValueKind switch
            {
                JsonValueKind.Object => "by word",
                JsonValueKind.Array => "list",
                JsonValueKind.Number => "number",
                JsonValueKind.True or JsonValueKind.False => "true or false",
                _ => "text",
            };
        }
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
