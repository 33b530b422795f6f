using System.Collections;
using System.Globalization;
using System.Text;

namespace XLive.Server.Settings;

/// <summary>
/// A typed value to text that reads back as the same value: YAML on one line. Equal texts are equal values, which is how a
/// reload finds what has changed.
/// </summary>
internal static class ValueText
{
    private const string Mask = "***";

    public static string Yaml(Shape shape, object? value, bool masked)
    {
        switch (value)
        {
            case null:
                return shape.Kind switch
                {
                    ShapeKind.Text => "\"\"",
                    ShapeKind.List => "[]",
                    ShapeKind.Map or ShapeKind.Fields => "{}",
                    _ => "auto",
                };
            case bool flag:
                return flag ? "true" : "false";
            case TimeSpan duration:
                return Quantity.Write(duration);
            case long size when shape.Kind == ShapeKind.Bytes:
                return Quantity.WriteSize(size);
            case DateTimeOffset moment:
                return moment.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);
            case double number:
                // "R" turns to exponents at either end, which no setting reads.
                return ((decimal)number).ToString(CultureInfo.InvariantCulture);
            case IDictionary map:
                var entries = map.Keys.Cast<string>().Order(StringComparer.Ordinal);
                return "{" + string.Join(", ", entries.Select(k => $"{Quoted(k)}: {Yaml(shape.Element!, map[k], masked)}")) + "}";
            case IList list:
                return "[" + string.Join(", ", list.Cast<object?>().Select(i => Yaml(shape.Element!, i, masked))) + "]";
            default:
                return shape.Kind switch
                {
                    ShapeKind.Choice => shape.Choices.First(c => c.Value.Equals(value)).Name,
                    ShapeKind.Fields => Fields(shape, value, masked),
                    ShapeKind.Text when masked => Quoted(WithoutPassword((string)value)),
                    _ => Quoted(Convert.ToString(value, CultureInfo.InvariantCulture)!),
                };
        }
    }

    /// <summary>For people: a text as it is, without quotes; secrets as stars once they are set.</summary>
    public static string Shown(SettingKey key, object? value)
    {
        if (key.Secret)
        {
            return IsEmpty(value) ? "" : Mask;
        }

        return key.Shape.Kind == ShapeKind.Text ? WithoutPassword((string?)value ?? "") : Yaml(key.Shape, value, true);
    }

    private static bool IsEmpty(object? value) => value is null or "" or ICollection { Count: 0 };

    private static string Fields(Shape shape, object value, bool masked)
    {
        var set = shape.Fields.Select(f => (f, Value: f.Property.GetValue(value))).Where(f => f.Value is not null);
        return "{" + string.Join(", ", set.Select(f =>
            $"{f.f.Name}: {(masked && f.f.Secret && !IsEmpty(f.Value) ? Quoted(Mask) : Yaml(f.f.Shape, f.Value, masked))}")) + "}";
    }

    private static string WithoutPassword(string text)
    {
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        var host = scheme < 0 ? -1 : text.AsSpan(scheme + 3).IndexOf('@');
        var path = scheme < 0 ? -1 : text.AsSpan(scheme + 3).IndexOf('/');
        return host > 0 && (path < 0 || host < path) ? $"{text[..(scheme + 3)]}{Mask}{text[(scheme + 3 + host)..]}" : text;
    }

    private static string Quoted(string text)
    {
        var plain = text.Length > 0 && text[0] != '-' && text is not ("null" or "Null" or "NULL")
            && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '/' or '-' or '+' or '@');
        if (plain)
        {
            return text;
        }

        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append(@"\\"),
                '\n' => quoted.Append(@"\n"),
                _ when char.IsControl(c) || c >= 0x7f => quoted.Append(CultureInfo.InvariantCulture, $@"\u{(int)c:x4}"),
                _ => quoted.Append(c),
            };
        }

        return quoted.Append('"').ToString();
    }
}
