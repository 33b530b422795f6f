using System.Globalization;
using XLive.Server.Settings;

namespace XLive.Server.Operations.Commands;

internal static class PurgeCommand
{
    public const string Help = """
        purge PATH...

        Takes films of an origin out of the running server's cache; who asks next gets what the origin has now. With backend.mode
        http or hybrid.

          /films/movie1/a.ts    one path, with all its queries and variants
          /films/movie1/        all below it
          '/films/movie1*'      all that begins so; in quotes, or the shell takes the *

        Prints how many objects went.
        """;

    public static async Task<int> RunAsync(CommandLineWords words)
    {
        words.NothingElse();
        if (words.Plain.Count == 0)
            throw new UsageException("give at least one PATH");
        using var server = RunningServer.Of(ServerSettings.Load(SettingsInput.OfProcess(words.Settings)));
        var answer = await server.AskAsync(HttpMethod.Post, "/api/v1/cache/purge", words.Plain);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"purged {answer.GetProperty("purged").GetInt32()} objects"));
        return 0;
    }
}
