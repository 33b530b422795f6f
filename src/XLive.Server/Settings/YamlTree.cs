using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace XLive.Server.Settings;

/// <summary>The text is not YAML that can be used.</summary>
internal sealed class YamlFaultException(int line, string problem) : Exception(problem)
{
    public int Line { get; } = line;
}

/// <summary>
/// YAML to nodes with line numbers. Reads events rather than YamlDotNet's own tree, because that one expands aliases without a
/// bound and drops the second of two equal keys without a word.
/// </summary>
internal sealed class YamlTree
{
    private const int MaxDepth = 32;
    private const int MaxNodes = 100_000;

    private readonly string _text;
    private readonly Parser _parser;
    private readonly Dictionary<string, ConfigNode> _anchors = [];
    private readonly Action<int, string, string> _duplicate;
    private int _nodes;

    private YamlTree(string text, Action<int, string, string> duplicate)
    {
        _text = text;
        _parser = new Parser(new StringReader(text));
        _duplicate = duplicate;
    }

    /// <summary>Null for a text without any value. `duplicate` hears line, path and problem; the first of the two is kept.</summary>
    public static ConfigNode? Parse(string text, string path, Action<int, string, string> duplicate)
    {
        var zero = text.IndexOf('\0');
        if (zero >= 0)
        {
            // The parser takes it for the end and would drop the rest unseen.
            throw new YamlFaultException(1 + text.AsSpan(0, zero).Count('\n'), "a NUL character; this is not a text file");
        }

        var tree = new YamlTree(text, duplicate);
        try
        {
            return tree.Document(path);
        }
        catch (YamlException e)
        {
            throw tree.Syntax(e.Start.Line, e.End.Line, e.Message);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException or InvalidOperationException
            or IndexOutOfRangeException or NullReferenceException)
        {
            // The parser's own slips on broken input (an escape beyond Unicode, for one) are still the file's fault.
            throw tree.Syntax(tree._parser.Current?.End.Line ?? 1, 0, e.Message);
        }
    }

    private ConfigNode? Document(string path)
    {
        ConfigNode? root = null;
        var documents = 0;
        while (_parser.MoveNext())
        {
            switch (_parser.Current)
            {
                case DocumentStart start when ++documents > 1:
                    throw new YamlFaultException((int)start.Start.Line, "a second document; one file is one document");
                case StreamStart or StreamEnd or DocumentStart or DocumentEnd:
                    break;
                default:
                    root = Node(path, 0);
                    break;
            }
        }

        return root;
    }

    // Begins at the node's first event and returns at its last.
    private ConfigNode Node(string path, int depth)
    {
        var begin = _parser.Current!;
        var line = (int)begin.Start.Line;
        if (depth > MaxDepth)
        {
            throw new YamlFaultException(line, $"nested deeper than {MaxDepth} levels");
        }

        if (begin is AnchorAlias alias)
        {
            return _anchors.TryGetValue(alias.Value.Value, out var known)
                ? Counted(known, line)
                : throw new YamlFaultException(line, $"no finished anchor has the name {FaultList.Quote(alias.Value.Value)}");
        }

        var node = begin switch
        {
            Scalar scalar => new ConfigNode
            {
                Kind = NodeKind.Scalar,
                Line = line,
                Text = scalar.Value,
                Plain = scalar.Style == ScalarStyle.Plain && scalar.Tag.IsEmpty,
            },
            SequenceStart => new ConfigNode { Kind = NodeKind.List, Line = line },
            MappingStart => new ConfigNode { Kind = NodeKind.Map, Line = line },
            _ => throw new YamlFaultException(line, "something that is neither a value, a list nor a map"),
        };
        var named = (NodeEvent)begin;
        if (!named.Tag.IsEmpty && !named.Tag.IsNonSpecific && named.Tag.Value != "tag:yaml.org,2002:str")
        {
            throw new YamlFaultException(line, "a YAML tag; types come from the key, leave it out");
        }

        Counted(node, line);
        if (begin is SequenceStart)
        {
            Items(node, path, depth);
        }
        else if (begin is MappingStart)
        {
            Entries(node, path, depth);
        }

        if (!named.Anchor.IsEmpty)
        {
            _anchors[named.Anchor.Value] = node;
        }

        return node;
    }

    private void Items(ConfigNode list, string path, int depth)
    {
        while (Next() is not SequenceEnd)
        {
            var item = Node($"{path}[{list.Items.Count}]", depth + 1);
            list.Items.Add(item);
            list.Size += item.Size;
        }
    }

    private void Entries(ConfigNode map, string path, int depth)
    {
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        while (Next() is not MappingEnd)
        {
            var line = (int)_parser.Current!.Start.Line;
            if (_parser.Current is not Scalar name)
            {
                throw new YamlFaultException(line, "a key must be a plain word");
            }

            var below = path.Length == 0 ? name.Value : path + "." + name.Value;
            Next();
            var value = Node(below, depth + 1);
            if (seen.TryAdd(name.Value, line))
            {
                map.Entries.Add((name.Value, line, value));
                map.Size += value.Size;
            }
            else
            {
                _duplicate(line, below, $"given twice, first on line {seen[name.Value]}");
            }
        }
    }

    private ParsingEvent Next() => _parser.MoveNext()
        ? _parser.Current!
        : throw new YamlFaultException(0, "ends in the middle of a value");

    private ConfigNode Counted(ConfigNode node, int line)
    {
        _nodes += node.Size;
        return _nodes <= MaxNodes ? node : throw new YamlFaultException(line, $"more than {MaxNodes} values, aliases followed");
    }

    private YamlFaultException Syntax(long start, long end, string problem)
    {
        // The parser's word for a tab is "found character that cannot start any token", often a line early; nobody finds it so.
        var lines = _text.Split('\n');
        for (var line = Math.Max(start, 1); line <= Math.Min(Math.Max(start, end) + 1, lines.Length); line++)
        {
            var text = lines[line - 1];
            if (text[..(text.Length - text.TrimStart().Length)].Contains('\t'))
            {
                return new YamlFaultException((int)line, "a tab indents this line; YAML wants spaces");
            }
        }

        return new YamlFaultException((int)Math.Max(start, 1), "not YAML: " + problem);
    }
}
