using System.Buffers;
using System.Runtime.InteropServices;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Sending;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>An object's body for one viewer: from its blocks, from those that are coming, and where there is no memory for one from the origin in small pieces.</summary>
internal sealed class ObjectSource(BlockFetcher fetcher, StoredObject from) : BodySource, IDisposable
{
    // For a viewer who takes a block within this, or who has waited for most of it, the next ones are asked for before he needs them.
    private const long Brisk = 2000;

    // As many as come with the first request, at most.
    private const int MostAhead = 8;

    private long _began;
    private int _last = -1;
    private int _ahead = 1;
    private long _waited;
    private BodyPiece _first;
    private long _firstAt = -1;

    /// <summary>Has what is to be sent first in hand, before the head says that all is well.</summary>
    public async ValueTask BringAsync(long offset, long most)
    {
        _first = await ReadAsync(offset, most);
        _firstAt = offset;
    }

    public override ValueTask<BodyPiece> ReadAsync(long offset, long most)
    {
        if (_firstAt >= 0 && _firstAt == offset && _first.Bytes.Length <= most)
        {
            _firstAt = -1;
            return new(_first);
        }
        from.Want();
        var index = (int)(offset >> Block.Bits);
        if (from.Hold(index) is { } block)
        {
            if (block.Filled > ((int)offset & (Block.Size - 1)))
            {
                TurnTo(index, block, most);
                return new(PieceOf(block, offset, most));
            }
            block.Release();
        }
        return ComeAsync(index, offset, most);
    }

    private async ValueTask<BodyPiece> ComeAsync(int index, long offset, long most)
    {
        while (true)
        {
            var block = await fetcher.HoldAsync(from, index);
            if (block is null)
                return await fetcher.WindowAsync(from, offset, most);
            TurnTo(index, block, most);
            try
            {
                var began = Environment.TickCount64;
                await block.MoreThanAsync((int)offset & (Block.Size - 1));
                _waited += Environment.TickCount64 - began;
                return PieceOf(block, offset, most);
            }
            catch (Exception e) when (e is BlockLeftException or DiskSilentException)
            {
                // Another block takes its place, from the origin where the disk does not answer.
                block.Release();
            }
            catch (OriginException e)
            {
                block.Release();
                throw new IOException(e.Message, e);
            }
        }
    }

    private void TurnTo(int index, Block block, long most)
    {
        if (_last == index)
            return;
        fetcher.TurnTo(from, block);
        var now = Environment.TickCount64;
        var took = now - _began;
        var isBrisk = _last >= 0 && (took < Brisk || _waited > took / 2);
        _ahead = isBrisk ? Math.Min(_ahead * 2, MostAhead) : 1;
        if (isBrisk && most > Block.Size)
            fetcher.Prefetch(from, index + 1, (int)Math.Min(_ahead, (most - 1) >> Block.Bits));
        (_last, _began, _waited) = (index, now, 0);
    }

    /// <summary>Gives back what was brought and never sent.</summary>
    public void Dispose()
    {
        if (_firstAt < 0)
            return;
        _firstAt = -1;
        _first.Owner.Release();
    }

    private static BodyPiece PieceOf(Block block, long offset, long most)
    {
        var within = (int)offset & (Block.Size - 1);
        return block.Piece(within, (int)Math.Min(Block.Size, within + most));
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
