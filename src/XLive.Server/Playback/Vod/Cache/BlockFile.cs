using System.Buffers.Binary;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// A block as it lies on disk: 128 bytes that say whose it is, with a checksum for each 64 KiB and one for themselves, then its bytes. A file that
/// is another's, an older version's, cut or changed anywhere does not agree with what it is opened for.
/// </summary>
internal static class BlockFile
{
    public const int HeadSize = 128;
    public const int PieceSize = 64 * 1024;

    private const int Pieces = Block.Size / PieceSize;
    private const uint Magic = 0x42434C58; // "XLCB"
    private const uint Format = 1;
    private const int SumsAt = 48;
    private const int OwnSumAt = HeadSize - sizeof(uint);

    public static void WriteHead(Span<byte> head, in DiskName name, long objectLength, ReadOnlySpan<byte> body)
    {
        head.Clear();
        WriteOwner(head, name, objectLength, body.Length);
        for (var piece = 0; piece * PieceSize < body.Length; piece++)
            BinaryPrimitives.WriteUInt32LittleEndian(head[(SumsAt + 4 * piece)..], Crc32C.Of(PieceOf(body, piece)));
        BinaryPrimitives.WriteUInt32LittleEndian(head[OwnSumAt..], Crc32C.Of(head[..OwnSumAt]));
    }

    private static void WriteOwner(Span<byte> head, in DiskName name, long objectLength, int length)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(head, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(head[4..], Format);
        BinaryPrimitives.WriteUInt128LittleEndian(head[8..], name.Key);
        BinaryPrimitives.WriteUInt64LittleEndian(head[24..], name.Version);
        BinaryPrimitives.WriteInt64LittleEndian(head[32..], objectLength);
        BinaryPrimitives.WriteInt32LittleEndian(head[40..], name.Index);
        BinaryPrimitives.WriteInt32LittleEndian(head[44..], length);
    }

    /// <summary>Are these the first bytes of just this block?</summary>
    public static bool IsHeadOf(ReadOnlySpan<byte> head, in DiskName name, long objectLength, int length)
    {
        if (head.Length < HeadSize || BinaryPrimitives.ReadUInt32LittleEndian(head[OwnSumAt..]) != Crc32C.Of(head[..OwnSumAt]))
            return false;
        Span<byte> owner = stackalloc byte[SumsAt];
        WriteOwner(owner, name, objectLength, length);
        return head[..SumsAt].SequenceEqual(owner);
    }

    /// <summary>Does the piece agree with the head's checksum of it? Under a head that was looked at.</summary>
    public static bool Agrees(ReadOnlySpan<byte> head, int piece, ReadOnlySpan<byte> bytes) =>
        (uint)piece < Pieces && BinaryPrimitives.ReadUInt32LittleEndian(head[(SumsAt + 4 * piece)..]) == Crc32C.Of(bytes);

    public static bool AllAgree(ReadOnlySpan<byte> head, ReadOnlySpan<byte> body)
    {
        for (var piece = 0; piece * PieceSize < body.Length; piece++)
        {
            if (!Agrees(head, piece, PieceOf(body, piece)))
                return false;
        }
        return true;
    }

    private static ReadOnlySpan<byte> PieceOf(ReadOnlySpan<byte> body, int piece) => body.Slice(piece * PieceSize, Math.Min(PieceSize, body.Length - piece * PieceSize));
}
