using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using XLive.Server.Access;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Playback.Vod;
using XLive.Server.Playback.Vod.Folder;
using XLive.Server.Playback.Watch;
using XLive.Server.Rtmp;
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
            Say("Listening:    " + Spoken(address).Replace("[::]", "localhost", StringComparison.Ordinal).Replace("0.0.0.0", "localhost", StringComparison.Ordinal));
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
        if (_isFirstStart)
            Publish(keys);
        Say("XLive is ready");
    }

    private void Publish(SigningKeyFiles files)
    {
        var app = settings.Of<LiveAppsOptions>().Apps.FirstOrDefault();
        if (app is null || !settings.Of<RtmpOptions>().Ports.Any())
            return;
        var stream = app + "/studio";
        try
        {
            var key = services.GetRequiredService<StreamKeys>().Make(stream, out _);
            Say("Publish:      " + StreamKeyCommand.UrlOf(settings, stream, key) + "   (shown once; ./run streamkey add makes others)");
        }
        catch (DatabaseException e)
        {
            Say("Warning:      no stream key was made: " + e.Message);
            return;
        }
        var expires = DateTimeOffset.UtcNow.AddHours(12).ToUnixTimeSeconds();
        string Link(string path) => OwnUrls.Viewers(settings) + SignCommand.Sign(settings, files, path, "demo", expires, null, null, false);
        var hasPage = services.GetRequiredService<WatchPage>().IsBuilt;
        if (hasPage)
            Say("Watch:        " + Link($"/watch/{stream}"));
        Say((hasPage ? "For players:  " : "Watch:        ") + Link($"/{stream}.m3u8"));
    }

    /// <summary>Kestrel calls every port's protocol http.</summary>
    private string Spoken(string address)
    {
        var port = new Uri(address).Port;
        foreach (var (key, rtmp) in settings.RtmpPorts())
        {
            if (rtmp == port)
                return key[..key.IndexOf('.', StringComparison.Ordinal)] + address[address.IndexOf(':', StringComparison.Ordinal)..];
        }
        return address;
    }

    private static void Say(string line)
    {
        Console.WriteLine(line);
        Console.Out.Flush();
    }
}
