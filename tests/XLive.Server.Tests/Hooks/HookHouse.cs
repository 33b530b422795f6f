using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using XLive.Server.Hooks;
using XLive.Server.Telemetry;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Reports;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Hooks;

/// <summary>The sender of events and the asker of questions, with no server around them: posts go over real sockets, and time passes when the test says so.</summary>
internal sealed class HookHouse : IAsyncDisposable
{
    public const string Secret = "secret-of-the-hook-house";

    private readonly string _folder = Directory.CreateTempSubdirectory("xlive-hooks-").FullName;
    private HookSender? _sender;

    public HookHouse(ScriptedReceiver site)
    {
        Site = site;
        // Time passes in leaps here; an answer that is on its way must not be late for it.
        Options = new HookOptions { Url = site.Url, Secret = Secret, Timeout = TimeSpan.FromMinutes(10) };
    }

    public ScriptedReceiver Site { get; }
    public HandClock Clock { get; } = new();
    public HookOptions Options { get; set; }
    public HookEvents Events { get; private set; } = null!;
    public HookEndpoint Endpoint { get; private set; } = null!;
    public HookQuestions Questions { get; private set; } = null!;
    public HookSender Sender => _sender!;
    public string File => Path.Combine(_folder, HookSpool.FileName);

    public async Task StartAsync()
    {
        Events = new HookEvents(() => Options, static () => AddressPrivacy.Full, Clock);
        Endpoint = new HookEndpoint(Clock);
        var post = new HookPost(Clock, Endpoint);
        Questions = new HookQuestions(post, Endpoint, () => Options, static () => AddressPrivacy.Full, Clock);
        _sender = new HookSender(Events, Endpoint, post, () => Options, () => _folder, new Supervisor(TimeProvider.System), Clock, NullLogger<HookSender>.Instance);
        await _sender.StartAsync(CancellationToken.None);
    }

    /// <summary>As kill -9 leaves it, and a start. What was told a moment before is in the spool by then.</summary>
    public async Task KillAndStartAsync()
    {
        UntilWritten();
        Sender.Dispose();
        await StartAsync();
    }

    public void UntilWritten() => Until.Equal(0, () => Events.InMemory, "events in memory");

    public void Publish(string stream, string publisher = "") => Events.Tell(HookKind.Publish, new() { Stream = stream, Publisher = publisher });

    /// <summary>Time passes until it is so.</summary>
    public void Pass(Func<bool> until, string what, TimeSpan? step = null) => Until.True(() =>
    {
        Clock.Pass(step ?? TimeSpan.FromSeconds(1));
        return until();
    }, what);

    public HookDepth Depth
    {
        get
        {
            Until.True(() => Sender.Spool is not null, "its spool");
            return Sender.Spool!.Depth();
        }
    }

    public void UntilTaken() => Pass(() => Events.InMemory == 0 && Depth.Waiting == 0, "all is taken");

    public static JsonElement Json(Received received) => JsonDocument.Parse(received.Body).RootElement;

    public static string Field(Received received, string name) => Json(received).GetProperty(name).ToString();

    public async ValueTask DisposeAsync()
    {
        if (_sender is not null)
        {
            await _sender.StopAsync(new CancellationToken(canceled: true));
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            _sender.Dispose();
        }
        Directory.Delete(_folder, recursive: true);
    }
}
