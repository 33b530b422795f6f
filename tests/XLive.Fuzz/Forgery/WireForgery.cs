using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using XLive.Fuzz.Engine;
using XLive.Fuzz.Inputs;
using XLive.Server;
using XLive.Server.Accounts;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Fuzz.Forgery;

/// <summary>The whole server, listening, at the time and with the keys of the forgers' site, over films of a few bytes.</summary>
public sealed class WireForgery : TimeProvider, IAsyncDisposable
{
    private const int InFlight = 50;

    private readonly string _folder = Directory.CreateTempSubdirectory("xlive-forgery-").FullName;
    private WebApplication _app = null!;
    private LogFiles _logs = null!;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(Site.Now);

    public IPEndPoint Address { get; private set; } = null!;

    public async Task StartAsync()
    {
        foreach (var path in Site.Paths)
        {
            var file = Path.Combine(_folder, "media", path[1..]);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, "film");
        }
        var keys = Site.Secrets.Select(static s => $"    - {{id: \"{s.Kid}\", secret: {s.Secret}"
            + $"{(s.NotBefore > 0 ? $", not_before: {s.NotBefore}" : "")}{(s.NotAfter < long.MaxValue ? $", not_after: {s.NotAfter}" : "")}}}\n");
        await File.WriteAllTextAsync(Path.Combine(_folder, "conf.yaml"), "access:\n  keys:\n" + string.Concat(keys));
        var settings = ServerSettings.Load(new SettingsInput
        {
            Args = ["--server.host=127.0.0.1", "--server.port=0", "--hls.port=0", "--rtmp.port=0", $"--data.dir={_folder}/data", $"--log.dir={_folder}/logs", $"--backend.filesystem.root={_folder}/media"],
            WorkingDirectory = _folder,
            SystemFile = _folder + "/none",
        });
        _logs = new LogFiles(settings.Of<LogOptions>, this, Stream.Null);
        _app = Server.Program.Build(settings, _logs, this);
        _app.Services.StartAccounts();
        await _app.StartAsync();
        var address = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Address = new IPEndPoint(IPAddress.Loopback, new Uri(address).Port);
    }

    /// <summary>Right links stand among the forgeries and must be answered as such, so that a server which refuses everything is seen.</summary>
    public Tally Run(long count, ulong seed)
    {
        var links = new LinkForgery();
        using var requests = new ForgedRequests(Address);
        var tally = new Tally();
        for (long index = 0; tally.Tried < count;)
        {
            var batch = new List<(string Forged, string From, Trick Trick)>(InFlight);
            while (batch.Count < InFlight)
            {
                var forged = links.Forge(Dice.For("wire", seed, index++), out var from, out var trick);
                if (forged != from && ForgedRequests.CanBeSent(forged))
                    batch.Add((forged, from, trick));
            }
            var right = links.Right[(int)(index % links.Right.Count)];
            var statuses = requests.Ask([right, .. batch.Select(static b => b.Forged)]);
            if (statuses[0] != 200)
                throw new InvalidOperationException($"{statuses[0]} to the right link {right}");
            for (var i = 0; i < batch.Count; i++)
            {
                // Beyond the gate there is a file or there is none.
                var accepted = statuses[i + 1] is 200 or 206 or 304;
                tally.Count(batch[i].Trick, accepted);
                if (statuses[i + 1] >= 500)
                    throw new InvalidOperationException($"{statuses[i + 1]} to {batch[i].Forged}");
                if (accepted && !links.SaysWhatWasSigned(batch[i].Forged))
                    tally.Forge(batch[i].Forged, batch[i].From);
            }
        }
        return tally;
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
            _logs.Dispose();
        }
        Directory.Delete(_folder, recursive: true);
    }
}
