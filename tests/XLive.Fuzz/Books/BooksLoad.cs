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

    /// <summary>So many users each take a segment a second, and each second all of it is cut and reported. Processor time of that, a second.</summary>
    public static TimeSpan FlushEachSecond(int users, int seconds)
    {
        using var load = new BooksLoad(new TrafficOptions { ReportInterval = TimeSpan.FromSeconds(1) });
        var meters = Enumerable.Range(0, users).Select(i => (Meter: load._meters.Open($"user-{i:000000}", $"session-{i:000000}"), Address: new IPAddress(0x0a000000 + i))).ToArray();
        List<TimeSpan> took = [];
        for (var second = 0; second < seconds + 3; second++)
        {
            foreach (var (meter, address) in meters)
            {
                meter.CountRequest(FileKind.Ts, address);
                meter.Charge(FileKind.Ts, 2 * MiB);
            }
            load._clock.Pass(1);
            var before = ProcessorTime();
            load._ledger.Sync();
            load._ledger.Look();
            took.Add(ProcessorTime() - before);
            if (load._ledger.Fault is { } fault)
                throw new IOException(fault);
            load.Receive();
        }
        // The first make the users' rows, and are compiled for speed meanwhile.
        var rest = took.Skip(3).Order().ToList();
        return rest[rest.Count / 2];
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

    private long Receive()
    {
        long bytes = 0;
        for (; _ledger.Outbox.Oldest() is { } report; _ledger.Outbox.Acknowledge(report))
            bytes += report.Bytes;
        for (; _ledger.History.Oldest() is { } batch; _ledger.History.Forget(batch))
        {
        }
        return bytes;
    }

    public void Dispose()
    {
        _ledger.Dispose();
        _meters.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static TimeSpan ProcessorTime()
    {
        const int ofThisThread = 3; // CLOCK_THREAD_CPUTIME_ID
        if (clock_gettime(ofThisThread, out var time) != 0)
            throw new InvalidOperationException("no clock of the thread's processor time");
        return TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromMicroseconds(time.Nanoseconds / 1000.0);
    }

    private readonly record struct TimeSpec(long Seconds, long Nanoseconds);

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, out TimeSpec time);
}
