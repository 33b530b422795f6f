using System.Collections;

namespace XLive.Server.Settings;

/// <summary>Everything settings are read from besides files, so that a test needs no process of its own.</summary>
public sealed class SettingsInput
{
    /// <summary>Options only ("--key=value", "--key value", "--flag", "--config path"); the command's own words are not among them.</summary>
    public IReadOnlyList<string> Args { get; init; } = [];

    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Relative paths, of the file and of secret files, start here.</summary>
    public string WorkingDirectory { get; init; } = Directory.GetCurrentDirectory();

    /// <summary>The file of last resort; a field so that a test on a machine with an installed XLive does not read it.</summary>
    public string SystemFile { get; init; } = "/etc/xlive/conf.yaml";

    public static SettingsInput OfProcess(IReadOnlyList<string> args)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry entry in System.Environment.GetEnvironmentVariables())
        {
            variables[(string)entry.Key] = (string?)entry.Value ?? "";
        }

        return new SettingsInput { Args = args, Environment = variables };
    }

    // A path with a NUL ("\0" in quotes does it) is an exception to .NET; here it is one more file that does not exist.
    internal string FullPath(string path) => Path.GetFullPath(path.Replace('\0', '\uFFFD'), WorkingDirectory);
}
