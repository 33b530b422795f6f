using System.Globalization;

namespace XLive.Server.Operations.Commands;

/// <summary>A mistake in what was typed: one line, exit code 2.</summary>
public sealed class UsageException(string message) : Exception(message);

/// <summary>
/// The words after a command: plain ones in order, --name value or --name=value, and settings, which are told by the dot in their
/// names and belong to the settings' own reading.
/// </summary>
public sealed class CommandLineWords
{
    private readonly Dictionary<string, string> _options = new(StringComparer.Ordinal);
    private readonly List<string> _plain = [];
    private readonly List<string> _settings = [];

    public CommandLineWords(IReadOnlyList<string> args, params string[] flags)
    {
        for (var i = 0; i < args.Count; i++)
        {
            var word = args[i];
            if (!word.StartsWith("--", StringComparison.Ordinal))
            {
                _plain.Add(word);
                continue;
            }
            var equals = word.IndexOf('=');
            var name = equals < 0 ? word[2..] : word[2..equals];
            if (name.Contains('.') || name == "config")
            {
                _settings.Add(word);
                if (equals < 0 && i + 1 < args.Count && !args[i + 1].StartsWith("--", StringComparison.Ordinal))
                    _settings.Add(args[++i]);
                continue;
            }
            if (flags.Contains(name) || name == "help")
                _options[name] = "true";
            else if (equals >= 0)
                _options[name] = word[(equals + 1)..];
            else if (i + 1 < args.Count)
                _options[name] = args[++i];
            else
                throw new UsageException($"--{name} needs a value");
        }
    }

    public IReadOnlyList<string> Plain => _plain;
    public IReadOnlyList<string> Settings => _settings;
    public bool Help => _options.ContainsKey("help");

    public string? Take(string name)
    {
        _options.Remove(name, out var value);
        return value;
    }

    public bool Flag(string name) => _options.Remove(name);

    public void NothingElse()
    {
        foreach (var (name, _) in _options)
            throw new UsageException($"unknown option --{name}");
    }

    public static TimeSpan Duration(string text)
    {
        var unit = text.EndsWith("ms", StringComparison.Ordinal) ? "ms" : text.Length > 0 && !char.IsAsciiDigit(text[^1]) ? text[^1..] : "";
        var number = text[..^unit.Length];
        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value))
            throw new UsageException($"'{text}' is no duration; write 90, 30m, 2h or 7d");
        var seconds = value * unit switch
        {
            "ms" => 0.001,
            "" or "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86400,
            _ => throw new UsageException($"'{text}' is no duration; write 90, 30m, 2h or 7d"),
        };
        // A signed URL has no room for a later time than the year 33658; a thousand years are enough for anybody.
        return seconds is > 0 and < 1000 * 365.25 * 86400
            ? TimeSpan.FromSeconds(seconds)
            : throw new UsageException($"'{text}' is not between now and a thousand years");
    }
}
