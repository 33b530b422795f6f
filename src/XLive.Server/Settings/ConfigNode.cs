namespace XLive.Server.Settings;

internal enum NodeKind { Scalar, List, Map }

/// <summary>A value as it was written, before anyone knows its type: YAML of the file, or text of a variable or an option.</summary>
internal sealed class ConfigNode
{
    public required NodeKind Kind { get; init; }

    public int Line { get; init; }

    public string Text { get; init; } = "";

    /// <summary>Written without quotes, so that "null" and "~" mean nothing at all.</summary>
    public bool Plain { get; init; }

    public List<ConfigNode> Items { get; } = [];

    public List<(string Name, int Line, ConfigNode Value)> Entries { get; } = [];

    /// <summary>How many nodes a reader of this one meets, aliases followed.</summary>
    public int Size { get; set; } = 1;

    public bool IsNull => Kind == NodeKind.Scalar && Plain && (Text is "" or "~" or "null" or "Null" or "NULL");

    public static ConfigNode OfText(string text) => new() { Kind = NodeKind.Scalar, Text = text };

    public static ConfigNode OfCommaList(string text)
    {
        var list = new ConfigNode { Kind = NodeKind.List };
        list.Items.AddRange(text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(OfText));
        return list;
    }
}
