using System.Globalization;
using XLive.Fuzz.Engine;

namespace XLive.Fuzz;

internal static class FuzzCommand
{
    private const long Million = 1_000_000;

    // What a million inputs may leave behind: tables that the runtime makes as it goes, and the pools'.
    private const long MostKept = 4 << 20;
    private const long MostResident = 48 << 20;

    public static int Run(string[] args)
    {
        var options = new Options(args);
        var count = options.Number("count", Million);
        var seed = (ulong)options.Number("seed", Random.Shared.NextInt64(1_000_000_000));
        var from = options.Number("from", 0);
        var threads = (int)options.Number("threads", Environment.ProcessorCount);
        var only = options.Text("only");
        var chosen = Fuzzers.All.Where(make => only is null || only.Split(',').Any(part => make().Name.Contains(part, StringComparison.Ordinal))).ToArray();
        if (!options.AllKnown || chosen.Length == 0)
        {
            Console.Error.WriteLine("fuzz [--count N] [--only NAME,NAME] [--seed N] [--from N] [--threads N]; names: "
                + string.Join(' ', Fuzzers.All.Select(make => make().Name)));
            return 2;
        }
        Print($"Seed {seed}, {threads} threads. Accepted: the share that the parser took. Whatever it took or refused was also told by a second reading.");
        Print($"");
        Print($"Heap: what is alive after a whole collection, against before the first input. Resident: the process, likewise.");
        Print($"");
        Print($"| fuzzer | what reads | inputs | accepted | failures | inputs/s | CPU µs an input | heap grown by | resident grown by |");
        Print($"| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        var failed = false;
        foreach (var make in chosen)
        {
            var fuzzer = make();
            Console.Error.WriteLine(fuzzer.Name + " ...");
            // Whatever is made once is made by these.
            new Campaign(make, seed).Run(Math.Min(count, 5000), threads, from);
            var (heap, resident) = Memory();
            var run = new Campaign(make, seed).Run(count, threads, from);
            var (heapAfter, residentAfter) = Memory();
            var share = run.Inputs == 0 ? 0 : 100.0 * run.Accepted / run.Inputs;
            Print($"| {fuzzer.Name} | {fuzzer.Target} | {run.Inputs:N0} | {share:0.0} % | {run.Findings.Count} | {run.Inputs / run.Took.TotalSeconds:N0} | {run.ProcessorTime.TotalMicroseconds / Math.Max(run.Inputs, 1):0.0} | {(heapAfter - heap) / 1024} KiB | {(residentAfter - resident) / 1048576.0:0.0} MiB |");
            foreach (var finding in run.Findings)
                Console.Error.WriteLine(finding);
            // A fuzzer whose every input is refused at the door, or taken, has found nothing out.
            failed |= run.Findings.Count > 0 || (run.Inputs >= 1000 && share is < 1 or > 99);
            failed |= heapAfter - heap > MostKept || residentAfter - resident > MostResident;
        }
        return failed ? 1 : 0;
    }

    private static (long Heap, long Resident) Memory()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        return (GC.GetTotalMemory(forceFullCollection: true), Environment.WorkingSet);
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
