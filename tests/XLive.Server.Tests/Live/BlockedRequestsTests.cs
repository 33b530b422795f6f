using System.Diagnostics;
using XLive.Media;
using XLive.Media.Fmp4;
using XLive.Media.Hls;
using XLive.Media.Tests;
using XLive.Server.Playback.Hls;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Live;

/// <summary>Those who wait for a part: how many may, and what waking them costs the publisher.</summary>
public sealed class BlockedRequestsTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 2, 0, 0, TimeSpan.Zero);

    private readonly CmafPresentation _presentation = new(new CmafPresentationOptions { BaseUri = "s/1/" });
    private readonly CmafSegments _segments;
    private readonly Segmenter _segmenter;
    private readonly IEnumerator<Frame> _frames = new SyntheticStream { Random = new Random(1), Fps = 30, Seconds = 60, VideoBytes = 100 }.Frames().GetEnumerator();
    private readonly BlockedRequests _blocked = new();

    public BlockedRequestsTests()
    {
        _segments = new CmafSegments(new CmafOptions { PartSeconds = 0.2 }, _presentation.Add, _presentation.Add);
        _segmenter = new Segmenter(new SegmenterOptions { SegmentSeconds = 2 }, _segments);
        To(7.1);
    }

    private PresentationView View => _presentation.Current!;

    private Awaited Next => new(TrackKind.Video, View.Video!.OpenNumber, View.Video.OpenParts, IsHint: false);

    private void To(double seconds)
    {
        while (_frames.MoveNext())
        {
            _segmenter.Write(_frames.Current, Now);
            if (_presentation.Publish(_segmenter.TargetDuration, _segments.PartTargetSeconds, _segmenter.IsIndependent, Now))
                _blocked.Wake(View);
            if (_frames.Current.Decoded.Seconds >= seconds)
                return;
        }
    }

    private List<Task<BlockedEnd>> Wait(int count, Action? settled = null) => [.. Enumerable.Range(0, count).Select(async _ =>
    {
        var end = await _blocked.WaitAsync(Next, Now, TestContext.Current.CancellationToken);
        settled?.Invoke();
        return end;
    })];

    [Fact]
    public async Task Ten_thousand_are_woken_by_the_pool_and_the_publisher_does_not_wait_for_them()
    {
        var (threads, woken, at) = (new System.Collections.Concurrent.ConcurrentDictionary<int, int>(), 0, 0);
        using var hold = new ManualResetEventSlim();
        var waiting = Wait(10_000, () =>
        {
            threads.AddOrUpdate(Environment.CurrentManagedThreadId, 1, static (_, count) => count + 1);
            // The first is a viewer whose answer takes long.
            if (Interlocked.Increment(ref woken) == 1)
                hold.Wait(Until.Patience);
        });
        Assert.Equal(10_000, _blocked.Count);
        at = Environment.CurrentManagedThreadId;
        var clock = Stopwatch.StartNew();
        To(7.4);
        var spent = clock.Elapsed;
        Assert.Equal(0, _blocked.Count);
        Until.True(() => Volatile.Read(ref woken) > 9_900, "the others are answered meanwhile");
        hold.Set();
        Assert.All(await Task.WhenAll(waiting), static end => Assert.Equal(BlockedEnd.Settled, end));
        Assert.False(threads.ContainsKey(at) && threads[at] > 9_000, "by the publisher's own thread");
        Assert.InRange(threads.Count, 1, 100);
        TestContext.Current.TestOutputHelper?.WriteLine($"{spent.TotalMilliseconds:F1} ms of the publisher's time, {threads.Count} threads");
        Assert.True(spent < TimeSpan.FromMilliseconds(500), $"{spent.TotalMilliseconds} ms");
    }

    [Fact]
    public async Task No_more_than_so_many_wait_for_one_stream()
    {
        _blocked.Wake(View);
        var waiting = Wait(BlockedRequests.Most);
        Assert.Equal(BlockedRequests.Most, _blocked.Count);
        Assert.Equal(BlockedEnd.TooMany, await _blocked.WaitAsync(Next, Now, TestContext.Current.CancellationToken));
        To(7.4);
        await Task.WhenAll(waiting);
        var again = Wait(1);
        _blocked.Expire(Now);
        Assert.Equal(BlockedEnd.TooLong, await again[0]);
    }

    [Fact]
    public async Task Who_leaves_makes_room_and_the_others_wait_on()
    {
        _blocked.Wake(View);
        using var gone = new CancellationTokenSource();
        var staying = Wait(5);
        var leaving = Enumerable.Range(0, 5).Select(_ => _blocked.WaitAsync(Next, Now, gone.Token).AsTask()).ToList();
        staying.AddRange(Wait(5));
        await gone.CancelAsync();
        Assert.All(await Task.WhenAll(leaving), static end => Assert.Equal(BlockedEnd.Left, end));
        Assert.Equal(10, _blocked.Count);
        To(7.4);
        Assert.All(await Task.WhenAll(staying), static end => Assert.Equal(BlockedEnd.Settled, end));
        // What came since the caller looked is not waited for.
        Assert.Equal(BlockedEnd.Settled, await _blocked.WaitAsync(new Awaited(TrackKind.Video, 0, 0, IsHint: false), Now, TestContext.Current.CancellationToken));
    }

    public void Dispose()
    {
        _segmenter.Dispose();
        _segments.Dispose();
        _presentation.Dispose();
        _frames.Dispose();
    }
}
