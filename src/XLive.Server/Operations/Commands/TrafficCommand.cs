using System.Globalization;
using XLive.Server.Settings;
using XLive.Server.Storage;
using XLive.Server.Traffic;

namespace XLive.Server.Operations.Commands;

internal static class TrafficCommand
{
    public const string Help = """
        traffic
        traffic reports
        traffic show ID
        traffic replay ID | --all

        What was reported of traffic, and what waits. Beside a running server too, which posts a replayed report within two seconds.

          (nothing)   the totals
          reports     reports in the outbox, oldest first: those that wait for the receiver, and those it has refused (parked), with its answer
          show ID     a report as it is posted, byte for byte
          replay ID   posts a parked report again, unchanged; --all: every parked one
        """;

    private const int Page = 1000;

    public static Task<int> RunAsync(CommandLineWords words)
    {
        var all = words.Flag("all");
        words.NothingElse();
        var settings = ServerSettings.Load(SettingsInput.OfProcess(words.Settings));
        var path = Path.Combine(settings.Of<DataOptions>().Dir, "traffic", "ledger.db");
        if (!File.Exists(path))
            throw new InvalidOperationException($"there is no {path}: this server has not counted any traffic yet");
        using var ledger = LedgerFile.Open(path, TimeProvider.System);
        switch (words.Plain)
        {
            case []:
                Totals(ledger);
                return Task.FromResult(0);
            case ["reports"]:
                foreach (var entry in Entries(ledger))
                    Console.WriteLine(Line(entry));
                return Task.FromResult(0);
            case ["show", var id]:
                using (var output = Console.OpenStandardOutput())
                    output.Write((ledger.Outbox.Find(id) ?? throw NoSuch(id)).Body);
                return Task.FromResult(0);
            case ["replay"] when all:
                foreach (var entry in Entries(ledger).Where(static e => e.Parked is not null))
                    ledger.Outbox.Replay(entry.Id);
                return Task.FromResult(0);
            case ["replay", var id]:
                return ledger.Outbox.Replay(id) ? Task.FromResult(0) : throw NoSuch(id);
            default:
                throw new UsageException("say nothing, reports, show ID, replay ID or replay --all");
        }
    }

    private static InvalidOperationException NoSuch(string id) => new($"no report '{id}' lies in the outbox, or it is not parked");

    private static IEnumerable<ReportEntry> Entries(LedgerFile ledger)
    {
        for (var page = ledger.Outbox.List(Page); page.Count > 0; page = ledger.Outbox.List(Page, page[^1].Sequence))
        {
            foreach (var entry in page)
                yield return entry;
        }
    }

    private static string Line(ReportEntry entry) => string.Create(CultureInfo.InvariantCulture,
        $"{entry.Id}\t{(entry.Parked is null ? "waiting" : "parked")}\t{entry.Made:u}\t{entry.Items} items\t{entry.Bytes} bytes\t{entry.Attempts} attempts\t{entry.Said}");

    private static void Totals(LedgerFile ledger)
    {
        var totals = ledger.Totals(0);
        var depth = ledger.Outbox.Depth();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
            node                 {ledger.Node}
            recorded uids        {totals.RecordedUids}
            reports sent         {totals.ReportsSent}
            bytes reported       {totals.BytesReported}
            attempts failed      {totals.ReportsFailed}
            waiting              {depth.Waiting}{(depth.Oldest is { } oldest ? $", the oldest since {oldest:u}" : "")}
            parked               {depth.Parked}
            """));
    }
}
