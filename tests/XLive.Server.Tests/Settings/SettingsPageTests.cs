using System.Runtime.CompilerServices;
using System.Text;
using XLive.Server.Settings;

namespace XLive.Server.Tests.Settings;

/// <summary>The table of docs/settings.md is written from the keys, as conf.yaml is.</summary>
public sealed class SettingsPageTests
{
    private const string Begin = "<!-- Written from the code: XLIVE_WRITE_REFERENCE=1 ./test Reference -->\n";
    private const string End = "<!-- to here -->\n";

    [Fact]
    public void Its_table_is_what_the_keys_say_Reference()
    {
        var path = Path.GetFullPath("../../../docs/settings.md", Path.GetDirectoryName(Here())!);
        var page = File.ReadAllText(path);
        var start = page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        var end = page.IndexOf(End, StringComparison.Ordinal);
        Assert.InRange(start, Begin.Length, end);
        var table = Table(SettingKeys.Of(SettingKeys.OptionTypesOf(typeof(ServerSettings).Assembly)));
        if (Environment.GetEnvironmentVariable("XLIVE_WRITE_REFERENCE") == "1")
        {
            File.WriteAllText(path, page = page[..start] + table + page[end..]);
            end = page.IndexOf(End, StringComparison.Ordinal);
        }

        Assert.True(page[start..end] == table, "docs/settings.md lags behind the keys; XLIVE_WRITE_REFERENCE=1 ./test Reference rewrites it");
    }

    private static string Table(SettingKeys keys)
    {
        var text = new StringBuilder();
        foreach (var section in ReferenceFile.InOrder(keys.All).GroupBy(k => k.Section))
        {
            text.Append($"\n### {section.Key}\n\n| key | default | what it does |\n| --- | --- | --- |\n");
            foreach (var key in section)
            {
                text.Append($"| `{key.Name}` | `{ValueText.Yaml(key.Shape, key.Default, false)}` | {Cell(key.Why)}{Remarks(key)} |\n");
            }
        }

        return text.Append('\n').ToString();
    }

    private static string Remarks(SettingKey key)
    {
        var remarks = new List<string>();
        if (key.Shape.Kind == ShapeKind.Choice)
        {
            remarks.Add(string.Join(", ", key.Shape.Choices.Select(c => $"`{c.Name}`")));
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
            remarks.Add("**not yet**");
        }

        return remarks.Count == 0 ? "" : $" ({string.Join("; ", remarks)})";
    }

    // In a table | ends a cell; ** and the braces of a pattern would be read as markup.
    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).Replace("*", "\\*", StringComparison.Ordinal);

    private static string Here([CallerFilePath] string path = "") => path;
}
