using System.Collections.Frozen;

namespace XLive.Server.Settings;

/// <summary>
/// The settings in force. `Of` gives a snapshot that never changes: whoever wants the newest asks again, whoever holds one has
/// values that belong together. A reload replaces all of them at once, or none.
/// </summary>
public sealed class ServerSettings
{
    private readonly SettingKeys _keys;
    private readonly SettingsInput _input;
    private readonly Lock _reloading = new();
    private volatile SettingsState _state;

    // Of the last reading, in force or refused: a refused one is cured by any of its files, a missing secret for one.
    private volatile InputFiles _files;

    private ServerSettings(SettingKeys keys, SettingsInput input)
    {
        _keys = keys;
        _input = input;
        var reading = new SettingsReading(keys, input);
        _files = reading.Files;
        _state = SettingsState.Of(keys, reading, null);
    }

    /// <summary>The names of the keys whose running value is another one now. Raised on the thread that reloads.</summary>
    public event Action<IReadOnlySet<string>>? Changed;

    /// <summary>A changed file was wrong, and nothing of it was taken.</summary>
    public event Action<IReadOnlyList<SettingsFault>>? ReloadRefused;

    /// <summary>A subscriber of Changed threw; the settings are changed all the same.</summary>
    public event Action<Exception>? SubscriberFailed;

    public IReadOnlyList<string> Warnings => _state.Warnings;

    /// <summary>The full path of the file in use; null when there is none.</summary>
    public string? File => _state.File;

    /// <summary>Without types: every options class of the server. Throws SettingsException with all that is wrong.</summary>
    public static ServerSettings Load(SettingsInput input, params Type[] optionTypes) =>
        new(SettingKeys.Of(optionTypes.Length > 0 ? optionTypes : SettingKeys.OptionTypesOf(typeof(ServerSettings).Assembly)), input);

    public T Of<T>() where T : class => _state.Options.TryGetValue(typeof(T), out var options)
        ? (T)options
        : throw new InvalidOperationException($"{typeof(T)} was not among the options classes that were loaded.");

    /// <summary>Whether the user gave the key any value, the default's own included.</summary>
    public bool IsSet(string key) => _state.Reading.Given.ContainsKey(key);

    public IReadOnlyList<SettingDescription> Describe() => _state.Describe(_keys);

    /// <summary>Reads everything again. The faults, when what is there now is wrong; then the old values stay.</summary>
    public IReadOnlyList<SettingsFault> Reload()
    {
        lock (_reloading)
        {
            var old = _state;
            try
            {
                var reading = new SettingsReading(_keys, _input);
                _files = reading.Files;
                if (old.File is not null && !System.IO.File.Exists(old.File))
                {
                    // Someone is replacing it, or took it away by mistake; running on defaults would be the worst answer.
                    reading.Faults.Add(old.File, 0, "", "the file is gone; the settings read from it stay");
                }

                _state = SettingsState.Of(_keys, reading, old);
            }
            catch (SettingsException e)
            {
                ReloadRefused?.Invoke(e.Faults);
                return e.Faults;
            }

            Tell(_state.ChangedSince(old, _keys));
            return [];
        }
    }

    /// <summary>Follows the files until stopped. A change holds within a second or so of the last write to them.</summary>
    /// <param name="look">Told when a look begins, and <paramref name="rest"/> when it has ended.</param>
    public async Task Watch(TimeProvider time, CancellationToken stop, Action? look = null, Action? rest = null)
    {
        // Two looks must agree before a change counts: an editor that truncates and then writes is not caught in between.
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500), time);
        var watched = _files;
        var last = watched.Fingerprint;
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                look?.Invoke();
                if (!ReferenceEquals(watched, _files))
                {
                    watched = _files;
                    last = watched.Fingerprint;
                }

                var current = watched.FingerprintNow();
                if (current != watched.Fingerprint && current == last)
                {
                    Reload();
                }

                last = current;
                rest?.Invoke();
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    private void Tell(FrozenSet<string> changed)
    {
        if (changed.Count == 0)
        {
            return;
        }

        foreach (var subscriber in Changed?.GetInvocationList() ?? [])
        {
            try
            {
                ((Action<IReadOnlySet<string>>)subscriber)(changed);
            }
            catch (Exception e)
            {
                SubscriberFailed?.Invoke(e);
            }
        }
    }
}
