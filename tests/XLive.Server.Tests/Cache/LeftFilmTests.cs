using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Cache;

/// <summary>What nobody reads any more is not fetched to its end: on a narrow link to the origin it would stand in the way of all others.</summary>
public sealed class LeftFilmTests
{
    private const int MiB = 1 << 20;
    private const int Size = 8 * MiB;

    private static readonly byte[] Film = Pattern.Bytes(Size, 9);

    /// <param name="pause">Between two eighths of a mebibyte, in milliseconds.</param>
    private sealed class Dripping(int pause = 150)
    {
        private long _sent;

        public long Sent => Volatile.Read(ref _sent);

        /// <summary>As long as somebody takes it.</summary>
        public async Task Answer(HttpContext context)
        {
            var range = context.Request.GetTypedHeaders().Range!.Ranges.First();
            var first = range.From!.Value;
            var end = Math.Min(range.To!.Value + 1, Size);
            context.Response.StatusCode = 206;
            context.Response.ContentLength = end - first;
            context.Response.Headers.ETag = "\"f\"";
            context.Response.Headers.CacheControl = "max-age=600";
            context.Response.Headers.ContentRange = $"bytes {first}-{end - 1}/{Size}";
            for (var at = first; at < end; at += MiB / 8)
            {
                await context.Response.Body.WriteAsync(Film.AsMemory((int)at, (int)Math.Min(MiB / 8, end - at)), context.RequestAborted);
                Interlocked.Add(ref _sent, MiB / 8);
                await Task.Delay(pause, context.RequestAborted);
            }
        }
    }

    [Fact]
    public async Task Who_leaves_leaves_no_eight_megabytes_behind()
    {
        var film = new Dripping();
        await using var origin = await ScriptedOrigin.StartAsync(film.Answer);
        await using var server = await origin.FrontAsync("--cache.memory=256MiB");
        using (var viewer = server.Connect())
        {
            Assert.Equal(200, viewer.Send(RawClient.Request("GET", TestServer.Signed("/film.mp4"))).ReadHead().Status);
            viewer.ReadBody(1000);
        }
        // Whatever was on its way: what is sent no longer grows.
        long before = -1;
        Until.True(() =>
        {
            var now = film.Sent;
            var stands = now == before;
            before = now;
            Thread.Sleep(600);
            return stands;
        }, "the origin is no longer read from");
        Assert.InRange(before, MiB / 8, 6 * MiB);
        Pattern.AssertSame(Film.AsSpan(0, MiB).ToArray(), server.Fetch("/film.mp4", "Range: bytes=0-1048575").Body);
        Pattern.AssertSame(Film.AsSpan(Size - 5, 5).ToArray(), server.Fetch("/film.mp4", "Range: bytes=-5").Body);
    }

    [Fact]
    public async Task Who_waits_for_a_later_part_has_it_though_the_first_viewer_left()
    {
        // A mebibyte in more than two seconds: what nobody wants would be left in its midst.
        var film = new Dripping(300);
        await using var origin = await ScriptedOrigin.StartAsync(film.Answer);
        await using var server = await origin.FrontAsync("--cache.memory=256MiB");
        using var first = server.Connect();
        Assert.Equal(200, first.Send(RawClient.Request("GET", TestServer.Signed("/film.mp4"))).ReadHead().Status);
        using var second = server.Connect();
        second.Send(RawClient.Request("GET", TestServer.Signed("/film.mp4"), "Range: bytes=2097152-3145727"));
        var cache = server.Get<OriginCache>();
        Until.True(() => cache.Find("/film.mp4", new HeaderDictionary())?.At(2) is { IsWanted: true }, "the second waits for his part");
        first.Dispose();
        Assert.Equal(206, second.ReadHead().Status);
        Pattern.AssertSame(Film.AsSpan(2 * MiB, MiB).ToArray(), second.ReadBody(MiB));
        Assert.Single(origin.Requests);
    }
}
