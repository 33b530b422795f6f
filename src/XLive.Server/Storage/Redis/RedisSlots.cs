using System.Text;

namespace XLive.Server.Storage.Redis;

/// <summary>Which part of a cluster's keys a key belongs to.</summary>
public static class RedisSlots
{
    public const int Count = 16384;

    private static readonly ushort[] Table = BuildTable();

    /// <summary>CRC-16/XMODEM of the key, or of what stands in its first braces, so that keys of one tag lie together.</summary>
    public static int Of(ReadOnlySpan<char> key)
    {
        var open = key.IndexOf('{');
        if (open >= 0 && key[(open + 1)..].IndexOf('}') is > 0 and var length)
            key = key.Slice(open + 1, length);
        Span<byte> bytes = key.Length <= 256 ? stackalloc byte[768] : new byte[3 * key.Length];
        ushort crc = 0;
        foreach (var b in bytes[..Encoding.UTF8.GetBytes(key, bytes)])
            crc = (ushort)((crc << 8) ^ Table[(crc >> 8) ^ b]);
        return crc & (Count - 1);
    }

    private static ushort[] BuildTable()
    {
        var table = new ushort[256];
        for (var i = 0; i < table.Length; i++)
        {
            var crc = i << 8;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
            table[i] = (ushort)crc;
        }
        return table;
    }
}
