using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Http;
using XLive.Server.Playback.Vod.Origin;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>What becomes of an origin's reply: an object in blocks that are still coming, one that was read whole, or a reply for the one who asked.</summary>
internal sealed class Intake(CachePolicies policies, BlockBudget budget, BlockFetcher fetcher, WholeObjects objects, Shelves shelves, CacheFigures figures,
    TimeProvider clock, DiskCache? disk)
{
    // Playlists, keys and subtitles are read whole before they are answered with, and so is what has no length.
    private const long LargestWhole = 8L * Block.Size;

    // Positions in blocks are an int; no film is a pebibyte.
    private const long Longest = 1L << 50;

    private static readonly TimeSpan PassFor = TimeSpan.FromMinutes(2);

    public WholeBodies Whole { get; } = new(budget);

    /// <summary>Of an object of which nothing is here so many bytes come in one request: a segment, and of a film no more than somebody will soon watch; a small memory is not for one film.</summary>
    public long FirstPart { get; } = Math.Clamp(budget.Limit / 16 / Block.Size, 1, 8) * Block.Size;

    /// <summary>Nothing says that two parts are of one version, or how many there are, or nobody may keep them: one reply must do.</summary>
    public static bool IsUseless(OriginReply reply, StoredHead head) =>
        reply.Status == StatusCodes.Status206PartialContent && (reply.First > 0 || reply.Length != reply.Total)
        && (head.StrongTag is null || !head.IsStorable || reply.Total is < 0 or > Longest);

    public static void PassFromNow(Shelf shelf) => shelf.PassUntil = Environment.TickCount64 + (long)PassFor.TotalMilliseconds;

    public async ValueTask<(Fetched Fetched, bool TakesReply)> TakeAsync(Wanted wanted, Shelf shelf, OriginReply reply, StoredHead head, long asked)
    {
        var isPlaylist = wanted.Kind.IsPlaylist && head.Status == StatusCodes.Status200OK;
        var length = reply.Status == StatusCodes.Status206PartialContent ? reply.Total : reply.Length;
        // An error in a playlist's place too: whoever waits beside may have it, and a crowd must not ask an origin that fails one by one.
        var isSmall = (head.IsStorable && !wanted.Kind.IsSegment) || wanted.Kind.IsPlaylist;
        if (isPlaylist || length < 0 || (isSmall && length <= LargestWhole))
            return (await ReadWholeAsync(wanted, shelf, reply, head, asked, isPlaylist), false);
        if (!head.IsStorable || length > Longest || (length > LargestWhole && !MayComeInParts(reply, head)))
            return Passing(shelf, reply, head);
        var kept = new StoredObject(wanted, head, length);
        var fills = length > 0 && StartFilling(kept, reply);
        if (!fills && kept.IsIndivisible && length > 0)
            return Passing(shelf, reply, head, remember: false);
        PutIn(shelf, kept, wanted);
        return (Fetched.Kept(kept, "XLive; fwd=miss; stored"), fills);
    }

    private void PutIn(Shelf shelf, StoredObject kept, Wanted wanted)
    {
        figures.Miss();
        if (shelves.TryPut(shelf, kept, wanted))
            disk?.Put(kept);
    }

    private static bool MayComeInParts(OriginReply reply, StoredHead head) =>
        head.StrongTag is not null && (reply.Status == StatusCodes.Status206PartialContent || reply.Header("Accept-Ranges") is "bytes");

    /// <summary>
    /// Takes the blocks that this reply brings, so that nobody else fetches them meanwhile. Where there is no memory for all of them the rest
    /// is fetched when somebody wants it; what cannot be asked for in parts must find its place at once.
    /// </summary>
    private bool StartFilling(StoredObject kept, OriginReply reply)
    {
        var first = (int)(reply.First >> Block.Bits);
        var end = reply.Length < 0 ? kept.Length : Math.Min(kept.Length, reply.First + reply.Length);
        var blocks = new List<Block>();
        for (var index = first; index < kept.BlockCount && ((long)index << Block.Bits) + kept.LengthOf(index) <= end; index++)
        {
            if ((!kept.IsIndivisible && blocks.Count << Block.Bits >= FirstPart) || budget.TryTake(kept, index, kept.LengthOf(index)) is not { } block)
                break;
            kept.TryPlace(block);
            blocks.Add(block);
        }
        if (blocks.Count == 0 || (kept.IsIndivisible && blocks.Count < kept.BlockCount))
        {
            foreach (var block in blocks)
                block.Release();
            return false;
        }
        _ = fetcher.FillAsync(kept, blocks, reply);
        return true;
    }

    private (Fetched, bool) Passing(Shelf shelf, OriginReply reply, StoredHead head, bool remember = true)
    {
        // Of an error nobody knows that the next answer is one too.
        if (remember && head.Status < StatusCodes.Status400BadRequest)
            PassFromNow(shelf);
        figures.Pass();
        return (Fetched.ForOne(reply, head), true);
    }

    public async ValueTask<Fetched> ReadWholeAsync(Wanted wanted, Shelf shelf, OriginReply reply, StoredHead head, long asked, bool isPlaylist)
    {
        using var whole = await WholeBody.ReadAsync(reply, LargestWhole, Whole, clock);
        figures.Filled(whole.Length);
        HeldPlaylist? playlist = null;
        if (isPlaylist)
        {
            if (head.Find("Content-Encoding") is { } encoding && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
                throw new OriginException(OriginFault.BadAnswer, $"a playlist came encoded as '{encoding}', though nobody asked for it");
            playlist = objects.Playlist(whole.Bytes.ToArray(), wanted.Path, reply.Origin.Name);
            if (playlist is { Template: { IsMultivariant: false, HasEndList: false } live })
            {
                var policy = policies.Of(wanted.Path, wanted.Kind, head.Status, isLive: true) with { Longest = CachePolicies.LongestLive(live) };
                head = new StoredHead(head.Status, head.Headers, policy, asked, head.Received, wanted.IsAuthorized);
            }
        }
        var kept = new StoredObject(wanted, head, whole.Length)
        {
            Origin = reply.Origin.Name, Playlist = playlist, PlaylistTag = playlist is null ? "" : WholeObjects.TagOf(whole.Bytes.Span),
        };
        if (!objects.TryFill(kept, whole.Bytes.Span))
            throw new OriginException(OriginFault.Busy, "cache.memory has no room");
        if (!head.IsStorable)
        {
            // For the one who asked: his holds stay until he has it. That a playlist is not to be stored makes it no other for those who wait.
            figures.Pass();
            return Fetched.Kept(kept, "XLive; fwd=miss") with { IsPinned = true, IsForWaiters = wanted.Kind.IsPlaylist && head.AnswersForAll && !wanted.IsAuthorized };
        }
        PutIn(shelf, kept, wanted);
        kept.Unpin();
        return Fetched.Kept(kept, "XLive; fwd=miss; stored");
    }
}
