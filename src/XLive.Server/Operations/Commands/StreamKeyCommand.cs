using XLive.Server.Accounts;
using XLive.Server.Operations.Api;
using XLive.Server.Settings;

namespace XLive.Server.Operations.Commands;

internal static class StreamKeyCommand
{
    public const string Help = """
        streamkey list
        streamkey add APP/STREAM [--name N] [--for 30d]
        streamkey remove ID

        What encoders publish by. A stream may have several keys.

          list        ids, streams, since when; never a key
          add         makes a key and prints its RTMP URL, once: it is kept nowhere. N says what it is for; without --for it is good for ever
          remove      the key opens nothing any more, and who publishes by it ends within seconds
        """;

    public static async Task<int> RunAsync(CommandLineWords words)
    {
        var (called, lasts) = (words.Take("name") ?? "", words.Take("for"));
        words.NothingElse();
        if (called.Length > StreamKeys.LongestName || called.Any(char.IsControl))
            throw new UsageException($"a key's name is up to {StreamKeys.LongestName} characters without control characters");
        var settings = ServerSettings.Load(SettingsInput.OfProcess(words.Settings));
        await using var services = UserCommand.Services(settings);
        var keys = services.GetRequiredService<StreamKeys>();
        switch (words.Plain)
        {
            case ["list"]:
                foreach (var key in keys.All)
                    Console.WriteLine($"{key.Id}\t{key.Stream}\t{key.Created.UtcDateTime:yyyy-MM-dd HH:mm}Z\t{(key.Expires is { } end ? $"until {end.UtcDateTime:yyyy-MM-dd HH:mm}Z" : "for ever")}\t{key.Name}");
                return 0;
            case ["add", var stream]:
                if (StreamKeyEndpoints.Fault(stream, settings) is { } fault)
                    throw new UsageException(fault);
                var made = keys.Make(stream, out var its, called, lasts is null ? null : DateTimeOffset.UtcNow + CommandLineWords.Duration(lasts));
                CommandAudit.Write(settings, $"made the stream key {its} of {stream}");
                Console.WriteLine(UrlOf(settings, stream, made));
                return 0;
            case ["remove", var id]:
                if (!keys.Remove(id))
                    throw new InvalidOperationException($"there is no key '{id}'; streamkey list names them");
                CommandAudit.Write(settings, $"removed the stream key {id}");
                return 0;
            default:
                throw new UsageException("say list, add APP/STREAM or remove ID");
        }
    }

    /// <summary>What an encoder is given.</summary>
    public static string UrlOf(ServerSettings settings, string stream, string key) => $"{OwnUrls.Rtmp(settings)}/{stream}?key={key}";
}
