using System.Globalization;
using XLive.Fuzz.Books;

namespace XLive.Fuzz;

/// <summary>Lives of the books, one a seed, on all cores.</summary>
internal static class ModelCommand
{
    public static int Run(string[] args)
    {
        var options = new Options(args);
        var count = options.Number("count", 10_000);
        var seed = (ulong)options.Number("seed", Random.Shared.NextInt64(1_000_000_000));
        var from = options.Number("from", 0);
        if (!options.AllKnown)
        {
            Console.Error.WriteLine("model [--count N] [--seed N] [--from N]");
            return 2;
        }
        var run = BooksRun.Of(seed, from, count, TimeSpan.FromMinutes(9));
        Print($"Seed {seed}. A life is 120 steps of viewers, cuts, receiver, crashes, faults of the disk, steps of the clock, and an end in which");
        Print($"everything must have arrived. A failure is repeated by `./bench model --seed {seed} --from NUMBER --count 1`.");
        Print($"");
        Print($"| lives | failures | starts after a crash | of power | cuts that failed | reports | seconds | of processors |");
        Print($"| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        Print($"| {run.Lives:N0} | {run.Failures.Count} | {run.Starts:N0} | {run.PowerLosses:N0} | {run.FailedCuts:N0} | {run.Reports:N0} | {run.Took.TotalSeconds:0.0} | {Environment.CpuUsage.TotalTime.TotalSeconds:0.0} |");
        foreach (var (number, fault) in run.Failures.OrderBy(f => f.Number).Take(20))
            Console.Error.WriteLine($"{number}: {fault}");
        return run.Failures.IsEmpty && run.Lives == count ? 0 : 1;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
