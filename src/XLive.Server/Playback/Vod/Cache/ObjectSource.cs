using System.Buffers;
using System.Runtime.InteropServices;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Sending;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>An object's body for one viewer: from its blocks, from those that are coming, and where there is no memory for one from the origin in small pieces.</summary>
internal sealed class ObjectSource(BlockFetcher fetcher, StoredObject from) : BodySource
{
    // A viewer who takes a block within this is asked for the next one before he needs it.
    private const long Brisk = 2000;

    private long _began;
    private int _last = -1;

    public override ValueTask<BodyPiece> ReadAsync(long offset, long most)
    {
        var index = (int)(offset >> Block.Bits);
        if (from.Hold(index) is { } block)
        {
            if (block.Filled > ((int)offset & (Block.Size - 1)))
            {
                TurnTo(index, most);
                return new(PieceOf(block, offset, most));
            }
            block.Release();
        }
        return ComeAsync(index, offset, most);
    }

    private async ValueTask<BodyPiece> ComeAsync(int index, long offset, long most)
    {
        var block = await fetcher.HoldAsync(from, index);
        if (block is null)
            return await fetcher.WindowAsync(from, offset, most);
        TurnTo(index, most);
        try
        {
            await block.MoreThanAsync((int)offset & (Block.Size - 1));
        }
        catch (OriginException e)
        {
            block.Release();
            throw new IOException(e.Message, e);
        }
        return PieceOf(block, offset, most);
    }

    private void TurnTo(int index, long most)
    {
        if (_last == index)
            return;
        var now = Environment.TickCount64;
        if (_last >= 0 && now - _began < Brisk && most > Block.Size)
            fetcher.Prefetch(from, index + 1);
        (_last, _began) = (index, now);
    }

    private static BodyPiece PieceOf(Block block, long offset, long most)
    {
        var within = (int)offset & (Block.Size - 1);
        return new BodyPiece(block.Read(within, (int)Math.Min(block.Filled, within + most)), block);
    }
}

/// <summary>A reply that nobody else may have: read as the viewer takes it, and never ahead of him.</summary>
internal sealed class ReplySource(OriginReply reply, int pieceSize, CancellationToken aborted) : BodySource
{
    public override async ValueTask<BodyPiece> ReadAsync(long offset, long most)
    {
        var piece = new NativePiece((int)Math.Min(most, pieceSize));
        try
        {
            var got = await reply.ReadAsync(piece.Memory[..(int)Math.Min(most, piece.Memory.Length)], aborted);
            if (got == 0)
                throw new IOException("the origin's body is shorter than it said");
            return new BodyPiece(piece.Memory[..got], piece);
        }
        catch (Exception e)
        {
            piece.Release();
            throw e is OriginException ? new IOException(e.Message, e) : e;
        }
    }
}

/// <summary>
/// Memory for one piece, from the C library's heap: of a thousand pieces that slow viewers hold, ArrayPool keeps a few dozen, and the rest would be
/// 64 MB of garbage a second.
/// </summary>
internal sealed unsafe class NativePiece(int size) : MemoryManager<byte>, IBodyOwner
{
    private byte* _bytes = (byte*)NativeMemory.Alloc((nuint)size);

    public void Release()
    {
        NativeMemory.Free(_bytes);
        _bytes = null;
    }

    public override Span<byte> GetSpan() => new(_bytes, size);

    public override MemoryHandle Pin(int elementIndex = 0) => new(_bytes + elementIndex);

    public override void Unpin()
    {
    }

    // Released by whoever was given it.
    protected override void Dispose(bool disposing)
    {
    }
}
