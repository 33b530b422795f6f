using System.Diagnostics;
using System.Globalization;
using XLive.Fuzz.Books;

namespace XLive.Fuzz;

/// <summary>What the ledger costs, for `./bench traffic`.</summary>
internal static class TrafficCommand
{
    public static int Run(string[] args)
    {
        var options = new Options(args);
        var day = (int)options.Number("day", 1_000_000);
        var active = (int)options.Number("active", 10_000);
        var days = (int)options.Number("outage", 7);
        if (!options.AllKnown)
        {
            Console.Error.WriteLine("traffic [--day USERS] [--active USERS] [--outage DAYS]");
            return 2;
        }
        Console.Error.WriteLine("a day ...");
        var watch = Stopwatch.StartNew();
        var (accounts, difference) = BooksLoad.Day(day, day == 0 ? 0 : 86_400);
        var took = watch.Elapsed;
        var most = MostMemory();
        Console.Error.WriteLine("a flush each second ...");
        var flush = BooksLoad.FlushEachSecond(active, 60, alone: true);
        Console.Error.WriteLine("an outage ...");
        var outage = BooksLoad.Outage(active, TimeSpan.FromDays(days));
        Print($"| | | bar |");
        Print($"| --- | ---: | ---: |");
        Print($"| {day:N0} users in a day (clock injected, {took.TotalSeconds:0} s of it real): resident memory at most | {most >> 20} MiB | 300 MiB |");
        Print($"| accounts open at a time, at most | {accounts:N0} | |");
        Print($"| bytes charged and neither reported nor waiting | {difference} | 0 |");
        Print($"| {active:N0} users active, all cut and reported each second: processor time a second | {flush.Flush.TotalMilliseconds:0.0} ms = {flush.Flush.TotalSeconds * 100:0.0} % of a core | 5 % |");
        Print($"| allocated by that, a second | {flush.Allocated / 1024.0:0.0} KiB | |");
        Print($"| the reports read and acknowledged, the history's batch read and forgotten, the collector's time with it | {flush.Handover.TotalMilliseconds:0.0} ms | |");
        Print($"| {days} days without a receiver at {active:N0} users, 20 addresses and 10 sessions each (clock injected): reports in the outbox at most | {outage.Outbox / 1e6:0.0} MB | 100 MB |");
        Print($"| the ledger's files meanwhile, at most | {outage.Files / 1e6:0.0} MB | |");
        Print($"| bytes charged in these days and not reported after them | {outage.Difference} | 0 |");
        return difference == 0 && outage is { Difference: 0, Outbox: <= 100_000_000 } && most < 300 << 20 && flush.Flush < TimeSpan.FromMilliseconds(50) ? 0 : 1;
    }

    private static long MostMemory()
    {
        var line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.AsSpan(6, line.Length - 9), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture) << 10;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
