using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Cache;

/// <summary>No head says that all is well before there is a byte to send: what is fresh may have made room for others.</summary>
public sealed class FirstByteTests
{
    private const int MiB = 1 << 20;

    private static readonly byte[] Segment = Pattern.Bytes(3 * MiB, 5);

    private static async Task<(ScriptedOrigin Origin, TestServer Server)> EvictedAsync(params string[] settings)
    {
        var origin = await ScriptedOrigin.StartAsync(static c => c.Request.Path == "/a.ts"
            ? ScriptedOrigin.File(c, Segment, "\"a\"")
            : ScriptedOrigin.File(c, new byte[20 * MiB], "\"b\""));
        var server = await origin.FrontAsync(["--cache.memory=16MiB", "--backend.retries=0", .. settings]);
        Pattern.AssertSame(Segment, server.Fetch("/a.ts").Body);
        var kept = server.Get<OriginCache>().Find("/a.ts", new HeaderDictionary())!;
        var others = 0;
        Until.True(() =>
        {
            server.Fetch($"/b{others++}.mp4");
            return !kept.Has(0) && !kept.Has(1) && !kept.Has(2);
        }, "the segment's head is kept and its blocks are not");
        origin.Requests.Clear();
        return (origin, server);
    }

    [Fact]
    public async Task An_origin_that_is_gone_is_a_502_and_what_needs_no_byte_is_answered()
    {
        var (origin, server) = await EvictedAsync();
        await using var _ = origin;
        await using var __ = server;
        origin.Answer = static c =>
        {
            c.Abort();
            return Task.CompletedTask;
        };
        Assert.Equal(502, server.Fetch("/a.ts").Status);
        Assert.Equal(502, server.Fetch("/a.ts", "Range: bytes=2097152-").Status);
        Assert.Equal(502, server.Fetch("/a.ts", "Range: bytes=0-9,20-29").Status);
        Assert.Equal(304, server.Fetch("/a.ts", "If-None-Match: \"a\"").Status);
        Assert.Equal(412, server.Fetch("/a.ts", "If-Match: \"b\"").Status);
        Assert.Equal(416, server.Fetch("/a.ts", "Range: bytes=9999999-").Status);
        Assert.Equal((200, (long)Segment.Length), (server.Ask("HEAD", "/a.ts").Status, server.Ask("HEAD", "/a.ts").ContentLength));
        origin.Answer = static c => ScriptedOrigin.File(c, Segment, "\"a\"");
        Pattern.AssertSame(Segment, server.Fetch("/a.ts").Body);
    }

    [Fact]
    public async Task An_origin_that_does_not_answer_is_a_504()
    {
        // What makes room is fetched under it too, on a machine with other work.
        var (origin, server) = await EvictedAsync("--backend.total_timeout=4s");
        await using var _ = origin;
        await using var __ = server;
        var gate = new TaskCompletionSource();
        origin.Answer = _ => gate.Task;
        Assert.Equal(504, server.Fetch("/a.ts").Status);
        gate.SetResult();
    }

    [Fact]
    public async Task Another_version_is_answered_with_from_its_beginning()
    {
        var (origin, server) = await EvictedAsync();
        await using var _ = origin;
        await using var __ = server;
        var newer = Pattern.Bytes(3 * MiB, 6);
        origin.Answer = c => ScriptedOrigin.File(c, newer, "\"n\"");
        var answer = server.Fetch("/a.ts");
        Assert.Equal((200, "\"n\""), (answer.Status, answer["ETag"]));
        Pattern.AssertSame(newer, answer.Body);
    }

    [Theory]
    [InlineData("bytes=-5", 3 * MiB - 5, 5)]
    [InlineData("bytes=2097153-2097160", 2 * MiB + 1, 8)]
    public async Task Only_the_block_that_is_wanted_first_is_fetched(string range, int from, int length)
    {
        var (origin, server) = await EvictedAsync();
        await using var _ = origin;
        await using var __ = server;
        var part = server.Fetch("/a.ts", "Range: " + range);
        Assert.Equal(206, part.Status);
        Pattern.AssertSame(Segment.AsSpan(from, length), part.Body);
        Assert.Equal("bytes=2097152-3145727", Assert.Single(origin.Requests).Range);
    }
}
