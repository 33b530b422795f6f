using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.RegularExpressions;
using XLive.Fuzz.Engine;
using XLive.Server.Storage.Redis;

namespace XLive.Fuzz.Inputs;

/// <summary>
/// What a Redis server may send: answers one after the other. Read once by descent over the whole text, and by the parser whole, a byte
/// at a time and in two pieces cut at every place.
/// </summary>
public sealed partial class RespFuzzer : Fuzzer<Memory<byte>>, IDisposable
{
    private readonly GuardedBuffer<byte> _bytes = new();
    private string _input = "";
    private string _read = "";

    public override string Name => "resp";

    public override string Target => "`RespParser`";

    // ":1\r\n" in a list is four bytes and a value of 24, and a list that grows is copied.
    protected override int AllocationTimes => 40;

    protected override string[] Tokens { get; } =
    [
        "\r\n", "\n", "\r", "+OK\r\n", "-ERR x\r\n", ":0\r\n", ":-1\r\n", ":+1\r\n", ":9223372036854775807\r\n", ":9223372036854775808\r\n", ":-9223372036854775808\r\n",
        "$-1\r\n", "$-2\r\n", "$0\r\n\r\n", "$5\r\nhello\r\n", "$1048576\r\n", "$1048577\r\n", "$4294967296\r\n", "$ 5\r\n", "$5\0\r\n", "*-1\r\n", "*0\r\n", "*1\r\n", "*65536\r\n",
        "*65537\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", "*2147483647\r\n", "_\r\n", "%1\r\n", ">1\r\n", "#t\r\n", "+", "-", ":", "$", "*", "\0", "\u00ff", ":1\0\r\n", ":\r\n", "$\r\n", "*\r\n",
    ];

    protected override string Generate(Dice dice) => string.Concat(Enumerable.Range(0, 1 + dice.Below(3)).Select(_ => Value(dice, 0)));

    private static string Value(Dice dice, int depth) => dice.Below(depth < 9 ? 9 : 6) switch
    {
        0 => "+" + Word(dice) + "\r\n",
        1 => "-" + dice.Pick("ERR", "OOM", "READONLY", "MOVED 3999 127.0.0.1:6381", "WRONGTYPE", "") + " " + Word(dice) + "\r\n",
        2 => ":" + dice.Number() + "\r\n",
        3 => dice.Pick("$-1\r\n", "*-1\r\n", "*0\r\n", "$0\r\n\r\n"),
        4 => Bulk(dice.OneIn(30) ? new string('x', dice.Below(40_000)) : Word(dice)),
        5 => ":" + dice.Below(1000).ToString(CultureInfo.InvariantCulture) + "\r\n",
        6 => Many(dice.OneIn(40) ? dice.Below(4000) : dice.Below(12), _ => ":1\r\n"),
        _ => Many(1 + dice.Below(4), _ => Value(dice, depth + 1)),
    };

    private static string Many(int count, Func<int, string> item) => $"*{count}\r\n" + string.Concat(Enumerable.Range(0, count).Select(item));

    private static string Bulk(string text) => $"${text.Length}\r\n{text}\r\n";

    private static string Word(Dice dice)
    {
        var word = new byte[dice.OneIn(20) ? dice.Below(5000) : dice.Below(20)];
        for (var i = 0; i < word.Length; i++)
            word[i] = (byte)(' ' + dice.Below(90));
        return Latin(word);
    }

    protected override Memory<byte> Read(string input)
    {
        _input = input;
        _bytes.Put(Bytes(input));
        return _bytes.Memory;
    }

    /// <summary>All that is there; true when nothing of it was wrong.</summary>
    protected override bool Parse(Memory<byte> input)
    {
        var parser = new RespParser();
        var rest = input.Span;
        try
        {
            while (parser.TryRead(rest, out var consumed, out _))
                rest = rest[consumed..];
            return true;
        }
        catch (RespException)
        {
            return false;
        }
    }

    protected override void Verify(Memory<byte> input, bool accepted)
    {
        _read = InPieces(input.Span, input.Length);
        FuzzFailure.Equal(accepted, !_read.EndsWith('!'), "taken a second time");
        FuzzFailure.Equal(Second(_input), _read, "by another reading");
        FuzzFailure.Equal(_read, InPieces(input.Span, 1), "a byte at a time");
        // Every cut of a short one, and a few of a long one: the square of 64 KiB is too many.
        var step = Math.Max(1, input.Length / 100);
        for (var cut = 0; cut <= input.Length; cut += step)
            FuzzFailure.Equal(_read, InPieces(input.Span, cut, input.Length - cut), $"cut at {cut}");
    }

    /// <summary>As a connection does: what is not consumed is shown again with what comes. The values, and "!" where it went wrong.</summary>
    private static string InPieces(ReadOnlySpan<byte> input, params ReadOnlySpan<int> sizes)
    {
        var parser = new RespParser();
        var text = new StringBuilder();
        var (from, to) = (0, 0);
        try
        {
            for (var i = 0; to < input.Length; i++)
            {
                to = Math.Min(input.Length, to + sizes[Math.Min(i, sizes.Length - 1)]);
                while (true)
                {
                    var whole = parser.TryRead(input[from..to], out var consumed, out var value);
                    from += consumed;
                    if (!whole)
                        break;
                    Print(value, text);
                }
            }
        }
        catch (RespException)
        {
            text.Append('!');
        }
        return text.ToString();
    }

    private static void Print(in RespValue value, StringBuilder text)
    {
        switch (value.Kind)
        {
            case RespKind.Nothing:
                text.Append('~');
                break;
            case RespKind.Number:
                text.Append(CultureInfo.InvariantCulture, $"#{value.Number}");
                break;
            case RespKind.List:
                text.Append('[');
                foreach (var item in value.Items)
                    Print(item, text);
                text.Append(']');
                break;
            default:
                text.Append(value.Kind).Append('(').Append(Latin(value.Bytes)).Append(')');
                break;
        }
    }

    private static string Second(string input)
    {
        var text = new StringBuilder();
        var at = 0;
        while (at < input.Length)
        {
            var one = new StringBuilder();
            var items = 0;
            switch (Descend(input, ref at, 0, ref items, one))
            {
                case true:
                    text.Append(one);
                    break;
                case false:
                    return text + "!";
                default:
                    return text.ToString();
            }
        }
        return text.ToString();
    }

    /// <summary>False: wrong. Null: not all there.</summary>
    private static bool? Descend(string input, ref int at, int depth, ref int items, StringBuilder text)
    {
        var end = input.IndexOf('\n', at, Math.Min(RespParser.LongestLine, input.Length - at));
        if (end < 0)
            return input.Length - at < RespParser.LongestLine ? null : false;
        var line = input[at..(end + 1)];
        if (!OneLine().IsMatch(line))
            return false;
        var word = line[1..^2];
        at = end + 1;
        switch (line[0])
        {
            case '+':
                text.Append("Text(").Append(word).Append(')');
                return true;
            case '-':
                text.Append("Error(").Append(word).Append(')');
                return true;
        }
        if (!Digits().IsMatch(word) || BigInteger.Parse(word, CultureInfo.InvariantCulture) is var number && (number < long.MinValue || number > long.MaxValue))
            return false;
        switch (line[0])
        {
            case ':':
                text.Append('#').Append(number);
                return true;
            case '$' when number < -1 || number > RespParser.LongestBulk:
            case '*' when number < -1 || number > RespParser.MostItems:
                return false;
            case '$' or '*' when number == -1:
                text.Append('~');
                return true;
            case '$':
                var rest = input[at..];
                var length = (int)number;
                if (rest.Length > length && rest[length] != '\r' || rest.Length > length + 1 && rest[length + 1] != '\n')
                    return false;
                if (rest.Length < length + 2)
                    return null;
                text.Append("Bulk(").Append(rest, 0, length).Append(')');
                at += length + 2;
                return true;
            default:
                text.Append('[');
                if (number > 0 && (depth == RespParser.Deepest || (items += (int)number) > RespParser.MostItems))
                    return false;
                for (var i = 0; i < number; i++)
                {
                    if (at == input.Length)
                        return null;
                    if (Descend(input, ref at, depth + 1, ref items, text) is not true and var halt)
                        return halt;
                }
                text.Append(']');
                return true;
        }
    }

    public void Dispose() => ((IDisposable)_bytes).Dispose();

    [GeneratedRegex(@"\A[-+:$*][^\r\n]*\r\n\z")]
    private static partial Regex OneLine();

    [GeneratedRegex(@"\A-?[0-9]{1,19}\z")]
    private static partial Regex Digits();
}
