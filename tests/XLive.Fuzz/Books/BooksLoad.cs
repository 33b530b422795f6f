using System.Net;
using System.Runtime.InteropServices;
using XLive.Server.Traffic;

namespace XLive.Fuzz.Books;

/// <summary>
/// What counting costs beside the requests: counters and ledger on a real disk, time that passes when it is told to. For `./bench traffic`
/// at full size, and for a test at a tenth of it.
/// </summary>
internal sealed partial class BooksLoad : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly string _folder = Directory.CreateTempSubdirectory("xlive-books-").FullName;
    private readonly ModelClock _clock = new();
    private readonly LedgerStart _start;
    private readonly UserMeters _meters;
    private readonly Ledger _ledger;

    private BooksLoad(TrafficOptions options)
    {
        _start = LedgerStart.In(_folder, options, _clock);
        _meters = new UserMeters(_start.Slots, new TrafficClock(_clock));
        _ledger = new Ledger(_start.File, _meters, () => options, _clock) { IsReporting = static () => true };
    }

    /// <param name="Flush">Counters to the disk, and all of it cut, reported and in the ledger: processor time a second.</param>
    /// <param name="Handover">Reports read, posted to nobody and acknowledged, the history's batch read and forgotten: the same.</param>
    /// <param name="Allocated">By the flush, for the collector to find.</param>
    public readonly record struct Flushes(TimeSpan Flush, TimeSpan Handover, long Allocated);

    /// <summary>So many users each take a segment a second, one half before the counters go to the disk and one before the cut, as they would beside it.</summary>
    /// <param name="alone">Nobody else is in this process, and the time is all of its threads', the collector's too; else this thread's.</param>
    public static Flushes FlushEachSecond(int users, int seconds, bool alone)
    {
        // Users' rows are made in the first, and the code is compiled for speed in those after it.
        const int warmUp = 40;
        using var load = new BooksLoad(new TrafficOptions { ReportInterval = TimeSpan.FromSeconds(1) });
        var meters = Enumerable.Range(0, users).Select(i => (Meter: load._meters.Open($"user-{i:000000}", $"session-{i:000000}"), Address: new IPAddress(0x0a000000 + i))).ToArray();
        TimeSpan flush = default, handover = default;
        long allocated = 0;
        for (var second = 0; second < warmUp + seconds; second++)
        {
            if (second == warmUp)
                (flush, handover, allocated) = (default, default, 0);
            Charge();
            load._clock.Pass(1);
            var before = ProcessorTime();
            load._ledger.Sync();
            flush += ProcessorTime() - before;
            Charge();
            var allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
            before = ProcessorTime();
            load._ledger.Look();
            flush += ProcessorTime() - before;
            allocated += GC.GetAllocatedBytesForCurrentThread() - allocatedBefore;
            if (load._ledger.Fault is { } fault)
                throw new IOException(fault);
            before = ProcessorTime();
            load.Receive();
            // Now, and not while it flushes the next.
            if (alone)
                GC.Collect();
            handover += ProcessorTime() - before;
        }
        return new Flushes(flush / seconds, handover / seconds, allocated / seconds);

        TimeSpan ProcessorTime() => BooksLoad.ProcessorTime(alone ? OfTheProcess : OfThisThread);

        void Charge()
        {
            foreach (var (meter, address) in meters)
            {
                meter.CountRequest(FileKind.Ts, address);
                meter.Charge(FileKind.Ts, MiB);
            }
        }
    }

    /// <summary>
    /// Users who come once in a day, evenly, each for five requests in ten minutes. Every other one takes too little for a report of his own.
    /// </summary>
    /// <returns>The most accounts there were at a time, and the bytes that were reported or wait, less those that were charged: 0.</returns>
    public static (int Accounts, long Difference) Day(int users, int seconds)
    {
        using var load = new BooksLoad(new TrafficOptions());
        var watching = new Queue<(Meter Meter, int Until)>();
        long charged = 0, reported = 0;
        var most = 0;
        var came = 0;
        for (var second = 0; second < seconds; second++)
        {
            for (var due = (int)((long)users * (second + 1) / seconds); came < due; came++)
                watching.Enqueue((load._meters.Open($"user-{came:000000}", $"session-{came:000000}"), second + 480));
            foreach (var (meter, until) in watching)
            {
                if ((until - second) % 120 != 0)
                    continue;
                var bytes = meter.Uid[^1] % 2 == 0 ? 100_000 : 2 * MiB;
                meter.CountRequest(FileKind.Ts, IPAddress.Loopback);
                meter.Charge(FileKind.Ts, bytes);
                charged += bytes;
            }
            while (watching.Count > 0 && watching.Peek().Until <= second)
                watching.Dequeue();
            load._clock.Pass(1);
            // Each second in the server; the disk's time is not what is measured here.
            if (second % 60 == 0)
                load._ledger.Sync();
            load._ledger.Look();
            most = Math.Max(most, load._meters.Count);
            reported += load.Receive();
        }
        load._ledger.Finish();
        reported += load.Receive();
        var waiting = load._start.File.Db.First("SELECT sum(waiting_bytes) FROM users", static row => row.Int64(0));
        return (most, charged - reported - waiting + load._ledger.Difference + load._meters.Overflow.Bytes);
    }

    /// <param name="Outbox">The most bytes of reports that waited.</param>
    /// <param name="Files">The most bytes of the ledger's files: the users' rows and the log of SQLite with them.</param>
    /// <param name="Difference">Bytes charged less those that were reported when somebody was there again: 0.</param>
    public readonly record struct Outages(long Outbox, long Files, int Reports, long Difference);

    /// <summary>
    /// Nobody takes reports while so many users play, each from as many addresses and in as many sessions as a report tells. The history goes
    /// its own way meanwhile.
    /// </summary>
    public static Outages Outage(int users, TimeSpan time)
    {
        var options = new TrafficOptions();
        using var load = new BooksLoad(options);
        var outages = default(Outages);
        long charged = 0, reported = 0;
        var window = (int)options.ReportInterval.TotalSeconds;
        for (var passed = 0; passed < time.TotalSeconds; passed += window)
        {
            for (var user = 0; user < users; user++)
            {
                Meter meter = null!;
                // What no further report is cut of needs no more of them.
                for (var session = 0; session < (load._ledger.IsHeld ? 1 : 10); session++)
                {
                    meter = load._meters.Open($"user-{user:000000}", $"session-{user:000000}-{session:00}");
                    meter.CountRequest(FileKind.Ts, new IPAddress(0x0a000000 + user * 20 + session * 2));
                    meter.CountRequest(FileKind.M3u8, new IPAddress(0x0a000000 + user * 20 + session * 2 + 1));
                }
                meter.Charge(FileKind.Ts, 2 * MiB);
                charged += 2 * MiB;
            }
            load._clock.Pass(window);
            load._ledger.Look();
            load.ReceiveHistory();
            var depth = load._ledger.Outbox.Depth();
            outages = outages with
            {
                Outbox = Math.Max(outages.Outbox, depth.BodyBytes),
                Files = Math.Max(outages.Files, Directory.GetFiles(load._folder, "ledger.db*").Sum(static f => new FileInfo(f).Length)),
                Reports = depth.Waiting,
            };
        }
        // What the outbox had no room for is cut at the first windows after.
        for (var i = 0; i < 2; i++)
        {
            reported += load.Receive();
            load._clock.Pass(window);
            load._ledger.Look();
        }
        reported += load.Receive();
        return outages with { Difference = charged - reported + load._ledger.Difference };
    }

    private void ReceiveHistory()
    {
        for (; _ledger.History.Oldest() is { } batch; _ledger.History.Forget(batch))
        {
        }
    }

    private long Receive()
    {
        long bytes = 0;
        for (; _ledger.Outbox.Oldest() is { } report; _ledger.Outbox.Acknowledge(report))
            bytes += report.Bytes;
        ReceiveHistory();
        return bytes;
    }

    public void Dispose()
    {
        _ledger.Dispose();
        _meters.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private const int OfTheProcess = 2; // CLOCK_PROCESS_CPUTIME_ID
    private const int OfThisThread = 3; // CLOCK_THREAD_CPUTIME_ID

    private static TimeSpan ProcessorTime(int clock)
    {
        if (clock_gettime(clock, out var time) != 0)
            throw new InvalidOperationException("no clock of processor time");
        return TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromMicroseconds(time.Nanoseconds / 1000.0);
    }

    private readonly record struct TimeSpec(long Seconds, long Nanoseconds);

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, out TimeSpec time);
}
