using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using XLive.Server.Settings;
using XLive.Server.Storage;
using XLive.Server.Telemetry;

namespace XLive.Server.Access;

public static class AccessServices
{
    public static void AddAccess(this IServiceCollection services)
    {
        services.AddSingleton<SigningKeyFiles>();
        services.AddSingleton<ViewerLimits>();
        services.AddSingleton<PlayHooks>();
        services.AddSingleton<PlaybackGate>();
        services.AddSingleton<OwnPublishers>();
        services.AddSingleton<PublishGate>();
        services.AddHostedService<AccessRulesKeeper>();
    }
}

/// <summary>Compiles the rules anew when the settings or the keys on disk have changed.</summary>
internal sealed partial class AccessRulesKeeper(
    PlaybackGate gate, ServerSettings settings, SigningKeyFiles keys, DataOptions data, Supervisor supervisor, ILogger<AccessRulesKeeper> log) : IHostedService, IDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private readonly Lock _gate = new();
    private DateTime _keysChanged;
    private SupervisedLoop? _looks;
    private bool _settled;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var access = settings.Of<AccessOptions>();
        if (access.Secret.Length == 0 && access.Keys.Count == 0)
            keys.EnsureDefault();
        Compile();
        settings.Changed += OnChanged;
        _looks = supervisor.Every("signing keys", Every, LookAtKeys);
        return Task.CompletedTask;
    }

    private void OnChanged(IReadOnlySet<string> changed)
    {
        if (changed.Any(k => k.StartsWith("access.", StringComparison.Ordinal) || k == "live.apps"))
            Compile();
    }

    /// <summary>`key new` and `key remove` run beside the server and tell it nothing: the folder's time does.</summary>
    private void LookAtKeys()
    {
        try
        {
            if (Directory.GetLastWriteTimeUtc(Path.Combine(data.Dir, "keys")) != _keysChanged || !_settled)
                Compile();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogKeys(e);
        }
    }

    private void Compile()
    {
        lock (_gate)
        {
            var changed = Directory.GetLastWriteTimeUtc(Path.Combine(data.Dir, "keys"));
            try
            {
                gate.Rules = new AccessRules(settings.Of<AccessOptions>(), keys.Keys, settings.Of<LiveAppsOptions>().Apps);
            }
            catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException or InvalidDataException
                or ArgumentException or System.Text.Json.JsonException)
            {
                // The rules that were right a second ago stay.
                LogKeys(e);
            }
            // The folder's time stands still for milliseconds: a key put there right after this look would not show. So the next look reads
            // once more. How old the time is says nothing: the wall clock may have been set since.
            _settled = changed == _keysChanged;
            _keysChanged = changed;
        }
    }

    [LoggerMessage(LogLevel.Error, "the signing keys on disk cannot be read; those read before stay in force")]
    private partial void LogKeys(Exception e);

    public Task StopAsync(CancellationToken cancellationToken)
    {
        settings.Changed -= OnChanged;
        return Task.CompletedTask;
    }

    public void Dispose() => _looks?.Dispose();
}
