using System.Globalization;
using XLive.Server.Hooks;
using XLive.Server.Settings;
using XLive.Server.Storage;

namespace XLive.Server.Operations.Commands;

internal static class HooksCommand
{
    public const string Help = """
        hooks
        hooks list
        hooks show ID
        hooks replay ID | --all
        hooks drop ID | --all

        Events that the site has not taken. Beside a running server too, which posts a replayed event within two seconds.

          (nothing)   how many wait, and how many were given up
          list        events in the spool, oldest first: those that wait for the site, and those that were given up (dead), with its last answer
          show ID     an event as it is posted, byte for byte
          replay ID   posts an event again that was given up, unchanged; --all: every such event
          drop ID     forgets an event that was given up; --all: every such event
        """;

    private const int Page = 1000;

    public static Task<int> RunAsync(CommandLineWords words)
    {
        var all = words.Flag("all");
        words.NothingElse();
        var settings = ServerSettings.Load(SettingsInput.OfProcess(words.Settings));
        var path = Path.Combine(settings.Of<DataOptions>().Dir, HookSpool.FileName);
        if (!File.Exists(path))
            throw new InvalidOperationException($"there is no {path}: this server has not told of any event yet");
        using var spool = HookSpool.Open(path, TimeProvider.System);
        switch (words.Plain)
        {
            case []:
                var depth = spool.Depth();
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
                    waiting   {depth.Waiting}{(depth.Oldest is { } oldest ? $", the oldest since {oldest:u}" : "")}
                    dead      {depth.Dead}
                    bytes     {depth.Bytes}
                    """));
                break;
            case ["list"]:
                foreach (var entry in Entries(spool))
                    Console.WriteLine(Line(entry));
                break;
            case ["show", var id]:
                using (var output = Console.OpenStandardOutput())
                    output.Write(spool.BodyOf(id) ?? throw NoSuch(id));
                break;
            case ["replay"] when all:
                foreach (var entry in Entries(spool).Where(static e => e.Dead is not null))
                    spool.Replay(entry.Id);
                break;
            case ["drop"] when all:
                foreach (var entry in Entries(spool).Where(static e => e.Dead is not null))
                    spool.Drop(entry.Id);
                break;
            case ["replay", var id] when !all:
                _ = spool.Replay(id) ? true : throw NoSuch(id);
                break;
            case ["drop", var id] when !all:
                _ = spool.Drop(id) ? true : throw NoSuch(id);
                break;
            default:
                throw new UsageException("say nothing, list, show ID, replay ID, drop ID, or one of these two with --all");
        }
        return Task.FromResult(0);
    }

    private static InvalidOperationException NoSuch(string id) => new($"no event '{id}' lies in the spool, or it was not given up");

    private static IEnumerable<HookEntry> Entries(HookSpool spool)
    {
        for (var page = spool.List(Page); page.Count > 0; page = spool.List(Page, page[^1].Sequence))
        {
            foreach (var entry in page)
                yield return entry;
        }
    }

    private static string Line(HookEntry entry) => string.Create(CultureInfo.InvariantCulture,
        $"{entry.Id}\t{(entry.Dead is null ? "waiting" : "dead")}\t{entry.Made:u}\t{entry.Event}\t{entry.Lane}\t{entry.Attempts} attempts\t{entry.Said}");
}
