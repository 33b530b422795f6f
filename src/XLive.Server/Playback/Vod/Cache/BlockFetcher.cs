using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Sending;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// Brings blocks: each once, whoever wants it, and detached from all of them: a viewer who leaves ends nobody's download. Blocks of one object
/// are put together only under its strong tag (RFC 9111 section 3.4).
/// </summary>
internal sealed partial class BlockFetcher(PatientOrigins origins, BlockBudget budget, CacheFigures figures, ILogger<BlockFetcher> log)
{
    // Small enough that a thousand viewers for whom there is no block fit into what one core's socket buffers take, and at the usual
    // 64 KiB/s a second's worth.
    private const int WindowSize = 64 * 1024;

    /// <summary>The block, held for the caller; null when there is no memory for it.</summary>
    public async ValueTask<Block?> HoldAsync(StoredObject of, int index)
    {
        while (true)
        {
            if (of.Hold(index) is { } here)
                return here;
            if (of.Head.StrongTag is null)
                throw new IOException("the rest is gone, and the origin gives no strong ETag to ask for it by");
            var block = budget.TryTake(of, index, of.LengthOf(index));
            if (block is null)
                return null;
            if (!of.TryPlace(block))
            {
                // The queues drop it in their turn.
                block.Release();
                await Task.Yield();
                continue;
            }
            block.TryHold();
            _ = FetchAsync(of, block);
            return block;
        }
    }

    public void Prefetch(StoredObject of, int index)
    {
        if (index >= of.BlockCount || of.Has(index) || of.Head.StrongTag is null || budget.TryTake(of, index, of.LengthOf(index)) is not { } block)
            return;
        if (of.TryPlace(block))
            _ = FetchAsync(of, block);
        else
            block.Release();
    }

    /// <summary>Has a hold of its own on the block.</summary>
    private async Task FetchAsync(StoredObject of, Block block)
    {
        var first = (long)block.Index << Block.Bits;
        try
        {
            await using var reply = await OpenPartAsync(of, first, block.Length);
            await ReadAsync(reply, block);
        }
        catch (Exception e)
        {
            Lost(of, block, e);
        }
        finally
        {
            block.Release();
        }
    }

    private static OriginRequest Part(StoredObject of, long first, long length) =>
        new(of.Path, of.Query, OriginKind.Media) { First = first, Last = first + length - 1, IfMatchTag = of.Head.StrongTag, Headers = of.SentHeaders };

    private async ValueTask<OriginReply> OpenPartAsync(StoredObject of, long first, long length)
    {
        var reply = await origins.OpenAsync(Part(of, first, length), CancellationToken.None);
        try
        {
            // The body of an error is as long as the block, or longer, where the block is the end of a film.
            if (reply.Status is not (StatusCodes.Status200OK or StatusCodes.Status206PartialContent))
                throw new OriginException(reply.Status < 500 ? OriginFault.Changed : OriginFault.BadAnswer, $"status {reply.Status} for a part of what was there");
            await SkipToAsync(reply, first);
            return reply;
        }
        catch
        {
            await reply.DisposeAsync();
            throw;
        }
    }

    // An origin without ranges answers with all of it.
    private static async ValueTask SkipToAsync(OriginReply reply, long first)
    {
        using var bin = new Discard();
        for (var at = reply.First; at < first;)
        {
            var got = await reply.ReadAsync(bin.Memory[..(int)Math.Min(first - at, bin.Memory.Length)], CancellationToken.None);
            if (got == 0)
                throw new OriginException(OriginFault.BrokenOff, "the body ended before the part that was asked for");
            at += got;
        }
    }

    private sealed class Discard : IDisposable
    {
        private readonly byte[] _bytes = ArrayPool<byte>.Shared.Rent(64 * 1024);

        public Memory<byte> Memory => _bytes;

        public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);
    }

    private async ValueTask ReadAsync(OriginReply reply, Block block)
    {
        while (!block.IsWhole)
        {
            var got = await reply.ReadAsync(block.Rest, CancellationToken.None);
            if (got == 0)
                throw new OriginException(OriginFault.BrokenOff, "the body ended before its length");
            figures.Filled(got);
            block.Grow(got);
        }
    }

    /// <summary>Fills these blocks one after the other with a reply that begins with the first of them; they are held for this, and the reply is disposed here.</summary>
    public async Task FillAsync(StoredObject of, List<Block> blocks, OriginReply reply)
    {
        var at = 0;
        try
        {
            for (; at < blocks.Count; at++)
            {
                await ReadAsync(reply, blocks[at]);
                blocks[at].Release();
            }
            if (blocks[^1].Index == of.BlockCount - 1)
                await ExpectEndAsync(of, reply);
        }
        catch (Exception e)
        {
            for (; at < blocks.Count; at++)
            {
                Lost(of, blocks[at], e);
                blocks[at].Release();
            }
        }
        finally
        {
            await reply.DisposeAsync();
        }
    }

    // The connection goes back to the pool when its end was read, and an answer that goes on is a lie about all of it.
    private static async ValueTask ExpectEndAsync(StoredObject of, OriginReply reply)
    {
        using var bin = new Discard();
        try
        {
            if (await reply.ReadAsync(bin.Memory, CancellationToken.None) > 0)
                of.Leave();
        }
        catch (OriginException)
        {
            of.Leave();
        }
    }

    private void Lost(StoredObject of, Block block, Exception e)
    {
        if (e is OriginException { Fault: OriginFault.Changed })
            of.Leave();
        if (e is not OriginException)
            LogUnexpected(of.Path, e);
        of.MarkBroken();
        of.Forget(block);
        block.Fail(e is OriginException ? e : new OriginException(OriginFault.BrokenOff, e.Message));
    }

    /// <summary>For one viewer, and kept nowhere.</summary>
    public async ValueTask<BodyPiece> WindowAsync(StoredObject of, long offset, long most)
    {
        figures.Window();
        var length = (int)Math.Min(Math.Min(most, WindowSize), of.Length - offset);
        var piece = new NativePiece(length);
        try
        {
            await using var reply = await OpenPartAsync(of, offset, length);
            for (var done = 0; done < length;)
            {
                var got = await reply.ReadAsync(piece.Memory[done..length], CancellationToken.None);
                if (got == 0)
                    throw new OriginException(OriginFault.BrokenOff, "the body ended before its length");
                done += got;
            }
            return new BodyPiece(piece.Memory[..length], piece);
        }
        catch (Exception e)
        {
            piece.Release();
            if (e is OriginException { Fault: OriginFault.Changed })
                of.Leave();
            throw e is OriginException ? new IOException(e.Message, e) : e;
        }
    }

    [LoggerMessage(LogLevel.Error, "{Path}: filling the cache failed")]
    private partial void LogUnexpected(string path, Exception e);
}
