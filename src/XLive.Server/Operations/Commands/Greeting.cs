using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using XLive.Server.Access;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Playback.Vod;
using XLive.Server.Playback.Vod.Folder;
using XLive.Server.Settings;
using XLive.Server.Storage;

namespace XLive.Server.Operations.Commands;

/// <summary>What a start prints: one labelled line for each thing there is to try, and the last line when every port listens.</summary>
internal sealed class Greeting(IServiceProvider services, ServerSettings settings)
{
    private bool _hasSample;
    private bool _isFirstStart;

    /// <summary>What must stand before the first request: the folder, the sample film, the admin.</summary>
    public async Task BeforeAsync()
    {
        var folder = settings.Of<FolderOptions>();
        foreach (var warning in settings.Warnings)
            Say("Warning:      " + warning);
        _isFirstStart = services.StartAccounts();
        if (services.GetRequiredService<Database>().Away is { } away)
            Say("Warning:      the database is away, films play all the same: " + away.Message);
        if (settings.IsSet("backend.filesystem.root"))
            return;
        Directory.CreateDirectory(folder.Root);
        _hasSample = await SampleFilm.EnsureAsync(folder.Root, Say, CancellationToken.None);
    }

    public void Ready()
    {
        Say("Version:      " + Api.ServerVersion.Text);
        Say("Settings:     " + (settings.File ?? "none, every key has its default (conf.yaml is the reference)"));
        Say("Films:        " + Path.GetFullPath(settings.Of<FolderOptions>().Root));
        foreach (var address in services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses)
            Say("Listening:    " + address.Replace("[::]", "localhost", StringComparison.Ordinal).Replace("0.0.0.0", "localhost", StringComparison.Ordinal));
        var keys = services.GetRequiredService<SigningKeyFiles>();
        if (_hasSample)
        {
            var expires = DateTimeOffset.UtcNow.AddHours(12).ToUnixTimeSeconds();
            Say("Play:         " + OwnUrls.Viewers(settings) + SignCommand.Sign(settings, keys, SampleFilm.Path, "demo", expires, null, null, false));
        }
        Say("Sign a link:  ./run sign /sample/playlist.m3u8 --uid USER --for 2h");
        Say("Health:       " + OwnUrls.Viewers(settings) + "/health");
        if (_isFirstStart)
            Say("Sign in:      " + OwnUrls.Management(settings) + services.GetRequiredService<Users>().MakeLink(Users.Admin) + "   (once, within 30 minutes)");
        Say("XLive is ready");
    }

    private static void Say(string line)
    {
        Console.WriteLine(line);
        Console.Out.Flush();
    }
}
