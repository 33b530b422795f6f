using System.Globalization;

namespace XLive.Media.Amf;

/// <summary>One value of either version. What is no number is not 0 but null: of a stranger's command nothing is taken for granted.</summary>
public readonly struct AmfValue
{
    private readonly object? _content;
    private readonly double _number;

    private AmfValue(AmfKind kind, double number, object? content) => (Kind, _number, _content) = (kind, number, content);

    public AmfKind Kind { get; }

    public static AmfValue Undefined => default;
    public static AmfValue Null => new(AmfKind.Null, 0, null);

    public static AmfValue Of(double number) => new(AmfKind.Number, number, null);
    public static AmfValue Of(bool truth) => new(AmfKind.Boolean, truth ? 1 : 0, null);
    public static AmfValue Of(string text) => new(AmfKind.Text, 0, text);
    public static AmfValue Of(AmfObject members) => new(AmfKind.Object, 0, members);
    public static AmfValue Of(IReadOnlyList<AmfValue> items) => new(AmfKind.List, 0, items);
    public static AmfValue Of(byte[] bytes) => new(AmfKind.Bytes, 0, bytes);

    /// <param name="milliseconds">Since 1970. Both versions have them as a double, so it may be none or none that a calendar knows.</param>
    public static AmfValue Date(double milliseconds) => new(AmfKind.Date, milliseconds, null);

    public double? Number => Kind is AmfKind.Number or AmfKind.Date ? _number : null;
    public bool? Truth => Kind == AmfKind.Boolean ? _number != 0 : null;
    public string? Text => _content as string;
    public AmfObject? Object => _content as AmfObject;
    public IReadOnlyList<AmfValue>? Items => _content as IReadOnlyList<AmfValue>;
    public byte[]? Bytes => _content as byte[];

    public override string ToString() => Kind switch
    {
        AmfKind.Number or AmfKind.Date => _number.ToString(CultureInfo.InvariantCulture),
        AmfKind.Boolean => _number != 0 ? "true" : "false",
        AmfKind.Text => "\"" + Text + "\"",
        _ => Kind.ToString(),
    };
}
