using System.Text;

namespace XLive.Server.Settings;

/// <summary>One thing wrong, on one line: where, the line there (0 where lines mean nothing), the key, and what is wrong.</summary>
public sealed record SettingsFault(string Where, int Line, string Key, string Problem)
{
    public override string ToString()
    {
        var place = Line > 0 ? $"{Where}:{Line}" : Where;
        return Key.Length > 0 ? $"{place}: {Key}: {Problem}" : $"{place}: {Problem}";
    }
}

/// <summary>The settings cannot be used. The program prints the faults, one a line, and exits with 2.</summary>
public sealed class SettingsException(IReadOnlyList<SettingsFault> faults) : Exception(string.Join('\n', faults))
{
    public IReadOnlyList<SettingsFault> Faults { get; } = faults;
}

/// <summary>Gathers faults, so that one start shows them all.</summary>
internal sealed class FaultList
{
    // A wrong file given by mistake (a log, another program's YAML) has thousands; nobody reads past the first screen.
    private const int Shown = 50;

    // A rule may repeat a value, and a value may be a whole file pasted into a variable by mistake.
    private const int LongestProblem = 500;

    private readonly List<SettingsFault> _faults = [];
    private int _hidden;

    public int Count => _faults.Count + _hidden;

    public bool Full => _faults.Count >= Shown;

    public void Add(string where, int line, string key, string problem)
    {
        if (Full)
        {
            _hidden++;
            return;
        }

        _faults.Add(new SettingsFault(OneLine(where), line, OneLine(Cut(key, 120)), OneLine(Cut(problem, LongestProblem))));
    }

    public bool Concerns(string key) => _hidden > 0 || _faults.Any(f =>
        f.Key.StartsWith(key, StringComparison.Ordinal) && (f.Key.Length == key.Length || f.Key[key.Length] is '[' or '.' or '_'));

    public void ThrowIfAny()
    {
        if (_faults.Count == 0)
        {
            return;
        }

        if (_hidden > 0)
        {
            _faults.Add(new SettingsFault("settings", 0, "", $"and {_hidden} more"));
        }

        throw new SettingsException(_faults);
    }

    /// <summary>What the user wrote, fit for a message: short, quoted, on one line.</summary>
    public static string Quote(string text) => "\"" + Short(text) + "\"";

    public static string Short(string text) => Cut(text, 60);

    private static string Cut(string text, int longest) => text.Length <= longest ? text : text[..longest] + "...";

    private static string OneLine(string text)
    {
        if (text.All(c => !char.IsControl(c) && !char.IsSurrogate(c)))
        {
            return text;
        }

        var line = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            line.Append(Rune.IsControl(rune) ? "?" : rune.ToString());
        }

        return line.ToString();
    }
}
