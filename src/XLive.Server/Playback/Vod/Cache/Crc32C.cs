using System.Numerics;
using System.Runtime.InteropServices;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// The checksum of what lies on disk: Castagnoli's polynomial, for which processors have an instruction (8 bytes in 3 cycles). It finds what
/// disks and crashes do; against somebody who writes into the folder only its mode protects.
/// </summary>
internal static class Crc32C
{
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
            crc = BitOperations.Crc32C(crc, word);
        foreach (var rest in bytes[(words.Length * sizeof(ulong))..])
            crc = BitOperations.Crc32C(crc, rest);
        return ~crc;
    }
}
