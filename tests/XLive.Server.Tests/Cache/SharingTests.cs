using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Cache;

/// <summary>However many ask, the origin is asked once; whoever leaves, the others get theirs.</summary>
public sealed class SharingTests
{
    private const int MiB = 1 << 20;

    [Fact]
    public async Task A_crowd_on_a_cold_film_is_one_fetch_a_block()
    {
        var film = Pattern.Bytes(20 * MiB + 12_345, 7);
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, film, "\"v1\""));
        await using var server = await origin.FrontAsync("--cache.memory=64MiB");
        await Crowd.Of(100, i =>
        {
            // Some begin in the middle.
            var from = i % 4 == 0 ? 0 : i * 200_001 % film.Length;
            var answer = server.Fetch("/film.mp4", $"Range: bytes={from}-");
            Assert.Equal(206, answer.Status);
            Pattern.AssertSame(film.AsSpan(from), answer.Body);
        });
        var asked = new int[21];
        foreach (var request in origin.Requests)
        {
            var (first, last) = RangeOf(request.Range);
            for (var block = first / MiB; block <= Math.Min(last, film.Length - 1) / MiB; block++)
                asked[block]++;
        }
        Assert.All(asked, times => Assert.Equal(1, times));
    }

    // One who looked just before the answer came, and asks just after.
    [Fact]
    public async Task A_question_that_was_answered_meanwhile_is_not_asked()
    {
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, Pattern.Bytes(3 * MiB, 7), "\"v1\"", "max-age=60"));
        await using var server = await origin.FrontAsync();
        server.Fetch("/film.mp4");
        var asked = origin.Requests.Count;
        var again = await server.Get<OriginCache>().AskAsync(new Wanted("/film.mp4", "", new HeaderDictionary()) { Purges = 0 }, null, TestContext.Current.CancellationToken);
        Assert.Equal((asked, "XLive; hit"), (origin.Requests.Count, again.CacheStatus));
    }

    private static (long, long) RangeOf(string range)
    {
        var dash = range.IndexOf('-', StringComparison.Ordinal);
        return (long.Parse(range.AsSpan(6, dash - 6), System.Globalization.CultureInfo.InvariantCulture),
            long.Parse(range.AsSpan(dash + 1), System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task The_first_viewer_leaves_and_the_others_get_all_of_it()
    {
        var segment = Pattern.Bytes(3 * MiB, 8);
        var half = new TaskCompletionSource();
        await using var origin = await ScriptedOrigin.StartAsync(async c =>
        {
            c.Response.Headers.ETag = "\"s\"";
            c.Response.Headers.CacheControl = "max-age=60";
            c.Response.StatusCode = 206;
            c.Response.Headers.ContentRange = $"bytes 0-{segment.Length - 1}/{segment.Length}";
            c.Response.ContentLength = segment.Length;
            await c.Response.BodyWriter.WriteAsync(segment.AsMemory(0, MiB + 5));
            await half.Task;
            await c.Response.BodyWriter.WriteAsync(segment.AsMemory(MiB + 5));
        });
        await using var server = await origin.FrontAsync();
        using (var first = server.Connect())
        {
            first.Send(RawClient.Request("GET", TestServer.Signed("/a.ts"))).ReadHead();
            first.ReadBody(MiB);
            first.Reset();
        }
        using var second = server.Connect();
        second.Send(RawClient.Request("GET", TestServer.Signed("/a.ts"))).ReadHead();
        // What has come so far is sent before the rest comes.
        Pattern.AssertSame(segment.AsSpan(0, MiB + 5), second.ReadBody(MiB + 5));
        half.SetResult();
        Pattern.AssertSame(segment.AsSpan(MiB + 5), second.ReadBody(segment.Length - MiB - 5));
        Assert.Single(origin.Requests);
        Assert.Equal("XLive; hit", server.Fetch("/a.ts")["Cache-Status"]);
    }

    [Fact]
    public async Task What_is_for_one_viewer_is_given_to_no_other()
    {
        var number = 0;
        await using var origin = await ScriptedOrigin.StartAsync(async c =>
        {
            await Task.Yield();
            c.Response.Headers.CacheControl = "private, max-age=60";
            c.Response.ContentLength = 8;
            await c.Response.WriteAsync($"{Interlocked.Increment(ref number):d8}");
        });
        await using var server = await origin.FrontAsync();
        var seen = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        foreach (var path in (string[])["/one.jpg", "/one.ts", "/one.bin"])
            await Crowd.Of(20, _ => seen.AddOrUpdate(server.Fetch(path).Text, 1, static (_, n) => n + 1));
        Assert.Equal(60, seen.Count);
    }

    [Fact]
    public async Task What_has_become_one_viewer_s_own_is_given_to_none_who_waited_beside_him()
    {
        var clock = new HandClock();
        var gate = new TaskCompletionSource();
        var control = "max-age=10";
        await using var origin = await ScriptedOrigin.StartAsync(async c =>
        {
            if (control != "max-age=10")
                await gate.Task;
            await ScriptedOrigin.File(c, "mine"u8.ToArray(), "\"m\"", control);
        });
        await using var server = await origin.FrontAsync(clock, "--access.max_lifetime=0");
        server.Fetch("/a.jpg");
        clock.Pass(TimeSpan.FromSeconds(20));
        control = "private";
        var crowd = Crowd.Of(2, _ => server.Fetch("/a.jpg"));
        Until.Equal(1, () => server.Get<OriginCache>().Figures.Joined, "who waits");
        gate.SetResult();
        await crowd;
        Assert.Equal(3, origin.Requests.Count);
    }

    [Fact]
    public async Task A_crowd_that_is_slow_gets_what_memory_there_is_and_the_rest_in_pieces()
    {
        // Each longer than the kernel's buffers between here and there.
        var films = Enumerable.Range(0, 3).Select(i => Pattern.Bytes(10 * MiB, 20 + i)).ToArray();
        await using var origin = await ScriptedOrigin.StartAsync(c =>
            ScriptedOrigin.File(c, films[int.Parse(c.Request.Path.Value![2..^4], System.Globalization.CultureInfo.InvariantCulture) % 3], "\"f\""));
        await using var server = await origin.FrontAsync("--cache.memory=16MiB");
        var (budget, figures) = (server.Get<BlockBudget>(), server.Get<OriginCache>().Figures);
        var clients = Enumerable.Range(0, 24).Select(i =>
        {
            var client = server.Connect(receiveBuffer: 16_384);
            client.Send(RawClient.Request("GET", TestServer.Signed($"/f{i}.mp4"))).ReadHead();
            return client;
        }).ToArray();
        // They read so slowly that every block that there is lies half sent. One who does not read at all holds none: he waits for room first.
        var taken = clients.Select(static _ => new List<byte>()).ToArray();
        Until.True(() =>
        {
            for (var i = 0; i < clients.Length; i++)
            {
                if (taken[i].Count < 8 * MiB)
                    taken[i].AddRange(clients[i].ReadBody(128 * 1024));
            }
            return figures.Windows > 0 && budget.Refused > 0;
        }, "a viewer without a block");
        Assert.True(budget.Used <= budget.Limit, $"{budget.Used} of {budget.Limit}");
        await Crowd.Of(clients.Length, i =>
        {
            taken[i].AddRange(clients[i].ReadBody(films[i % 3].Length - taken[i].Count));
            Pattern.AssertSame(films[i % 3], taken[i].ToArray());
            clients[i].Dispose();
        });
        Assert.True(budget.Used <= budget.Limit, $"{budget.Used} of {budget.Limit}");
    }
}
