using System.Reflection;
using System.Text;

namespace XLive.Server.Settings;

internal enum ShapeKind { Text, Flag, Whole, Number, Duration, Bytes, Moment, Choice, List, Map, Fields }

/// <summary>What values a key takes: read off a property's type once, then followed by ValueReader and ValueText.</summary>
internal sealed class Shape
{
    private static readonly NullabilityInfoContext Nullability = new();

    public required ShapeKind Kind { get; init; }

    public required Type Type { get; init; }

    /// <summary>Null is a value: "auto" for numbers, "" for text.</summary>
    public bool Optional { get; init; }

    /// <summary>In the order of the enum: the first is the default.</summary>
    public (string Name, object Value)[] Choices { get; init; } = [];

    /// <summary>Of a list's items or a map's values.</summary>
    public Shape? Element { get; init; }

    public ShapeField[] Fields { get; init; } = [];

    public object? Least { get; init; }

    public object? Most { get; init; }

    public bool HoldsSecrets => Fields.Any(f => f.Secret || f.Shape.HoldsSecrets) || Element is { HoldsSecrets: true };

    public string Expected => Kind switch
    {
        ShapeKind.Flag => "true or false",
        ShapeKind.Whole => "a whole number",
        ShapeKind.Number => "a number",
        ShapeKind.Duration => "a duration such as 30s",
        ShapeKind.Bytes => "a size such as 64MiB",
        ShapeKind.Moment => "a date and time (ISO 8601) or unix seconds",
        ShapeKind.Choice => "one of " + string.Join(", ", Choices.Select(c => c.Name)),
        ShapeKind.List => Element!.Kind == ShapeKind.Fields ? "a list of maps" : "a list",
        ShapeKind.Map => "a map",
        ShapeKind.Fields => "a map with " + string.Join(", ", Fields.Select(f => f.Name)),
        _ => "text",
    };

    public static Shape Of(PropertyInfo property, SettingUnit unit, string? least, string? most) =>
        Of(property.PropertyType, unit, least, most, IsNullableReference(property));

    public static Shape Of(Type type, SettingUnit unit = SettingUnit.None, string? least = null, string? most = null, bool optional = false)
    {
        var bare = Nullable.GetUnderlyingType(type) ?? type;
        optional |= bare != type;
        if (ElementOf(bare, typeof(Dictionary<,>)) is { } value)
        {
            return new Shape { Kind = ShapeKind.Map, Type = bare, Optional = optional, Element = Of(value, unit) };
        }

        if ((bare.IsArray ? bare.GetElementType() : ElementOf(bare, typeof(List<>))) is { } item)
        {
            return new Shape { Kind = ShapeKind.List, Type = bare, Optional = optional, Element = Of(item, unit, least, most) };
        }

        var kind = ScalarKind(bare, unit);
        if (kind is { } scalar)
        {
            var choices = bare.IsEnum ? Enum.GetValues(bare).Cast<object>().Select(c => (Snake(c.ToString()!), c)).ToArray() : [];
            var shape = new Shape { Kind = scalar, Type = bare, Optional = optional, Choices = choices };
            return least is null && most is null ? shape : new Shape
            {
                Kind = scalar,
                Type = bare,
                Optional = optional,
                Choices = choices,
                Least = Bound(shape, least),
                Most = Bound(shape, most),
            };
        }

        if (bare.IsClass && bare.GetConstructor(Type.EmptyTypes) is not null && bare.Namespace?.StartsWith("System", StringComparison.Ordinal) != true)
        {
            return new Shape { Kind = ShapeKind.Fields, Type = bare, Optional = optional, Fields = FieldsOf(bare) };
        }

        throw new NotSupportedException($"{type} is no type of a setting.");
    }

    public static Shape OfChoices(params string[] names) =>
        new() { Kind = ShapeKind.Choice, Type = typeof(string), Choices = [.. names.Select(n => (n, (object)n))] };

    /// <summary>"NotBefore" is not_before, "LeastPending" is least_pending, "Fmp4" is fmp4.</summary>
    public static string Snake(string name)
    {
        var snake = new StringBuilder(name.Length + 4);
        for (var i = 0; i < name.Length; i++)
        {
            if (char.IsUpper(name[i]) && i > 0 && (!char.IsUpper(name[i - 1]) || (i + 1 < name.Length && char.IsLower(name[i + 1]))))
            {
                snake.Append('_');
            }

            snake.Append(char.ToLowerInvariant(name[i]));
        }

        return snake.ToString();
    }

    private static ShapeKind? ScalarKind(Type type, SettingUnit unit) => type switch
    {
        _ when type == typeof(string) => ShapeKind.Text,
        _ when type == typeof(bool) => ShapeKind.Flag,
        _ when type == typeof(TimeSpan) => ShapeKind.Duration,
        _ when type == typeof(DateTimeOffset) => ShapeKind.Moment,
        _ when type == typeof(int) => ShapeKind.Whole,
        _ when type == typeof(long) => unit == SettingUnit.Bytes ? ShapeKind.Bytes : ShapeKind.Whole,
        _ when type == typeof(double) => ShapeKind.Number,
        { IsEnum: true } => ShapeKind.Choice,
        _ => null,
    };

    private static ShapeField[] FieldsOf(Type type) =>
    [
        .. type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.SetMethod is { IsPublic: true }).Select(p =>
        {
            var extra = p.GetCustomAttribute<SettingFieldAttribute>() ?? new SettingFieldAttribute();
            var shape = Of(p, extra.Unit, extra.Least, extra.Most);
            return new ShapeField(Snake(p.Name), p, shape, extra.Secret, extra.Required, extra.Bare);
        }),
    ];

    private static object? Bound(Shape shape, string? text)
    {
        if (text is null)
        {
            return null;
        }

        var problem = ScalarReader.Read(shape, text, out var value);
        return problem is null ? value : throw new NotSupportedException($"The bound {FaultList.Quote(text)} {problem}.");
    }

    private static Type? ElementOf(Type type, Type generic) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == generic ? type.GetGenericArguments()[^1] : null;

    private static bool IsNullableReference(PropertyInfo property)
    {
        lock (Nullability)
        {
            return !property.PropertyType.IsValueType && Nullability.Create(property).WriteState == NullabilityState.Nullable;
        }
    }
}

internal sealed record ShapeField(string Name, PropertyInfo Property, Shape Shape, bool Secret, bool Required, bool Bare);
