using System.Globalization;
using XLive.Fuzz.Forgery;

namespace XLive.Fuzz;

internal static class ForgeryCommand
{
    private static readonly (string What, Func<IForgery> Make, long Count, bool AsksForLost)[] Kinds =
    [
        ("links", static () => new LinkForgery(), 14_000_000, true),
        ("sessions", static () => new SessionForgery(), 1_000_000, true),
        ("tokens", static () => new TokenForgery(), 1_000_000, false),
    ];

    public static int Run(string[] args)
    {
        var options = new Options(args);
        var seed = (ulong)options.Number("seed", Random.Shared.NextInt64(1_000_000_000));
        var samples = (int)options.Number("samples", 1_000_000);
        var wire = options.Number("wire", 100_000);
        var counts = Kinds.ToDictionary(static k => k.What, k => options.Number(k.What, k.Count));
        if (!options.AllKnown)
        {
            Console.Error.WriteLine("forgery [--links N] [--sessions N] [--tokens N] [--wire N] [--samples N] [--seed N]");
            return 2;
        }
        Print($"Seed {seed}. A forgery is let in and says something that was not signed. The same: changed, let in, and says what the right one says.");
        Print($"");
        Print($"| kind | tried | let in: the same | forgeries | let in: forgeries | turned away: the same (1 in 97 looked at) |");
        Print($"| --- | ---: | ---: | ---: | ---: | ---: |");
        var failed = false;
        var byTrick = new List<(string Name, Tally Tally)>();
        foreach (var (what, make, _, asksForLost) in Kinds)
        {
            Console.Error.WriteLine(what + " ...");
            var tally = ForgeryRun.Run(make, counts[what], seed, Environment.ProcessorCount, asksForLost);
            Print($"| {what} | {tally.Tried:N0} | {tally.Same:N0} | {tally.Tried - tally.Same:N0} | {tally.Forged} | {(asksForLost ? tally.Lost.ToString(CultureInfo.InvariantCulture) : "")} |");
            foreach (var example in tally.Examples)
                Console.Error.WriteLine(example);
            failed |= tally.Forged > 0 || tally.Lost > 0;
            byTrick.Add((what, tally));
        }
        failed |= OverTheWire(wire, seed, byTrick);
        Print($"");
        Print($"| trick | {string.Join(" | ", byTrick.Select(static k => $"{k.Name}: tried | the same"))} |");
        Print($"| --- |{string.Concat(byTrick.Select(static _ => " ---: | ---: |"))}");
        foreach (var trick in Enum.GetValues<Trick>())
            Print($"| {trick.ToString().ToLowerInvariant()} | {string.Join(" | ", byTrick.Select(k => string.Create(CultureInfo.InvariantCulture, $"{k.Tally.TriedBy(trick):N0} | {k.Tally.SameBy(trick):N0}")))} |");
        return Time(samples, seed) && !failed ? 0 : 1;
    }

    private static bool OverTheWire(long count, ulong seed, List<(string Name, Tally Tally)> byTrick)
    {
        Console.Error.WriteLine("over sockets ...");
        var server = new WireForgery();
        try
        {
            server.StartAsync().GetAwaiter().GetResult();
            var tally = server.Run(count, seed);
            Print($"| links, over sockets | {tally.Tried:N0} | {tally.Same:N0} | {tally.Tried - tally.Same:N0} | {tally.Forged} | |");
            byTrick.Add(("over sockets", tally));
            return tally.Forged > 0;
        }
        finally
        {
            server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    /// <summary>False where a pair can be told apart that must not be, or a control cannot.</summary>
    private static bool Time(int samples, ulong seed)
    {
        Print($"");
        Print($"{samples:N0} samples of each pair in random order, one check a sample. Worst: Welch's t furthest from 0, over all samples and over the quickest");
        Print($"95, 90, 75, 50 and 25 %; beyond {TimingTest.Leak} the two can be told apart. p is that of the quickest 90 %, chosen beforehand.");
        Print($"");
        Print($"| pair | median | difference | worst t | t of 90 % | p | can be told |");
        Print($"| --- | ---: | ---: | ---: | ---: | ---: | --- |");
        var good = true;
        foreach (var (what, mustLeak, run) in TokenTimings.All)
        {
            Console.Error.WriteLine(what + " ...");
            var result = run(samples, seed);
            Print($"| {what} | {result.Median:0} ns | {result.Difference:0.00} ns | {result.Worst:0.0} | {result.At90:0.00} | {result.Probability:0.000} | {(result.CanBeTold ? "yes" : "no")} |");
            good &= result.CanBeTold == mustLeak;
        }
        return good;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
