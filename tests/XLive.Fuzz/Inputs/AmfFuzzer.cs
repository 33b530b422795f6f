using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using XLive.Fuzz.Engine;
using XLive.Media.Amf;

namespace XLive.Fuzz.Inputs;

/// <summary>
/// The values of a command or of metadata, AMF0 with AMF3 inside. Verified by what is written of them: read again it is the same, and no value
/// is larger than what its bytes allow.
/// </summary>
public sealed class AmfFuzzer : Fuzzer<Memory<byte>>, IDisposable
{
    private readonly GuardedBuffer<byte> _bytes = new();

    public override string Name => "amf";

    public override string Target => "`Amf0Reader`, `Amf3Reader`";

    // A null is a byte and a value of 24, in a list that is copied as it grows; a member of an object has its name besides.
    protected override int AllocationTimes => 16;

    // All the values that a message may hold, and the list in which they grew.
    protected override long AllocationRoom => 512 << 10;

    protected override string[] Tokens { get; } =
    [
        "\0\0\t", "\x03", "\x08\0\0\0\x01", "\x08\xff\xff\xff\xff", "\x0a\0\0\0\x02", "\x0a\xff\xff\xff\xff", "\x05", "\x06", "\x07\0\0", "\x07\0\x01", "\x0c\xff\xff\xff\xff", "\x0c\0\0\0\x01a",
        "\x10\0\x01C", "\x11", "\x11\x09\x05\x01", "\x11\x0a\x0b\x01", "\x11\x0a\x07", "\x11\x06\0", "\x11\x09\0", "\x11\x0c\xff\xff\xff\xff", "\x02\xff\xff", "\x0b", "\x0d", "\xff\xff\xff\xff", "\x80\x80\x80\x80",
        "\0\x7f\xf8\0\0\0\0\0\0", "\x02\0\x02\xc3\x28",
    ];

    protected override string Generate(Dice dice)
    {
        var text = new StringBuilder();
        for (var i = 1 + dice.Below(4); i > 0; i--)
            Value(dice, 0, text);
        return text.ToString();
    }

    private static void Value(Dice dice, int depth, StringBuilder text)
    {
        switch (dice.Below(depth < 8 ? 14 : 8))
        {
            case 0:
                text.Append('\0').Append(Number(dice));
                break;
            case 1:
                text.Append('\x01').Append((char)dice.Below(2));
                break;
            case 2 or 3:
                text.Append('\x02').Append(Text(dice));
                break;
            case 4:
                text.Append(dice.Pick("\x05", "\x06", "\x0d"));
                break;
            case 5:
                text.Append('\x0b').Append(Number(dice)).Append("\0\0");
                break;
            case 6:
                text.Append(dice.Pick("\x0c", "\x0f")).Append("\0\0").Append(Text(dice));
                break;
            case 7:
                text.Append('\x11');
                Amf3(dice, depth, text);
                break;
            case 8:
                text.Append("\x0a\0\0\0").Append((char)Many(dice, out var items));
                for (; items > 0; items--)
                    Value(dice, depth + 1, text);
                break;
            default:
                text.Append(dice.Pick("\x03", "\x08\0\0\0\x03", "\x10" + Text(dice)));
                for (var members = dice.Below(6); members > 0; members--)
                {
                    text.Append(Text(dice));
                    Value(dice, depth + 1, text);
                }
                text.Append("\0\0\t");
                break;
        }
    }

    private static int Many(Dice dice, out int items) => items = dice.Below(dice.OneIn(20) ? 256 : 6);

    private static void Amf3(Dice dice, int depth, StringBuilder text)
    {
        switch (dice.Below(depth < 8 ? 11 : 6))
        {
            case 0:
                text.Append((char)dice.Below(4));
                break;
            case 1:
                text.Append('\x04').Append(dice.Pick("\x7f", "\x81\0", "\xff\xff\xff\xff"));
                break;
            case 2:
                text.Append('\x05').Append(Number(dice));
                break;
            case 3 or 4:
                text.Append('\x06').Append(Word(dice));
                break;
            case 5:
                text.Append(dice.Pick("\x0c\x03\x07", "\x0d\x03\0\0\0\0\x01", "\x0f\x01\0", "\x08\x01" + Number(dice)));
                break;
            case 6 or 7:
                var count = dice.Below(5);
                text.Append('\x09').Append((char)((count << 1) | 1)).Append('\x01');
                for (; count > 0; count--)
                    Amf3(dice, depth + 1, text);
                break;
            default:
                text.Append("\x0a\x0b\x01");
                for (var members = dice.Below(4); members > 0; members--)
                {
                    text.Append(Word(dice));
                    Amf3(dice, depth + 1, text);
                }
                text.Append('\x01');
                break;
        }
    }

    private static string Number(Dice dice)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteDoubleBigEndian(bytes, dice.Below(4) switch { 0 => dice.Below(5), 1 => double.NaN, 2 => -1e300, _ => dice.Next() });
        return Latin(bytes);
    }

    private static string Text(Dice dice)
    {
        var text = dice.Pick("app", "live", "tcUrl", "", "onMetaData", "\xc3\xa9", "objectEncoding");
        return new string([(char)(text.Length >> 8), (char)text.Length]) + text;
    }

    private static string Word(Dice dice)
    {
        var text = dice.Pick("app", "a", "tcUrl");
        return (char)((text.Length << 1) | 1) + text;
    }

    protected override Memory<byte> Read(string input)
    {
        _bytes.Put(Bytes(input));
        return _bytes.Memory;
    }

    protected override bool Parse(Memory<byte> input)
    {
        var reader = new Amf0Reader(input.Span);
        try
        {
            while (!reader.AtEnd)
                reader.Read();
            return true;
        }
        catch (AmfException)
        {
            return false;
        }
    }

    protected override void Verify(Memory<byte> input, bool accepted)
    {
        var (first, again) = (new StringBuilder(), new StringBuilder());
        var reader = new Amf0Reader(input.Span);
        var values = 0;
        try
        {
            while (!reader.AtEnd)
            {
                var begun = reader.Position;
                var value = reader.Read();
                FuzzFailure.Unless(reader.Position > begun);
                Print(value, first, 0, ref values);
            }
        }
        catch (AmfException)
        {
            FuzzFailure.Unless(!accepted);
        }
        FuzzFailure.Unless(values <= AmfBudget.MostValues);

        // What was understood, written with the plain markers, is understood alike.
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        reader = new Amf0Reader(input.Span);
        try
        {
            while (!reader.AtEnd)
                Write(reader.Read(), new Amf0Writer(output));
        }
        catch (AmfException)
        {
            // As far as it went.
        }
        var written = new Amf0Reader(output.WrittenSpan);
        values = 0;
        while (!written.AtEnd)
            Print(written.Read(), again, 0, ref values);
        FuzzFailure.Equal(first.ToString(), again.ToString(), "written and read again");
    }

    private static void Write(AmfValue value, Amf0Writer amf)
    {
        switch (value.Kind)
        {
            case AmfKind.Undefined:
                amf.Undefined();
                break;
            case AmfKind.Null:
                amf.Null();
                break;
            case AmfKind.Boolean:
                amf.Boolean(value.Truth!.Value);
                break;
            case AmfKind.Number:
                amf.Number(value.Number!.Value);
                break;
            case AmfKind.Date:
                amf.Date(value.Number!.Value);
                break;
            case AmfKind.Text:
                amf.Text(value.Text!);
                break;
            case AmfKind.Bytes:
                amf.Text(Convert.ToHexString(value.Bytes!));
                break;
            case AmfKind.List:
                amf.BeginStrictArray(value.Items!.Count);
                foreach (var item in value.Items)
                    Write(item, amf);
                break;
            default:
                if (value.Object!.IsEcmaArray)
                    amf.BeginEcmaArray(value.Object.Members.Count);
                else
                    amf.BeginObject();
                foreach (var (name, member) in value.Object.Members)
                {
                    amf.Name(Encoding.UTF8.GetByteCount(name) > ushort.MaxValue ? "" : name);
                    Write(member, amf);
                }
                amf.End();
                break;
        }
    }

    private static void Print(AmfValue value, StringBuilder text, int depth, ref int values)
    {
        FuzzFailure.Unless(depth <= AmfBudget.Deepest);
        values++;
        switch (value.Kind)
        {
            case AmfKind.List:
                text.Append('(');
                foreach (var item in value.Items!)
                    Print(item, text, depth + 1, ref values);
                text.Append(')');
                break;
            case AmfKind.Object:
                text.Append(value.Object!.IsEcmaArray ? '[' : '{');
                foreach (var (name, member) in value.Object.Members)
                {
                    text.Append(Encoding.UTF8.GetByteCount(name) > ushort.MaxValue ? "" : name).Append(':');
                    Print(member, text, depth + 1, ref values);
                }
                text.Append('}');
                break;
            case AmfKind.Bytes:
                text.Append('"').Append(Convert.ToHexString(value.Bytes!)).Append('"');
                break;
            case AmfKind.Number or AmfKind.Date:
                text.Append(CultureInfo.InvariantCulture, $"{value.Kind}{BitConverter.DoubleToInt64Bits(value.Number!.Value):x}");
                break;
            default:
                text.Append(value);
                break;
        }
        text.Append(';');
    }

    public void Dispose() => ((IDisposable)_bytes).Dispose();
}
