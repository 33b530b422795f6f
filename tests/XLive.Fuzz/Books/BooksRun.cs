using System.Collections.Concurrent;
using System.Diagnostics;

namespace XLive.Fuzz.Books;

/// <summary>Many lives, and what came of them.</summary>
internal sealed class BooksRun
{
    private long _lives, _starts, _powerLosses, _failedCuts, _reports;

    public long Lives => _lives;
    public long Starts => _starts;
    public long PowerLosses => _powerLosses;
    public long FailedCuts => _failedCuts;
    public long Reports => _reports;
    public TimeSpan Took { get; private set; }
    public ConcurrentBag<(long Number, string Fault)> Failures { get; } = [];

    public static BooksRun Of(ulong seed, long from, long count, TimeSpan longest)
    {
        var run = new BooksRun();
        var watch = Stopwatch.StartNew();
        var next = from - 1;
        var threads = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(() =>
        {
            while (Interlocked.Increment(ref next) is var number && number < from + count && watch.Elapsed < longest)
                run.Live(seed, number);
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        run.Took = watch.Elapsed;
        return run;
    }

    private void Live(ulong seed, long number)
    {
        try
        {
            var model = BooksModel.Run(seed, number);
            Interlocked.Add(ref _starts, model.Starts);
            Interlocked.Add(ref _powerLosses, model.PowerLosses);
            Interlocked.Add(ref _failedCuts, model.FailedCuts);
            Interlocked.Add(ref _reports, model.Reports);
        }
        catch (Exception fault)
        {
            Failures.Add((number, fault.ToString()));
        }
        Interlocked.Increment(ref _lives);
    }
}
