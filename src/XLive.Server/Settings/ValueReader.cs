using System.Collections;

namespace XLive.Server.Settings;

/// <summary>A written value to a typed one. What is wrong goes to the fault list, with the line; then the result means nothing.</summary>
internal sealed class ValueReader(string where, FaultList faults, InputFiles files, Dictionary<string, (string Where, int Line)> places)
{
    /// <summary>`secret`: what was written never gets into a message.</summary>
    public object? Read(Shape shape, ConfigNode node, string path, bool secret)
    {
        places[path] = (where, node.Line);
        if (node.IsNull)
        {
            return Nothing(shape, node, path);
        }

        switch (shape.Kind)
        {
            case ShapeKind.List when node.Kind == NodeKind.List:
                return List(shape, node.Items, path, secret);
            case ShapeKind.List when node.Kind == NodeKind.Scalar && shape.Element!.Fields.Any(static f => f.Bare):
            case ShapeKind.List when node.Kind == NodeKind.Map && shape.Element!.Kind == ShapeKind.Fields:
                // A single rule needs no list around it: limits.logins: {window: 1m, count: 10}.
                return List(shape, [node], path, secret);
            case ShapeKind.Map when node.Kind == NodeKind.Map:
                return Map(shape, node, path, secret);
            case ShapeKind.Fields when node.Kind == NodeKind.Map:
                return Fields(shape, node, path);
            case ShapeKind.Fields when node.Kind == NodeKind.Scalar && Array.Find(shape.Fields, static f => f.Bare) is { } bare:
                return Bare(shape, bare, node, path);
            case ShapeKind.List or ShapeKind.Map or ShapeKind.Fields:
                return Wrong(node, path, $"{Found(node, secret)} where {shape.Expected} is expected");
            case var _ when node.Kind != NodeKind.Scalar:
                return Wrong(node, path, $"{Found(node, secret)} where {shape.Expected} is expected");
        }

        var problem = ScalarReader.Read(shape, node.Text, out var value);
        return problem is null ? value : Wrong(node, path, secret ? "what is given " + problem : $"{FaultList.Quote(node.Text)} {problem}");
    }

    private object? Nothing(Shape shape, ConfigNode node, string path)
    {
        switch (shape.Kind)
        {
            case var _ when shape.Optional:
                return null;
            case ShapeKind.List:
                return List(shape, [], path, false);
            case ShapeKind.Map:
                return Activator.CreateInstance(shape.Type);
            case ShapeKind.Text:
                return Wrong(node, path, "has no value; write \"\" for an empty text, or leave the key out");
            default:
                return Wrong(node, path, $"has no value where {shape.Expected} is expected; leave the key out for the default");
        }
    }

    private IList List(Shape shape, List<ConfigNode> items, string path, bool secret)
    {
        var list = shape.Type.IsArray
            ? (IList)Array.CreateInstance(shape.Element!.Type, items.Count)
            : (IList)Activator.CreateInstance(shape.Type)!;
        for (var i = 0; i < items.Count; i++)
        {
            var before = faults.Count;
            var item = Read(shape.Element!, items[i], $"{path}[{i}]", secret);
            if (faults.Count > before)
            {
                continue;
            }

            if (shape.Type.IsArray)
            {
                list[i] = item;
            }
            else
            {
                list.Add(item);
            }
        }

        return list;
    }

    private IDictionary Map(Shape shape, ConfigNode node, string path, bool secret)
    {
        var map = (IDictionary)Activator.CreateInstance(shape.Type)!;
        foreach (var (name, _, entry) in node.Entries)
        {
            var before = faults.Count;
            var value = Read(shape.Element!, entry, $"{path}.{name}", secret);
            if (faults.Count == before)
            {
                map[name] = value;
            }
        }

        return map;
    }

    private object Fields(Shape shape, ConfigNode node, string path)
    {
        var instance = Activator.CreateInstance(shape.Type)!;
        var given = new Dictionary<string, string>();
        foreach (var (name, line, entry) in node.Entries)
        {
            var field = Array.Find(shape.Fields, f => f.Name == name || (f.Secret && f.Name + "_file" == name));
            if (field is null)
            {
                var names = shape.Fields.SelectMany(f => f.Secret ? new[] { f.Name, f.Name + "_file" } : [f.Name]);
                faults.Add(where, line, $"{path}.{name}", $"unknown key, nearest is {Nearest.To(name, names)}");
                continue;
            }

            if (!given.TryAdd(field.Name, name))
            {
                faults.Add(where, line, $"{path}.{name}", $"given beside {given[field.Name]}; only one of the two can hold");
                continue;
            }

            var before = faults.Count;
            var value = field.Name == name
                ? Read(field.Shape, entry, $"{path}.{name}", field.Secret)
                : ReadSecretFile(field.Shape, entry, $"{path}.{name}");
            if (faults.Count == before)
            {
                field.Property.SetValue(instance, value);
            }
        }

        foreach (var field in shape.Fields.Where(f => f.Required && !given.ContainsKey(f.Name)))
        {
            faults.Add(where, node.Line, path, $"has no {field.Name}" + (field.Secret ? $" and no {field.Name}_file" : ""));
        }

        return instance;
    }

    private object? Bare(Shape shape, ShapeField field, ConfigNode node, string path)
    {
        var before = faults.Count;
        var value = Read(field.Shape, node, path, field.Secret);
        if (faults.Count > before)
            return null;
        var instance = Activator.CreateInstance(shape.Type)!;
        field.Property.SetValue(instance, value);
        return instance;
    }

    /// <summary>The node names a file that holds the value.</summary>
    public object? ReadSecretFile(Shape shape, ConfigNode node, string path)
    {
        if (node.Kind != NodeKind.Scalar || node.Text.Length == 0 || node.IsNull)
        {
            return Wrong(node, path, "must be the path of a file");
        }

        var content = files.ReadSecret(node.Text, out var problem);
        if (content is null)
        {
            return Wrong(node, path, $"the file {FaultList.Quote(node.Text)} {problem}");
        }

        places[path] = (where, node.Line);
        ConfigNode? value;
        try
        {
            value = shape.Kind is ShapeKind.List or ShapeKind.Map or ShapeKind.Fields
                ? YamlTree.Parse(content, path, (_, name, twice) => faults.Add(where, node.Line, name, twice))
                : ConfigNode.OfText(content);
        }
        catch (YamlFaultException e)
        {
            return Wrong(node, path, $"the file {FaultList.Quote(node.Text)}, line {e.Line}, is {e.Message}");
        }

        return value is null ? Wrong(node, path, "the file holds no value") : Read(shape, value, path, true);
    }

    private object? Wrong(ConfigNode node, string path, string problem)
    {
        faults.Add(where, node.Line, path, problem);
        return null;
    }

    private static string Found(ConfigNode node, bool secret) => node.Kind switch
    {
        NodeKind.List => "a list",
        NodeKind.Map => "a map",
        _ => secret ? "a single value" : FaultList.Quote(node.Text),
    };
}
