using XLive.Server.Settings;

namespace XLive.Server.Operations.Commands;

/// <summary>What `./run COMMAND` can do, beside a running server too.</summary>
public static class CommandTable
{
    private sealed record Command(string Name, string Summary, string Help, Func<CommandLineWords, Task<int>> Run, string[] Flags);

    private static readonly Command[] Commands =
    [
        new("sign", "make a signed URL", SignCommand.Help, SignCommand.RunAsync, ["prefix"]),
        new("user", "passwords and sign-in links", UserCommand.Help, UserCommand.RunAsync, []),
        new("streamkey", "what encoders publish by", StreamKeyCommand.Help, StreamKeyCommand.RunAsync, []),
        new("token", "API tokens, for machines", TokenCommand.Help, TokenCommand.RunAsync, []),
        new("key", "signing keys", KeyCommand.Help, KeyCommand.RunAsync, []),
        new("traffic", "what was reported, what waits, and reports that were refused", TrafficCommand.Help, TrafficCommand.RunAsync, ["all"]),
        new("hooks", "events that the site has not taken", HooksCommand.Help, HooksCommand.RunAsync, ["all"]),
        new("warm", "fetch films of an origin into the cache before anybody asks", WarmCommand.Help, WarmCommand.RunAsync, []),
        new("purge", "take films of an origin out of the cache", PurgeCommand.Help, PurgeCommand.RunAsync, []),
        new("config", "check the settings", ConfigCommand.Help, ConfigCommand.RunAsync, []),
        new("backup", "copy keys, accounts and ledger, while the server runs too", BackupCommand.Help, BackupCommand.RunAsync, []),
        new("restore", "put a backup in their place", RestoreCommand.Help, RestoreCommand.RunAsync, ["replace", "ledger", "no-ledger"]),
        new("version", "print the version", "version\n\nPrints the version.", _ => Print(Api.ServerVersion.Text), []),
    ];

    public static bool IsCommand(string[] args) => args.Length > 0 && (!args[0].StartsWith('-') || args[0] is "--help" or "-h");

    public static async Task<int> RunAsync(string[] args)
    {
        if (args[0] is "--help" or "-h" or "help")
            return await Print(Usage());
        var command = Array.Find(Commands, c => c.Name == args[0]);
        if (command is null)
        {
            Console.Error.WriteLine($"xlive: no command '{args[0]}'. There are: {string.Join(", ", Commands.Select(c => c.Name))}; --help tells more.");
            return 2;
        }
        try
        {
            var words = new CommandLineWords(args[1..], command.Flags);
            return words.Help ? await Print(command.Help) : await command.Run(words);
        }
        catch (UsageException e)
        {
            Console.Error.WriteLine($"xlive {command.Name}: {e.Message}; ./run {command.Name} --help tells more");
            return 2;
        }
        catch (SettingsException e)
        {
            foreach (var fault in e.Faults)
                Console.Error.WriteLine(fault);
            return 2;
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException or InvalidOperationException
            or FormatException or InvalidDataException or System.Text.Json.JsonException or System.Data.Common.DbException)
        {
            Console.Error.WriteLine($"xlive {command.Name}: {e.Message}");
            return 1;
        }
    }

    private static string Usage() => $"""
        XLive: live and on-demand HLS behind signed links.

          ./run [--key=value ...]     start the server; every setting of conf.yaml is an option
          ./run COMMAND [...]         one of the commands below, beside a running server too

        {string.Join("\n", Commands.Select(c => $"  {c.Name,-10}{c.Summary}"))}

        ./run COMMAND --help tells more. Exit: 0 done, 1 failed, 2 settings or usage, 3 a port is taken.
        """;

    private static Task<int> Print(string text)
    {
        Console.WriteLine(text);
        return Task.FromResult(0);
    }
}
