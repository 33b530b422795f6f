using XLive.Server.Access;
using XLive.Server.Accounts;
using XLive.Server.Live;
using XLive.Server.Rtmp;
using XLive.Server.Settings;
using XLive.Server.Storage;

namespace XLive.Server.Operations.Commands;

internal static class StreamKeyCommand
{
    public const string Help = """
        streamkey list
        streamkey add APP/STREAM
        streamkey remove ID

        What encoders publish by. A stream may have several keys.

          list        ids, streams, since when; never a key
          add         makes a key and prints its RTMP URL, once: it is kept nowhere
          remove      the key opens nothing any more, and who publishes by it ends within seconds
        """;

    public static async Task<int> RunAsync(CommandLineWords words)
    {
        words.NothingElse();
        var settings = ServerSettings.Load(SettingsInput.OfProcess(words.Settings));
        await using var services = UserCommand.Services(settings);
        var keys = services.GetRequiredService<StreamKeys>();
        switch (words.Plain)
        {
            case ["list"]:
                foreach (var key in keys.All)
                    Console.WriteLine($"{key.Id}\t{key.Stream}\t{key.Created.UtcDateTime:yyyy-MM-dd HH:mm}Z");
                return 0;
            case ["add", var stream]:
                if (stream.Split('/') is not [var app, var name] || !StreamName.TryOf(app, name, out _))
                    throw new UsageException($"'{stream}' is not APP/STREAM: letters, digits and ._~- up to 128 each, no leading dot");
                if (!settings.Of<LiveAppsOptions>().Apps.Contains(app))
                    throw new UsageException($"'{app}' is none of live.apps: {string.Join(", ", settings.Of<LiveAppsOptions>().Apps)}");
                if (StreamKeys.IsKey(name))
                    throw new UsageException($"'{name}' looks like a key; name the stream as viewers shall see it");
                Console.WriteLine(UrlOf(settings, stream, keys.Make(stream, out _)));
                return 0;
            case ["remove", var id]:
                return keys.Remove(id) ? 0 : throw new InvalidOperationException($"there is no key '{id}'; streamkey list names them");
            default:
                throw new UsageException("say list, add APP/STREAM or remove ID");
        }
    }

    /// <summary>What an encoder is given.</summary>
    public static string UrlOf(ServerSettings settings, string stream, string key) => $"{OwnUrls.Rtmp(settings)}/{stream}?key={key}";
}
