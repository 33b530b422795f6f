using System.Diagnostics;
using System.Text;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Reports;

namespace XLive.Server.Tests.Gate;

/// <summary>`./run traffic` beside a running server whose receiver refuses what it is sent.</summary>
[Collection(ProgramTests.Name)]
public sealed class TrafficCommandTests
{
    [Fact]
    public async Task Parked_reports_are_listed_shown_and_replayed_while_the_server_runs()
    {
        using var folder = new ProgramFolder();
        using var receiver = new ScriptedReceiver();
        var refuses = true;
        receiver.Answer = (_, socket) => ScriptedReceiver.Say(socket, Volatile.Read(ref refuses) ? "422 Unknown user" : "200 OK", "");
        Task<XliveProgram.Result> Traffic(params string[] words) => XliveProgram.RunAsync(folder.Path, ["traffic", .. words]);

        var none = await Traffic();
        Assert.Equal((1, ""), (none.Code, none.Output));
        Assert.Contains("has not counted any traffic yet", none.Errors, StringComparison.Ordinal);

        await using var server = await XliveProgram.ServeAsync(folder.Path, $"--traffic.report_url={receiver.Url}", "--traffic.report_interval=1s", "--traffic.min_bytes=1");
        var link = new Uri((await XliveProgram.RunAsync(folder.Path, "sign", Films.Segment, "--uid", "u1", "--for", "1h")).Output).PathAndQuery;
        for (var reports = 0; reports < 2; reports++)
        {
            Assert.Equal(200, (await server.Get(link)).Status);
            Until.Equal(reports + 1, () => receiver.All.Count, "reports that were refused");
        }
        string[] ids = [.. receiver.All.Select(static r => r.Id)];
        var list = Lines(await Traffic("reports"));
        Assert.Equal(ids, list.Select(static l => l[0]));
        Assert.All(list, static l => Assert.Equal(("parked", "1 items", "1 attempts", "answered 422"), (l[1], l[3], l[5], l[6])));
        Assert.Equal(Encoding.UTF8.GetString(receiver.All[1].Body), (await Traffic("show", ids[1])).Output);
        Assert.Matches("parked +2", (await Traffic()).Output);

        // Refused again, it is parked again.
        var clock = Stopwatch.StartNew();
        Assert.Equal((0, "", ""), Words(await Traffic("replay", ids[1])));
        Until.Equal(3, () => receiver.All.Count, "posts");
        while (!Lines(await Traffic("reports")).Select(static l => l[1] + l[5]).SequenceEqual(["parked1 attempts", "parked2 attempts"]))
            Assert.True(clock.Elapsed < Until.Patience, "not parked again");
        Volatile.Write(ref refuses, false);
        clock.Restart();
        Assert.Equal(0, (await Traffic("replay", "--all")).Code);
        Until.Equal(5, () => receiver.All.Count, "posts");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(6), $"posted after {clock.Elapsed}");
        Assert.Equal([ids[0], ids[1], ids[1], ids[0], ids[1]], receiver.All.Select(static r => r.Id));
        Assert.All(receiver.All, r => Assert.Equal(receiver.All[Array.IndexOf(ids, r.Id)].Body, r.Body));
        while (Lines(await Traffic("reports")).Length > 0)
            Assert.True(clock.Elapsed < Until.Patience, "the outbox is not empty");
        Assert.Equal((0, "", ""), Words(await Traffic("replay", "--all")));

        foreach (var (code, named, words) in ((int, string, string[])[])[
            (1, "no report", ["replay", ids[0]]), (1, "no report", ["show", "none"]), (2, "say nothing, reports", ["repaly"]),
            (2, "say nothing, reports", ["replay"]), (2, "--colour", ["reports", "--colour=red"])])
        {
            var wrong = await Traffic(words);
            Assert.Equal((code, ""), (wrong.Code, wrong.Output));
            Assert.Contains(named, Assert.Single(wrong.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        }
        Assert.False(server.HasEnded);
    }

    private static (int, string, string) Words(XliveProgram.Result result) => (result.Code, result.Output, result.Errors);

    private static string[][] Lines(XliveProgram.Result result)
    {
        Assert.Equal((0, ""), (result.Code, result.Errors));
        return [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static l => l.Split('\t'))];
    }
}
