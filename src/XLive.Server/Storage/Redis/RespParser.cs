namespace XLive.Server.Storage.Redis;

/// <summary>
/// Reads RESP2 (the form that every server since Redis 1.2 speaks until it is asked for another). Bytes in, values out; it may be fed in any
/// pieces, and keeps what is half there. Nothing is made on the word of a length: a bulk and a list grow as their bytes come.
/// </summary>
public sealed class RespParser
{
    /// <summary>Of a status, an error or a length; Redis' own errors stay below a kilobyte.</summary>
    public const int LongestLine = 4096;

    /// <summary>No value of ours is longer, and Redis would send half a gigabyte.</summary>
    public const int LongestBulk = 1 << 20;

    /// <summary>Lists within lists. CLUSTER SLOTS has four.</summary>
    public const int Deepest = 8;

    /// <summary>Of one answer, with all its lists'.</summary>
    public const int MostItems = 1 << 16;

    /// <summary>Of one answer, all its lines and bulks together.</summary>
    public const int MostBytes = 8 << 20;

    private readonly List<Level> _levels = new(Deepest);
    private byte[] _bulk = [];
    private int _bulkFilled;
    private int _bulkLength = -1;
    private int _items;
    private int _bytes;

    /// <summary>
    /// True: a whole answer. False: more is needed, and what was consumed need not be shown again; of what was not, as much as
    /// <see cref="LongestLine"/> must find room beside what comes.
    /// </summary>
    /// <exception cref="RespException">The bytes are no answer. The parser is of no use afterwards.</exception>
    public bool TryRead(ReadOnlySpan<byte> input, out int consumed, out RespValue value)
    {
        consumed = 0;
        while (true)
        {
            var opened = false;
            if (!(_bulkLength >= 0 ? Bulk(input, ref consumed, out value) : Line(input, ref consumed, out value, out opened)))
                return false;
            if (opened)
                continue;
            // A value ends the lists that it is the last of.
            while (true)
            {
                if (_levels.Count == 0)
                {
                    (_items, _bytes) = (0, 0);
                    return true;
                }
                var level = _levels[^1];
                if (!level.Add(value))
                    break;
                _levels.RemoveAt(_levels.Count - 1);
                value = level.Close();
            }
        }
    }

    private bool Line(ReadOnlySpan<byte> input, ref int consumed, out RespValue value, out bool opened)
    {
        (value, opened) = (default, false);
        var rest = input[consumed..];
        var window = rest.Length > LongestLine ? rest[..LongestLine] : rest;
        var end = window.IndexOf((byte)'\n');
        if (end < 0)
            return rest.Length < LongestLine ? false : throw new RespException($"a line is longer than {LongestLine} bytes");
        if (end < 2 || window[end - 1] != '\r' || window[..(end - 1)].Contains((byte)'\r'))
            throw new RespException("a line does not end in CR LF");
        Count(end);
        consumed += end + 1;
        var text = window[1..(end - 1)];
        switch (window[0])
        {
            case (byte)'+':
                value = RespValue.OfText(text.ToArray());
                return true;
            case (byte)'-':
                value = RespValue.OfError(text.ToArray());
                return true;
            case (byte)':':
                value = TryNumber(text, out var number) ? RespValue.OfNumber(number) : throw new RespException("an integer is none");
                return true;
            case (byte)'$':
                var length = Length(text, LongestBulk, "bulk");
                return length < 0 || OpenBulk(length, input, ref consumed, out value);
            case (byte)'*':
                return OpenList(Length(text, MostItems, "list"), out value, out opened);
            default:
                throw new RespException("an answer begins with no sign of RESP2");
        }
    }

    private static int Length(ReadOnlySpan<byte> text, int most, string what)
    {
        if (!TryNumber(text, out var length) || length < -1)
            throw new RespException($"a {what} has no length");
        return length <= most ? (int)length : throw new RespException($"a {what} of {length} is more than the {most} that are taken");
    }

    private bool OpenBulk(int length, ReadOnlySpan<byte> input, ref int consumed, out RespValue value)
    {
        Count(length);
        (_bulkLength, _bulkFilled) = (length, 0);
        return Bulk(input, ref consumed, out value);
    }

    private bool Bulk(ReadOnlySpan<byte> input, ref int consumed, out RespValue value)
    {
        value = default;
        var rest = input[consumed..];
        var take = Math.Min(_bulkLength - _bulkFilled, rest.Length);
        if (take > 0)
        {
            if (_bulk.Length < _bulkFilled + take)
                Array.Resize(ref _bulk, Math.Min(_bulkLength, Math.Max(_bulkFilled + take, 2 * _bulk.Length)));
            rest[..take].CopyTo(_bulk.AsSpan(_bulkFilled));
            _bulkFilled += take;
            consumed += take;
            rest = rest[take..];
        }
        if (_bulkFilled < _bulkLength || rest.Length < 2)
        {
            if (_bulkFilled == _bulkLength && rest.Length == 1 && rest[0] != '\r')
                throw new RespException("a bulk is longer than its length");
            return false;
        }
        if (!rest[..2].SequenceEqual("\r\n"u8))
            throw new RespException("a bulk is longer than its length");
        consumed += 2;
        value = RespValue.OfBulk(_bulk.Length == _bulkLength ? _bulk : _bulk.AsSpan(0, _bulkLength).ToArray());
        (_bulk, _bulkLength) = ([], -1);
        return true;
    }

    private bool OpenList(int count, out RespValue value, out bool opened)
    {
        value = count < 0 ? RespValue.OfNothing : RespValue.OfList([]);
        opened = count > 0;
        if (!opened)
            return true;
        if (_levels.Count == Deepest)
            throw new RespException($"lists lie deeper than {Deepest}");
        _items += count;
        if (_items > MostItems)
            throw new RespException($"an answer has more than {MostItems} items");
        _levels.Add(new Level(count));
        return true;
    }

    private void Count(int bytes)
    {
        _bytes += bytes;
        if (_bytes > MostBytes)
            throw new RespException($"an answer is longer than {MostBytes} bytes");
    }

    /// <summary>As Redis writes one: an optional minus, digits, 64 bits. The base library would also take a plus, blanks and NULs.</summary>
    internal static bool TryNumber(ReadOnlySpan<byte> text, out long number)
    {
        number = 0;
        var negative = text.Length > 0 && text[0] == '-';
        var digits = negative ? text[1..] : text;
        if (digits.Length is 0 or > 19)
            return false;
        ulong sum = 0;
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9')
                return false;
            sum = (sum * 10) + digit - '0';
        }
        if (sum > long.MaxValue + (negative ? 1UL : 0))
            return false;
        number = negative ? unchecked(-(long)sum) : (long)sum;
        return true;
    }

    /// <summary>A list that is being filled.</summary>
    private sealed class Level(int count)
    {
        private RespValue[] _items = [];
        private int _filled;

        /// <summary>True when it is full now.</summary>
        public bool Add(in RespValue value)
        {
            if (_filled == _items.Length)
                Array.Resize(ref _items, Math.Min(count, Math.Max(4, 2 * _filled)));
            _items[_filled++] = value;
            return _filled == count;
        }

        public RespValue Close() => RespValue.OfList(_items);
    }
}
