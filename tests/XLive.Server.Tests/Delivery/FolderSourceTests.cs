using System.Collections.Concurrent;
using System.Diagnostics;
using XLive.Server.Playback.Vod.Folder;
using XLive.Server.Sending;
using XLive.Server.Tests.Telemetry;

namespace XLive.Server.Tests.Delivery;

public sealed class FolderSourceTests : IDisposable
{
    private readonly MediaFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static FileAnswer Find(FolderSource source, string path, long now = 0) =>
        source.FindAsync(path, now, default).AsTask().WaitAsync(Until.Patience).GetAwaiter().GetResult();

    private sealed class Blocking(ManualResetEventSlim gate) : IFileWork
    {
        public void Run() => gate.Wait();
    }

    /// <summary>Every thread of the lane is held, so that what is asked meanwhile waits together.</summary>
    private static void Hold(FolderSource source, string path, ManualResetEventSlim gate)
    {
        for (var i = 0; i < FileThreads.MaxThreads / 2; i++)
            source.Lanes.For(path).Enqueue(new Blocking(gate));
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(500_000)]
    public async Task A_hundred_who_want_a_cold_file_ask_the_disk_once(int size)
    {
        var bytes = Pattern.Bytes(size);
        _folder.Write("x/a.ts", bytes);
        var source = _folder.Source();
        using var gate = new ManualResetEventSlim();
        Hold(source, "/x/a.ts", gate);
        var waiting = Enumerable.Range(0, 100).Select(_ => source.FindAsync("/x/a.ts", Stopwatch.GetTimestamp(), default).AsTask()).ToList();
        Assert.Equal(1, source.LookupsWaiting);
        Assert.DoesNotContain(waiting, w => w.IsCompleted);
        gate.Set();
        var answers = await Task.WhenAll(waiting).WaitAsync(Until.Patience, TestContext.Current.CancellationToken);
        Assert.Equal(1, source.Looks);
        Assert.Single(answers.Select(a => a.Entry).Distinct());
        Until.Equal(0, () => source.LookupsWaiting, "lookups");
        Assert.Equal(size > FileOpener.MemoryBound ? 1 : 0, _folder.HandlesOpen);
        foreach (var answer in answers)
            answer.Entry!.Release();
        source.Table.Remove("/x/a.ts");
        // Released by all who had it: the handle closes with the last.
        Until.Equal(0, () => _folder.HandlesOpen, "handles");
    }

    [Fact]
    public async Task Who_gives_up_waiting_takes_nothing_along()
    {
        _folder.Write("x/a.ts", Pattern.Bytes(500_000));
        var source = _folder.Source();
        using var gate = new ManualResetEventSlim();
        Hold(source, "/x/a.ts", gate);
        using var left = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var leavers = Enumerable.Range(0, 20).Select(_ => source.FindAsync("/x/a.ts", 0, left.Token).AsTask()).ToList();
        var stays = source.FindAsync("/x/a.ts", 0, TestContext.Current.CancellationToken).AsTask();
        await left.CancelAsync();
        foreach (var leaver in leavers)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaver);
        gate.Set();
        var entry = (await stays.WaitAsync(Until.Patience, TestContext.Current.CancellationToken)).Entry!;
        entry.Release();
        source.Table.Remove("/x/a.ts");
        Until.Equal(0, () => _folder.HandlesOpen, "handles");
    }

    [Fact]
    public void Within_a_second_memory_answers_and_then_the_disk_is_asked()
    {
        var clock = new StoppedClock();
        var source = _folder.Source(clock);
        _folder.Write("x/a.ts", "one");
        var first = Find(source, "/x/a.ts", clock.GetTimestamp()).Entry!;
        _folder.Write("x/a.ts", "two!");
        clock.Pass(TimeSpan.FromSeconds(0.999));
        Assert.Same(first, Find(source, "/x/a.ts", clock.GetTimestamp()).Entry);
        Assert.Equal(1, source.Looks);
        clock.Pass(TimeSpan.FromSeconds(0.001));
        var second = Find(source, "/x/a.ts", clock.GetTimestamp()).Entry!;
        Assert.Equal("two!"u8, second.Bytes.AsSpan());
        Assert.NotEqual(first.ETag, second.ETag);
        Assert.Equal("one"u8, first.Bytes.AsSpan());
        // Unchanged: looked at, not read again.
        clock.Pass(TimeSpan.FromSeconds(5));
        Assert.Same(second, Find(source, "/x/a.ts", clock.GetTimestamp()).Entry);
        Assert.Equal(3, source.Looks);
        Assert.Same(second, Find(source, "/x/a.ts", clock.GetTimestamp()).Entry);
        Assert.Equal(3, source.Looks);
        clock.Pass(TimeSpan.FromSeconds(1));
        File.Delete(Path.Combine(_folder.Root, "x/a.ts"));
        Assert.Equal(FileFault.NotFound, Find(source, "/x/a.ts", clock.GetTimestamp()).Fault);
        Assert.Equal((0, 0L), (source.Table.Count, source.Table.Bytes));
    }

    [Theory]
    [InlineData(0, 1000)]
    [InlineData(64 << 20, 0)]
    [InlineData(1, 1)]
    public void A_table_that_may_keep_nothing_still_serves(long memory, int handles)
    {
        var source = _folder.Source(memory: memory, handles: handles);
        foreach (var size in (int[])[0, 10, 1000, 500_000])
        {
            _folder.Write($"x/{size}.ts", Pattern.Bytes(size));
            for (var i = 0; i < 3; i++)
            {
                var entry = Find(source, $"/x/{size}.ts").Entry!;
                Assert.Equal(size, entry.Length);
                if (entry.HoldsHandle)
                    Assert.False(entry.Body.File!.Handle.IsClosed);
                entry.Release();
            }
        }
        Until.True(() => _folder.HandlesOpen == source.Table.Handles, "no handle beyond the table's");
        Assert.True(source.Table.Handles <= handles);
    }

    [Fact]
    public void Budgets_hold_under_churn_and_nobody_loses_what_he_holds()
    {
        const int files = 120, handles = 16;
        const long memory = 600_000;
        for (var i = 0; i < files; i++)
            _folder.Write($"x/{i}.ts", Pattern.Bytes(i % 2 == 0 ? 20_000 + i : 150_000 + i, i));
        var source = _folder.Source(memory: memory, handles: handles);
        var wrong = new ConcurrentQueue<string>();
        long most = 0, mostHandles = 0;
        var threads = Enumerable.Range(0, 8).Select(t => new Thread(() =>
        {
            var random = new Random(t);
            var buffer = new byte[16];
            for (var n = 0; n < 1500 && wrong.IsEmpty; n++)
            {
                var i = random.Next(files);
                try
                {
                    var entry = Find(source, $"/x/{i}.ts", Stopwatch.GetTimestamp()).Entry!;
                    if (n % 7 == 0)
                        Thread.Yield();
                    if (entry.Length != (i % 2 == 0 ? 20_000 + i : 150_000 + i))
                        wrong.Enqueue($"file {i} has {entry.Length} bytes");
                    var read = entry.Bytes is null ? RandomAccess.Read(entry.Body.File!.Handle, buffer, 0) : 16;
                    if (!(entry.Bytes is null ? buffer : entry.Bytes[..16]).AsSpan().SequenceEqual(Pattern.Bytes(16, i)))
                        wrong.Enqueue($"file {i} has others' bytes, {read} read");
                    entry.Release();
                    InterlockedMax(ref most, source.Table.Bytes);
                    InterlockedMax(ref mostHandles, source.Table.Handles);
                }
                catch (Exception e)
                {
                    wrong.Enqueue($"file {i}: {e}");
                }
            }
        })).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        Assert.Empty(wrong);
        // One entry may stand above the line for the moment between its coming in and another's going.
        Assert.InRange(most, 1, memory + 160_000);
        Assert.InRange(mostHandles, 1, handles + 1);
        Assert.True(source.Table.Bytes <= memory && source.Table.Handles <= handles);
        Until.Equal(source.Table.Handles, () => _folder.HandlesOpen, "open handles");
        for (var i = 0; i < files; i++)
            source.Table.Remove($"/x/{i}.ts");
        Assert.Equal((0, 0L, 0), (source.Table.Count, source.Table.Bytes, source.Table.Handles));
        Until.Equal(0, () => _folder.HandlesOpen, "open handles at the end");
    }

    private static void InterlockedMax(ref long most, long value)
    {
        for (var seen = Volatile.Read(ref most); value > seen;)
        {
            var was = Interlocked.CompareExchange(ref most, value, seen);
            if (was == seen)
                return;
            seen = was;
        }
    }

    [Fact]
    public void What_is_watched_survives_a_scan()
    {
        var source = _folder.Source(memory: 20 * 11_024);
        _folder.Write("x/hot.ts", Pattern.Bytes(10_000));
        for (var i = 0; i < 200; i++)
            _folder.Write($"scan/{i}.ts", Pattern.Bytes(10_000));
        var hot = Find(source, "/x/hot.ts", Stopwatch.GetTimestamp()).Entry!;
        for (var i = 0; i < 200; i++)
        {
            Find(source, $"/scan/{i}.ts", Stopwatch.GetTimestamp()).Entry!.Release();
            if (i % 5 == 0)
                Assert.Same(hot, source.Table.Find("/x/hot.ts"));
        }
        Assert.InRange(source.Table.Count, 15, 20);
    }

    [Fact]
    public async Task A_hung_directory_holds_up_no_other()
    {
        _folder.Write("x/a.ts", "A");
        _folder.Write("y/b.ts", "B");
        var source = _folder.Source();
        // y is known to be on a disk that answers; then the lane of first looks hangs.
        Find(source, "/y/b.ts").Entry!.Release();
        using var gate = new ManualResetEventSlim();
        Hold(source, "/x/a.ts", gate);
        var hung = source.FindAsync("/x/a.ts", 0, TestContext.Current.CancellationToken).AsTask();
        for (var i = 0; i < 10; i++)
        {
            _folder.Write("y/b.ts", "B" + i);
            // Clock readings far ahead: not fresh, so the disk is asked each time.
            Find(source, "/y/b.ts", long.MaxValue).Entry!.Release();
        }
        Assert.False(hung.IsCompleted);
        gate.Set();
        (await hung.WaitAsync(Until.Patience, TestContext.Current.CancellationToken)).Entry!.Release();
    }
}
