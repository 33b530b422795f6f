using System.Text;

namespace XLive.Server.Storage.Redis;

public enum RespKind : byte { Nothing, Text, Error, Number, Bulk, List }

/// <summary>One answer. Errors are values too: in an outage there are many, and an exception each would cost more than the outage.</summary>
public readonly struct RespValue
{
    private readonly object? _content;
    private readonly long _number;

    private RespValue(RespKind kind, object? content, long number)
    {
        Kind = kind;
        _content = content;
        _number = number;
    }

    public RespKind Kind { get; }

    public bool IsError => Kind == RespKind.Error;

    public bool IsNothing => Kind == RespKind.Nothing;

    /// <summary>The number of an integer, or of text that is one; 0 for all else.</summary>
    public long Number => Kind switch
    {
        RespKind.Number => _number,
        RespKind.Bulk or RespKind.Text => RespParser.TryNumber(Bytes, out var number) ? number : 0,
        _ => 0,
    };

    public ReadOnlySpan<byte> Bytes => _content as byte[];

    public IReadOnlyList<RespValue> Items => _content as RespValue[] ?? [];

    public string Text => Kind switch
    {
        RespKind.Number => _number.ToString(System.Globalization.CultureInfo.InvariantCulture),
        RespKind.Text or RespKind.Bulk or RespKind.Error => Encoding.UTF8.GetString(Bytes),
        _ => "",
    };

    /// <summary>An error's first word: "READONLY" of "READONLY You can't write against a read only replica."; "" for what is none.</summary>
    public string Code
    {
        get
        {
            if (!IsError)
                return "";
            var end = Bytes.IndexOf((byte)' ');
            return Encoding.UTF8.GetString(end < 0 ? Bytes : Bytes[..end]);
        }
    }

    public bool Is(ReadOnlySpan<byte> bytes) => Kind is RespKind.Text or RespKind.Bulk && Bytes.SequenceEqual(bytes);

    public static RespValue OfNothing => default;

    public static RespValue OfNumber(long number) => new(RespKind.Number, null, number);

    public static RespValue OfText(byte[] bytes) => new(RespKind.Text, bytes, 0);

    public static RespValue OfBulk(byte[] bytes) => new(RespKind.Bulk, bytes, 0);

    public static RespValue OfError(byte[] bytes) => new(RespKind.Error, bytes, 0);

    public static RespValue OfError(string text) => new(RespKind.Error, Encoding.UTF8.GetBytes(text), 0);

    public static RespValue OfList(RespValue[] items) => new(RespKind.List, items, 0);

    public override string ToString() => Kind == RespKind.List ? $"[{string.Join(", ", Items)}]" : $"{Kind}: {Text}";
}
