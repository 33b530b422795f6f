using System.Text;

namespace XLive.Server.Settings;

/// <summary>conf.yaml at the root of the repository: written from the keys themselves, so that it cannot lag behind.</summary>
internal static class ReferenceFile
{
    // As a reader would look for them: what listens, what is served, who may, how many, what goes out.
    private static readonly string[] Sections =
    [
        "server", "hls", "admin", "rtmp", "rtmps", "tls", "data", "log", "privacy", "backend", "cache", "access", "sessions",
        "redis", "database", "traffic", "auth", "limits", "live", "hooks", "telemetry", "cors", "network",
    ];

    private const string Head = """
        ## Every setting with its default. As shipped this file changes nothing: each key is commented out. To set one, remove
        ## the "# " before it. Each key is also a variable and an option: backend.filesystem.root is
        ## XLIVE_BACKEND_FILESYSTEM_ROOT and --backend.filesystem.root; lists and maps there are YAML flow text, or a comma list.
        ## The command line holds over the environment, the environment over this file.
        ##
        ## Durations: a number of seconds, or with ms, s, m, h, d. Sizes: a number of bytes, or with KiB, MiB, GiB.
        ## Secrets: KEY, or KEY_file with the path of a file that holds it; shown as "secret" below.
        ## "restart": a change waits for the next start; everything else holds within seconds of saving the file.
        ## "not yet": known and checked, but the part that uses it is not built.

        """;

    public static IEnumerable<SettingKey> InOrder(IEnumerable<SettingKey> keys) => keys
        .Select((key, index) => (key, index))
        .OrderBy(k => Array.IndexOf(Sections, k.key.Section) is var at and >= 0 ? at : Sections.Length)
        .ThenBy(k => k.key.Section, StringComparer.Ordinal)
        // Nested sections last: what follows them would otherwise need their name a second time.
        .ThenBy(k => k.key.Name.Count('.') > 1 ? k.key.Name[..k.key.Name.LastIndexOf('.')] : "", StringComparer.Ordinal)
        .ThenBy(k => k.index)
        .Select(k => k.key);

    public static string Render(SettingKeys keys)
    {
        var text = new StringBuilder(Head.ReplaceLineEndings("\n"));
        string[] open = [];
        foreach (var key in InOrder(keys.All))
        {
            var path = key.Name.Split('.');
            var sections = path[..^1];
            for (var depth = 0; depth < sections.Length; depth++)
            {
                if (!open.AsSpan().StartsWith(sections.AsSpan(0, depth + 1)))
                {
                    text.Append(depth == 0 ? "\n" : "").Append(' ', 2 * depth).Append(sections[depth]).Append(":\n");
                    open = sections[..(depth + 1)];
                }
            }

            var line = $"{new string(' ', 2 * sections.Length)}# {path[^1]}: {ValueText.Yaml(key.Shape, key.Default, false)}";
            text.Append(line.PadRight(44)).Append(" # ").Append(key.Why).Append(Remarks(key)).Append('\n');
        }

        return text.ToString();
    }

    private static string Remarks(SettingKey key)
    {
        var remarks = new List<string>();
        if (key.Shape.Kind == ShapeKind.Choice)
        {
            remarks.Add(string.Join(" | ", key.Shape.Choices.Select(c => c.Name)));
        }

        if (key.Secret)
        {
            remarks.Add("secret");
        }

        if (key.NeedsRestart)
        {
            remarks.Add("restart");
        }

        if (key.Planned is not null)
        {
            remarks.Add("not yet");
        }

        return remarks.Count == 0 ? "" : $" ({string.Join("; ", remarks)})";
    }
}
