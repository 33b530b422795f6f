using System.Text;

namespace XLive.Fuzz.Inputs;

/// <summary>Bits as a text of 0 and 1: slow, and told in another way than a reader that shifts.</summary>
internal sealed class BitText
{
    private readonly StringBuilder _written = new();
    private string _bits = "";
    private int _at;

    public bool HasFailed { get; private set; }

    public int Left => _bits.Length - _at;

    public static BitText Of(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length * 8);
        foreach (var value in bytes)
            text.Append(Convert.ToString(value, 2).PadLeft(8, '0'));
        return new BitText { _bits = text.ToString() };
    }

    /// <summary>0 beyond the end.</summary>
    public ulong Take(int count)
    {
        ulong value = 0;
        for (; count > 0; count--)
        {
            HasFailed |= _at >= _bits.Length;
            value = (value * 2) + (_at < _bits.Length && _bits[_at] == '1' ? 1u : 0);
            _at += _at < _bits.Length ? 1 : 0;
        }
        return value;
    }

    public ulong Golomb()
    {
        var zeros = _at;
        while (zeros < _bits.Length && _bits[zeros] == '0')
            zeros++;
        var count = zeros - _at;
        if (count > 31 || zeros == _bits.Length)
        {
            HasFailed = true;
            _at = _bits.Length;
            return 0;
        }
        _at = zeros;
        return Take(count + 1) - 1;
    }

    public long SignedGolomb()
    {
        var code = (long)Golomb();
        return code % 2 == 1 ? (code + 1) / 2 : -(code / 2);
    }

    public BitText Put(ulong value, int count)
    {
        for (var i = count - 1; i >= 0; i--)
            _written.Append((value >> i) % 2 == 1 ? '1' : '0');
        return this;
    }

    public BitText PutGolomb(ulong value)
    {
        var length = Convert.ToString((long)value + 1, 2).Length;
        return Put(0, length - 1).Put(value + 1, length);
    }

    public byte[] Bytes()
    {
        while (_written.Length % 8 != 0)
            _written.Append('0');
        var bytes = new byte[_written.Length / 8];
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = Convert.ToByte(_written.ToString(i * 8, 8), 2);
        return bytes;
    }
}
