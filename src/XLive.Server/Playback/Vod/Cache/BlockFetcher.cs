using Microsoft.Extensions.Logging;
using XLive.Server.Playback.Vod.Origin;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// Brings blocks: each once, whoever wants it, and detached from all of them: a viewer who leaves ends nobody's download. Blocks of one object
/// are put together only under its strong tag (RFC 9111 section 3.4).
/// </summary>
internal sealed partial class BlockFetcher(PatientOrigins origins, BlockBudget budget, CacheFigures figures, ILogger<BlockFetcher> log, DiskCache? disk = null)
{
    // A player that is still there asks again within this; one that has left, or sought elsewhere, must not have the rest of eight megabytes
    // stand in the way of others: on a link of 10 Mbit/s that was six seconds for each who looked in.
    private const long Unwanted = 2000;

    // The second viewer of a block is asked about, and one in so many after him: it may have gone from the disk meanwhile.
    private const int Again = 16;

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

    /// <summary>What its viewer will soon want: up to so many blocks in one request. Each request of its own would begin with a pause of a round trip.</summary>
    public void Prefetch(StoredObject of, int index, int most)
    {
        if (of.Head.StrongTag is null)
            return;
        // A small memory is not for one viewer.
        most = (int)Math.Clamp(budget.Limit / 16 / Block.Size, 1, most);
        var blocks = new List<Block>(most);
        for (; blocks.Count < most && index < of.BlockCount && !of.Has(index); index++)
        {
            var isOnDisk = disk is not null && of.Place is { } place && disk.MayHold(place, index);
            if (isOnDisk && blocks.Count > 0)
                break;
            if (budget.TryTake(of, index, of.LengthOf(index)) is not { } block)
                break;
            if (!of.TryPlace(block))
            {
                block.Release();
                break;
            }
            if (isOnDisk)
            {
                // From there each comes by itself, and at once.
                _ = FetchAsync(of, block);
                return;
            }
            blocks.Add(block);
        }
        if (blocks.Count > 0)
            _ = FetchAsync(of, blocks);
    }

    private async Task FetchAsync(StoredObject of, List<Block> blocks)
    {
        var (first, last) = (blocks[0], blocks[^1]);
        var offset = (long)first.Index << Block.Bits;
        OriginReply reply;
        try
        {
            reply = await OpenPartAsync(of, offset, ((long)last.Index << Block.Bits) + last.Length - offset);
        }
        catch (Exception e)
        {
            foreach (var block in blocks)
            {
                Lost(of, block, e);
                block.Release();
            }
            return;
        }
        await FillAsync(of, blocks, reply);
    }

    /// <summary>Has a hold of its own on the block.</summary>
    private async Task FetchAsync(StoredObject of, Block block)
    {
        var first = (long)block.Index << Block.Bits;
        try
        {
            if (disk is not null && of.Place is { } place && await disk.ReadAsync(of, place, block))
                return;
            await using var reply = await OpenPartAsync(of, first, block.Length);
            of.Want();
            if (await ReadAsync(of, reply, [block], 0))
                disk?.Offer(of, block, again: false);
            else
                Leave(of, block);
        }
        catch (DiskSilentException e)
        {
            // The read may end later, and in this memory: those who wait take another block, and the origin's bytes.
            of.Forget(block);
            block.Fail(e);
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

    /// <summary>False: nobody wants it any more, nor what follows, and it would take long.</summary>
    private async ValueTask<bool> ReadAsync(StoredObject of, OriginReply reply, List<Block> blocks, int at)
    {
        var block = blocks[at];
        var (began, had) = (Environment.TickCount64, block.Filled);
        while (!block.IsWhole)
        {
            if (IsLeft(of, blocks, at) && TimeLeft(block, began, had) > Unwanted)
                return false;
            var got = await reply.ReadAsync(block.Rest, CancellationToken.None);
            if (got == 0)
                throw new OriginException(OriginFault.BrokenOff, "the body ended before its length");
            figures.Filled(got);
            block.Grow(got);
        }
        return true;
    }

    private static long TimeLeft(Block block, long began, int had) =>
        (Environment.TickCount64 - began) * (block.Length - block.Filled) / Math.Max(1, block.Filled - had);

    private static bool IsUnwanted(StoredObject of) => Environment.TickCount64 - of.LastWanted > Unwanted;

    /// <summary>Fills these blocks one after the other with a reply that begins with the first of them; they are held for this, and the reply is disposed here.</summary>
    public async Task FillAsync(StoredObject of, List<Block> blocks, OriginReply reply)
    {
        var at = 0;
        try
        {
            of.Want();
            while (at < blocks.Count)
            {
                var block = blocks[at];
                if ((at > 0 && IsLeft(of, blocks, at)) || !await ReadAsync(of, reply, blocks, at))
                {
                    for (; at < blocks.Count; at++)
                    {
                        Leave(of, blocks[at]);
                        blocks[at].Release();
                    }
                    return;
                }
                if (block.IsWanted)
                    of.Want();
                disk?.Offer(of, block, again: false);
                at++;
                block.Release();
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

    private static bool IsLeft(StoredObject of, List<Block> blocks, int from)
    {
        if (of.IsIndivisible || !IsUnwanted(of))
            return false;
        for (var i = from; i < blocks.Count; i++)
        {
            if (blocks[i].IsWanted)
                return false;
        }
        return true;
    }

    private static void Leave(StoredObject of, Block block)
    {
        of.Forget(block);
        block.Fail(new BlockLeftException());
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

    /// <summary>A viewer turns to a block that is here: what is wanted again is worth its place on disk.</summary>
    public void TurnTo(StoredObject of, Block block)
    {
        if (disk is null)
            return;
        block.Readers++;
        if (block.OnDisk is { IsGone: false } there)
            there.Used();
        else if (block.Readers % Again == 2)
            disk.Offer(of, block, again: true);
    }

    /// <summary>Somebody will come for it: its place on disk is worth as much as if two had.</summary>
    /// <returns>False: it is not there yet, and may still find no room among what waits.</returns>
    public bool Keep(StoredObject of, Block block)
    {
        if (disk is null)
            return true;
        block.Readers = Math.Max(block.Readers, 2);
        if (block.OnDisk is not { IsGone: false } there)
            return disk.Offer(of, block, again: true);
        there.Used();
        return true;
    }

    [LoggerMessage(LogLevel.Error, "{Path}: filling the cache failed")]
    private partial void LogUnexpected(string path, Exception e);
}
