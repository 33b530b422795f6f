namespace XLive.Server.Settings;

/// <summary>Options as they were typed. The last of two equal ones holds, so that a wrapper's options can be overridden.</summary>
internal sealed class CommandLine
{
    public const string Where = "command line";

    private readonly Dictionary<string, (SettingKey Key, bool IsFile, string Text)> _given = new(StringComparer.Ordinal);

    public CommandLine(IReadOnlyList<string> args, SettingKeys keys, FaultList faults)
    {
        for (var i = 0; i < args.Count; i++)
        {
            if (!args[i].StartsWith("--", StringComparison.Ordinal))
            {
                faults.Add(Where, 0, "", $"{FaultList.Quote(args[i])} is no option; options begin with --");
                continue;
            }

            var equals = args[i].IndexOf('=');
            var name = equals < 0 ? args[i][2..] : args[i][2..equals];
            var key = keys.Find(name, out var isFile);
            var next = equals < 0 && i + 1 < args.Count && !args[i + 1].StartsWith("--", StringComparison.Ordinal) ? args[i + 1] : null;
            if (key is null && name != "config")
            {
                // What follows is this option's value, and perhaps a secret: swallowed, not complained about.
                i += next is null ? 0 : 1;
                faults.Add(Where, 0, "--" + name, $"unknown option, nearest is --{Nearest.To(name, keys.OptionNames.Append("config"))}");
                continue;
            }

            var isFlag = key is { Shape.Kind: ShapeKind.Flag };
            if (isFlag && next is not null && ScalarReader.Read(key!.Shape, next, out _) is not null)
            {
                next = null;
            }

            var value = equals >= 0 ? args[i][(equals + 1)..] : next ?? (isFlag ? "true" : null);
            i += next is null ? 0 : 1;
            if (value is null || (key is null && value.Length == 0))
            {
                faults.Add(Where, 0, "--" + name, "needs a value");
            }
            else if (key is null)
            {
                Config = value;
            }
            else
            {
                _given[name] = (key, isFile, value);
            }
        }
    }

    public string? Config { get; }

    public IEnumerable<(SettingKey Key, bool IsFile, string Text)> Given => _given.Values;
}
