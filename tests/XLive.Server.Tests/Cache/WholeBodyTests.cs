using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Cache;

/// <summary>Bodies that are read whole before they are answered with: bounded in memory and in time.</summary>
public sealed class WholeBodyTests
{
    private const int MiB = 1 << 20;

    [Fact]
    public async Task There_are_so_many_at_once_and_the_others_hear_it()
    {
        var gate = new TaskCompletionSource();
        var body = Pattern.Bytes(3 * MiB, 4);
        await using var origin = await ScriptedOrigin.StartAsync(async c =>
        {
            await c.Response.BodyWriter.WriteAsync(body);
            await c.Response.BodyWriter.FlushAsync();
            await gate.Task;
        });
        await using var server = await origin.FrontAsync("--cache.memory=16MiB");
        var whole = server.Get<OriginCache>().Whole;
        var (good, refused) = (0, 0);
        var crowd = Crowd.Of(8, i =>
        {
            var answer = server.Fetch($"/{i}.bin");
            if (answer.Status == 200)
                Pattern.AssertSame(body, answer.Body);
            else
                Assert.Equal((503, "2"), (answer.Status, answer["Retry-After"]));
            Interlocked.Increment(ref answer.Status == 200 ? ref good : ref refused);
        });
        Until.True(() => whole.Refused > 0 && Volatile.Read(ref refused) > 0, "one is refused");
        Assert.InRange(whole.Used, MiB, 16 * MiB);
        gate.SetResult();
        await crowd;
        Assert.True(good > 0 && good + refused == 8, $"{good} answered, {refused} refused");
        Assert.Equal(0, whole.Used);
    }

    [Fact]
    public async Task One_that_does_not_end_is_a_504()
    {
        var clock = new HandClock();
        await using var origin = await ScriptedOrigin.StartAsync(async c =>
        {
            for (var i = 0; !c.RequestAborted.IsCancellationRequested; i++)
            {
                await c.Response.WriteAsync($"#{i}\n", c.RequestAborted);
                await c.Response.BodyWriter.FlushAsync(c.RequestAborted);
                await Task.Delay(20, c.RequestAborted);
            }
        });
        await using var server = await origin.FrontAsync(clock, "--access.max_lifetime=0", "--backend.idle_timeout=1h");
        var viewer = Task.Factory.StartNew(() => server.Fetch("/live/a.m3u8").Status, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Until.True(() => server.Get<OriginCache>().Whole.Used > 0, "it is being read");
        clock.Pass(TimeSpan.FromSeconds(29));
        Assert.False(viewer.IsCompleted);
        clock.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(504, await viewer);
        Until.Equal(0, () => server.Get<OriginCache>().Whole.Used, "bytes held");
    }
}
