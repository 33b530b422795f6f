using System.Diagnostics;
using XLive.Server.Sending;

namespace XLive.Server.Tests.Sending;

public sealed class FileLaneTests
{
    private sealed class Hang(ManualResetEventSlim until, CountdownEvent? done = null) : IFileWork
    {
        public void Run()
        {
            until.Wait();
            done?.Signal();
        }
    }

    private sealed class Note(Action what) : IFileWork
    {
        public void Run() => what();
    }

    [Fact]
    public void Directories_that_hang_leave_threads_for_the_others()
    {
        var threads = new FileThreads("test");
        using var release = new ManualResetEventSlim();
        using var done = new CountdownEvent(6000);
        try
        {
            // Each hung one gets half of what the ones before have left.
            foreach (var most in (int[])[128, 192, 224, 240, 248, 252])
            {
                var hung = new FileLane(threads);
                for (var i = 0; i < 1000; i++)
                    hung.Enqueue(new Hang(release, done));
                Assert.Equal(most, threads.Threads);
            }

            using var other = new ManualResetEventSlim();
            new FileLane(threads).Enqueue(new Note(other.Set));
            Assert.True(other.Wait(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
            Assert.True(threads.Threads <= FileThreads.MaxThreads);
        }
        finally
        {
            release.Set();
        }

        Assert.True(done.Wait(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken), $"{done.CurrentCount} of 6000 were never run");
    }

    [Fact]
    public void However_many_directories_hang_the_threads_are_bounded()
    {
        var threads = new FileThreads("test");
        using var release = new ManualResetEventSlim();
        using var done = new CountdownEvent(2000);
        for (var i = 0; i < 2000; i++)
            new FileLane(threads).Enqueue(new Hang(release, done));
        Assert.Equal(FileThreads.MaxThreads, threads.Threads);
        release.Set();
        Assert.True(done.Wait(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken), $"{done.CurrentCount} of 2000 were never run");
    }

    [Fact]
    public void Every_call_of_many_is_run_once()
    {
        var threads = new FileThreads("test");
        var lanes = Enumerable.Range(0, 7).Select(_ => new FileLane(threads)).ToArray();
        var runs = new int[40_000];
        using var done = new CountdownEvent(runs.Length);
        Parallel.For(0, runs.Length, i => lanes[i * i % 7].Enqueue(new Note(() =>
        {
            Interlocked.Increment(ref runs[i]);
            if (i % 100 == 0)
                Thread.Sleep(1);
            done.Signal();
        })));
        Assert.True(done.Wait(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken), $"{done.CurrentCount} were never run");
        Assert.All(runs, n => Assert.Equal(1, n));
        Assert.True(threads.Threads <= FileThreads.MaxThreads);
    }

    [Fact]
    public void Threads_go_when_there_is_nothing_to_do()
    {
        var threads = new FileThreads("test");
        using var release = new ManualResetEventSlim();
        var lane = new FileLane(threads);
        for (var i = 0; i < 20; i++)
            lane.Enqueue(new Hang(release));
        Assert.Equal(20, threads.Threads);
        release.Set();
        for (var began = Stopwatch.StartNew(); threads.Threads > 2 && began.Elapsed < TimeSpan.FromSeconds(20);)
            Thread.Sleep(100);
        // Two stay, for the hour when none can be started.
        Assert.Equal(2, threads.Threads);
    }
}
