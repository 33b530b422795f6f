using System.Globalization;
using XLive.Fuzz.Engine;

namespace XLive.Fuzz;

internal static class FuzzCommand
{
    private const long Million = 1_000_000;

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
        Print($"| fuzzer | what reads | inputs | accepted | failures | inputs/s | CPU µs an input |");
        Print($"| --- | --- | ---: | ---: | ---: | ---: | ---: |");
        var failed = false;
        foreach (var make in chosen)
        {
            var fuzzer = make();
            Console.Error.WriteLine(fuzzer.Name + " ...");
            var run = new Campaign(make, seed).Run(count, threads, from);
            var share = run.Inputs == 0 ? 0 : 100.0 * run.Accepted / run.Inputs;
            Print($"| {fuzzer.Name} | {fuzzer.Target} | {run.Inputs:N0} | {share:0.0} % | {run.Findings.Count} | {run.Inputs / run.Took.TotalSeconds:N0} | {run.ProcessorTime.TotalMicroseconds / Math.Max(run.Inputs, 1):0.0} |");
            foreach (var finding in run.Findings)
                Console.Error.WriteLine(finding);
            // A fuzzer whose every input is refused at the door, or taken, has found nothing out.
            failed |= run.Findings.Count > 0 || (run.Inputs >= 1000 && share is < 1 or > 99);
        }
        return failed ? 1 : 0;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
