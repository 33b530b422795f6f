using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using XLive.Server.Sending;

namespace XLive.Server.Tests.Delivery;

/// <summary>What is taken to be in the page cache: a wrong guess holds up the thread that moves every viewer's bytes.</summary>
public sealed class WarmFileTests
{
    private const long MiB = 1 << 20;

    private readonly FileLane _lane = new(new FileThreads("test"));

    private SendableFile File(long length) => new(new SafeFileHandle(-1, ownsHandle: false), _lane, length, sendfile: true);

    private static void Send(SendableFile file, long from, long to, long step)
    {
        for (var at = from; at < to; at += step)
            file.Sent(from, at, Math.Min(at + step, to), default);
    }

    [Fact]
    public void A_file_that_nobody_was_sent_is_cold()
    {
        var file = File(3 * MiB);
        Assert.Equal(0, file.WarmBytes(0));
        Assert.Equal(0, file.WarmBytes(3 * MiB - 1));
    }

    [Theory]
    [InlineData(100_000)]
    [InlineData(MiB)]
    public void What_went_out_whole_is_warm_to_its_end(long step)
    {
        var file = File(2 * MiB + 500);
        Send(file, 0, 2 * MiB + 500, step);
        Assert.Equal(2 * MiB, file.WarmBytes(0));
        Assert.Equal(2 * MiB - 10 + 500 - MiB, file.WarmBytes(MiB + 10));
        Assert.Equal(500, file.WarmBytes(2 * MiB));
    }

    [Fact]
    public void A_warm_block_ends_where_a_cold_one_begins()
    {
        var file = File(4 * MiB);
        Send(file, 0, MiB + 500, 200_000);
        Assert.Equal(MiB, file.WarmBytes(0));
        Assert.Equal(1, file.WarmBytes(MiB - 1));
        Assert.Equal(0, file.WarmBytes(MiB));
    }

    [Fact]
    public void The_part_before_a_range_is_not_warm()
    {
        var file = File(4 * MiB);
        Send(file, MiB / 2, 2 * MiB + 1, 200_000);
        Assert.Equal(0, file.WarmBytes(0));
        Assert.Equal(0, file.WarmBytes(MiB / 2));
        Assert.Equal(MiB, file.WarmBytes(MiB));
    }

    [Fact]
    public void A_thread_that_was_only_kept_busy_did_not_wait_for_a_disk()
    {
        Until.True(() =>
        {
            var file = WarmFile();
            var clock = SendClock.Start();
            var sleeps = Native.VoluntarySwitches();
            for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started).TotalMilliseconds < 30;)
                Math.Sqrt(started);
            file.Sent(0, 0, 100, clock);
            // A collection that stopped all threads is a sleep like any other: then this try shows nothing.
            if (Native.VoluntarySwitches() != sleeps)
                return false;
            Assert.Equal(2 * MiB, file.WarmBytes(0));
            return true;
        }, "thirty milliseconds without a sleep");
    }

    [Fact]
    public void A_disk_that_kept_a_thread_waiting_is_asked_by_its_lane_alone()
    {
        var file = WarmFile();
        var waiting = SendClock.Start();
        Thread.Sleep(30);
        file.Sent(0, 0, 100, waiting);
        Assert.Equal(0, file.WarmBytes(0));
    }

    private static SendableFile WarmFile()
    {
        var file = new SendableFile(new SafeFileHandle(-1, ownsHandle: false), new FileLane(new FileThreads("test")), 2 * MiB, sendfile: true);
        Send(file, 0, 2 * MiB, MiB);
        Assert.Equal(2 * MiB, file.WarmBytes(0));
        return file;
    }
}
