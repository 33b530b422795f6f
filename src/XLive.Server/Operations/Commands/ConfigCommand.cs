using XLive.Server.Settings;

namespace XLive.Server.Operations.Commands;

internal static class ConfigCommand
{
    public const string Help = """
        config check [--config FILE] [--key=value ...]

        Reads the settings as a start would: the file, the environment, the options. Says what is wrong, with file and line, and
        exits 2; or says what is set and from where, and exits 0.
        """;

    public static Task<int> RunAsync(CommandLineWords words)
    {
        words.NothingElse();
        if (words.Plain is not ["check"])
            throw new UsageException("say check");
        var settings = ServerSettings.Load(SettingsInput.OfProcess(words.Settings));
        Console.WriteLine(settings.File is null ? "No settings file: every key has its default." : "Settings file: " + settings.File);
        foreach (var key in settings.Describe())
        {
            if (settings.IsSet(key.Key))
                Console.WriteLine($"  {key.Key} = {key.Value}   ({key.Source})");
        }
        foreach (var warning in settings.Warnings)
            Console.WriteLine("Warning: " + warning);
        Console.WriteLine("The settings are right.");
        return Task.FromResult(0);
    }
}
