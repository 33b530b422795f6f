using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using XLive.Media.Hls;
using XLive.Server.Playback.Http;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Sessions;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// What origins have answered (RFC 9111), by path and query. One request to the origin a key, whoever waits for it; it belongs to none of
/// them. An answer that is for one viewer alone goes to the one who asked first, the others ask for themselves, and for two minutes nobody
/// waits there for another.
/// </summary>
internal sealed partial class OriginCache
{
    // Playlists, keys and subtitles are read whole before they are answered with, and so is what has no length.
    private const long LargestWhole = 8L * Block.Size;

    // Positions in blocks are an int; no film is a pebibyte.
    private const long Longest = 1L << 50;

    private static readonly TimeSpan PassFor = TimeSpan.FromMinutes(2);

    private readonly PatientOrigins _origins;
    private readonly CachePolicies _policies;
    private readonly BlockBudget _budget;
    private readonly BlockFetcher _fetcher;
    private readonly KeyPaths _keys;
    private readonly Func<IReadOnlyList<string>> _ownHosts;
    private readonly TimeProvider _clock;
    private readonly ILogger<OriginCache> _log;
    private readonly long _firstPart;
    private readonly RecentTable<Shelf> _shelves;
    private readonly ConcurrentDictionary<string, Asking> _asking = new(StringComparer.Ordinal);
    private int _purges;

    public OriginCache(PatientOrigins origins, CachePolicies policies, BlockBudget budget, KeyPaths keys, Func<IReadOnlyList<string>> ownHosts,
        TimeProvider clock, ILogger<OriginCache> log, ILogger<BlockFetcher> fetcherLog)
    {
        (_origins, _policies, _budget, _keys, _ownHosts, _clock, _log) = (origins, policies, budget, keys, ownHosts, clock, log);
        _fetcher = new BlockFetcher(origins, budget, Figures, fetcherLog);
        // A head costs one to two kibibytes beside the budget: an eighth of it at most, and few are needed where few bytes fit.
        // A segment comes in one request, and of a film no more than somebody will soon watch; a small memory is not for one film.
        _firstPart = Math.Clamp(budget.Limit / 16 / Block.Size, 1, 8) * Block.Size;
        _shelves = new RecentTable<Shelf>((int)Math.Clamp(budget.Limit / (32 * 1024), 512, 16_384));
    }

    public CacheFigures Figures { get; } = new();
    public BlockBudget Budget => _budget;
    public BlockFetcher Fetcher => _fetcher;
    public int Count => _shelves.Count;
    public int MostObjects => _shelves.Capacity;
    public int Asked => _asking.Count;
    public int Purges => Volatile.Read(ref _purges);

    public long Now => _clock.GetUtcNow().ToUnixTimeSeconds();

    public StoredObject? Find(ReadOnlySpan<char> key, IHeaderDictionary request) => _shelves.Find(key)?.Find(request);

    /// <summary>What the origin says now. An old version that is known is asked about, not fetched again.</summary>
    public async ValueTask<Fetched> AskAsync(Wanted wanted, StoredObject? known, CancellationToken aborted)
    {
        var shelf = ShelfOf(wanted.Key);
        if (Volatile.Read(ref shelf.PassUntil) > Environment.TickCount64)
            return await PassAsync(wanted, aborted);
        var mine = new Asking();
        var asking = _asking.GetOrAdd(wanted.Key, mine);
        if (asking == mine)
            _ = RunAsync(mine, wanted, known, shelf);
        else
            Figures.Waited();
        Fetched fetched;
        try
        {
            fetched = await asking.Task.WaitAsync(aborted);
        }
        catch (OperationCanceledException) when (asking == mine)
        {
            // He has left; what was for him alone is for nobody.
            _ = DisposeLaterAsync(mine);
            throw;
        }
        if (asking == mine || fetched.Fault is not null)
            return fetched;
        // A 304 may make private what was not.
        if (fetched.Object is not { Head.AnswersForAll: true } found || fetched.IsPinned)
            return await PassAsync(wanted, aborted);
        return found.Answers(wanted.Request) ? fetched : await AskApartAsync(wanted, shelf, aborted);
    }

    private static async Task DisposeLaterAsync(Asking asking) => await (await asking.Task).DisposeAsync();

    /// <summary>In the background, unless somebody asks already.</summary>
    public void Refresh(Wanted wanted, StoredObject known)
    {
        var asking = new Asking();
        if (_asking.TryAdd(wanted.Key, asking))
            _ = RefreshAsync(asking, wanted, known);
    }

    private async Task RefreshAsync(Asking asking, Wanted wanted, StoredObject known)
    {
        await RunAsync(asking, wanted, known, ShelfOf(wanted.Key));
        await asking.Task.Result.DisposeAsync();
    }

    /// <summary>Forgets what is kept under this path, in all its forms, or under all that begin so.</summary>
    public int Purge(string path)
    {
        var gone = 0;
        Interlocked.Increment(ref _purges);
        _shelves.Visit((key, shelf) =>
        {
            if (key.StartsWith(path, StringComparison.Ordinal) && (path[^1] == '/' || key.Length == path.Length || key[path.Length] == CacheKey.Between))
                gone += shelf.Clear();
        });
        Figures.Purge(gone);
        return gone;
    }

    private Shelf ShelfOf(string key)
    {
        if (_shelves.Find(key) is { } shelf)
            return shelf;
        shelf = new Shelf();
        _shelves.Put(key, shelf);
        return shelf;
    }

    private sealed class Asking
    {
        private readonly TaskCompletionSource<Fetched> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<Fetched> Task => _done.Task;

        public void Answer(in Fetched fetched) => _done.SetResult(fetched);
    }

    private async Task RunAsync(Asking asking, Wanted wanted, StoredObject? known, Shelf shelf)
    {
        // Whoever waits has the thread for other things; the leader's own request does not run the download.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var fetched = await TryAskAsync(wanted, known, shelf, CancellationToken.None);
        _asking.TryRemove(KeyValuePair.Create(wanted.Key, asking));
        asking.Answer(fetched);
    }

    // Another variant than the one that others wait for.
    private async ValueTask<Fetched> AskApartAsync(Wanted wanted, Shelf shelf, CancellationToken aborted) =>
        await TryAskAsync(wanted, shelf.Find(wanted.Request), shelf, aborted);

    private async ValueTask<Fetched> TryAskAsync(Wanted wanted, StoredObject? known, Shelf shelf, CancellationToken cancel)
    {
        try
        {
            return await AskOriginAsync(wanted, known, shelf, cancel);
        }
        catch (OriginException e)
        {
            return OnFault(known, e.Fault);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogUnexpected(wanted.Path, e);
            return OnFault(known, OriginFault.BadAnswer);
        }
    }

    private Fetched OnFault(StoredObject? known, OriginFault fault)
    {
        if (known is null or { IsLive: true } || !known.Head.MayServeIfError(Now))
            return Fetched.Failed(fault);
        Figures.ServedOnError();
        return Fetched.Kept(known, "XLive; hit; fwd=stale; detail=\"origin failed\"");
    }

    private async ValueTask<Fetched> AskOriginAsync(Wanted wanted, StoredObject? known, Shelf shelf, CancellationToken cancel)
    {
        var asked = Now;
        var request = new OriginRequest(wanted.Path, wanted.Query, wanted.OriginKind) { Headers = wanted.SentHeaders };
        if (known is not null && known.Head.HasValidator)
        {
            request = request with
            {
                IfNoneMatch = known.Head.ETag.Length > 0 ? known.Head.ETag : null,
                IfModifiedSince = known.Head.LastModified.Length > 0 ? known.Head.LastModified : null,
            };
        }
        if (wanted.Kind.IsSegment)
        {
            // Not before the block that the viewer wants first: of a film of which nothing is known it may be the last.
            var first = wanted.First & ~(long)(Block.Size - 1);
            request = request with { First = first, Last = first + (first == 0 ? _firstPart : Block.Size) - 1 };
        }
        var reply = await _origins.OpenAsync(request, cancel);
        try
        {
            if (request.HasRange && reply.Status == StatusCodes.Status416RangeNotSatisfiable)
            {
                // An empty file has no range at all, and some servers say so.
                await reply.DisposeAsync();
                request = request with { First = 0, Last = wanted.First > 0 ? _firstPart - 1 : -1 };
                reply = await _origins.OpenAsync(request, cancel);
            }
            var (fetched, takesReply) = await KeepAsync(wanted, known, shelf, request, reply, asked, cancel);
            if (!takesReply)
                await reply.DisposeAsync();
            return fetched;
        }
        catch
        {
            await reply.DisposeAsync();
            throw;
        }
    }

    private async ValueTask<(Fetched Fetched, bool TakesReply)> KeepAsync(
        Wanted wanted, StoredObject? known, Shelf shelf, OriginRequest request, OriginReply reply, long asked, CancellationToken cancel)
    {
        if (reply.Status == StatusCodes.Status304NotModified && known is not null)
        {
            Figures.Confirmed();
            var policy = _policies.Of(wanted.Path, wanted.Kind, known.Head.Status, known.IsLive);
            var freshened = known.Head.Updated(reply.Headers, policy, asked, Now, wanted.IsAuthorized);
            known.Freshen(freshened);
            if (!freshened.IsStorable)
                shelf.Remove(known);
            return (Fetched.Kept(known, "XLive; fwd=stale; fwd-status=304"), false);
        }
        var status = reply.Status == StatusCodes.Status206PartialContent ? StatusCodes.Status200OK : reply.Status;
        if (status >= 500 && known is { IsLive: false } && known.Head.MayServeIfError(Now))
        {
            Figures.ServedOnError();
            return (Fetched.Kept(known, $"XLive; hit; fwd=stale; fwd-status={status}"), false);
        }
        var first = new StoredHead(status, StoredFields.Of(reply), _policies.Of(wanted.Path, wanted.Kind, status, isLive: false), asked, Now, wanted.IsAuthorized);
        var isPlaylist = wanted.Kind.IsPlaylist && status == StatusCodes.Status200OK;
        var length = reply.Status == StatusCodes.Status206PartialContent ? reply.Total : reply.Length;
        var isPart = reply.Status == StatusCodes.Status206PartialContent && (reply.First > 0 || reply.Length != reply.Total);
        if (isPart && (first.StrongTag is null || !first.IsStorable || length is < 0 or > Longest))
        {
            // Nothing says that two parts are of one version, or how many there are, or nobody may keep them: one reply must do.
            shelf.PassUntil = Environment.TickCount64 + (long)PassFor.TotalMilliseconds;
            return (await PassAsync(wanted, cancel), false);
        }
        if (isPlaylist || length < 0 || (first.IsStorable && !wanted.Kind.IsSegment && length <= LargestWhole))
            return (await ReadWholeAsync(wanted, shelf, reply, first, asked, isPlaylist), false);
        if (!first.IsStorable || length > Longest || (length > LargestWhole && !MayComeInParts(reply, first)))
            return Passing(shelf, reply, first);
        var kept = new StoredObject(wanted, first, length);
        var fills = length > 0 && StartFilling(kept, reply);
        if (!fills && kept.IsIndivisible && length > 0)
            return Passing(shelf, reply, first, remember: false);
        Put(shelf, kept, wanted);
        return (Fetched.Kept(kept, "XLive; fwd=miss; stored"), fills);
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
            if ((!kept.IsIndivisible && blocks.Count << Block.Bits >= _firstPart) || _budget.TryTake(kept, index, kept.LengthOf(index)) is not { } block)
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
        _ = _fetcher.FillAsync(kept, blocks, reply);
        return true;
    }

    private (Fetched, bool) Passing(Shelf shelf, OriginReply reply, StoredHead head, bool remember = true)
    {
        if (remember)
            shelf.PassUntil = Environment.TickCount64 + (long)PassFor.TotalMilliseconds;
        Figures.Pass();
        return (Fetched.ForOne(reply, head), true);
    }

    private void Put(Shelf shelf, StoredObject kept, Wanted wanted)
    {
        Figures.Miss();
        shelf.Put(kept, wanted.Request);
        // The table may have let the shelf go meanwhile.
        _shelves.Put(wanted.Key, shelf);
        if (wanted.Purges != Purges)
            shelf.Remove(kept);
    }

    private async ValueTask<Fetched> ReadWholeAsync(Wanted wanted, Shelf shelf, OriginReply reply, StoredHead head, long asked, bool isPlaylist)
    {
        using var whole = await WholeBody.ReadAsync(reply, LargestWhole);
        Figures.Filled(whole.Length);
        HeldPlaylist? playlist = null;
        if (isPlaylist)
        {
            if (head.Find("Content-Encoding") is { } encoding && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
                throw new OriginException(OriginFault.BadAnswer, $"a playlist came encoded as '{encoding}', though nobody asked for it");
            var template = PlaylistTemplate.Parse(whole.Bytes.ToArray(), wanted.Path, HostsOf(reply));
            if (template.IsPlaylist)
            {
                playlist = new HeldPlaylist(template, whole.Bytes.Span);
                _keys.Learn(template.KeyPaths);
                var isLive = template is { IsMultivariant: false, HasEndList: false };
                head = new StoredHead(head.Status, head.Headers, _policies.Of(wanted.Path, wanted.Kind, head.Status, isLive), asked, head.Received, wanted.IsAuthorized);
            }
        }
        var kept = new StoredObject(wanted, head, whole.Length) { Playlist = playlist, PlaylistTag = playlist is null ? "" : TagOf(whole.Bytes.Span) };
        var beside = playlist?.HeldBytes * 3 ?? 0;
        for (var index = 0; index < kept.BlockCount; index++)
        {
            if (_budget.TryTake(kept, index, kept.LengthOf(index), index == 0 ? beside : 0) is not { } block)
            {
                kept.Unpin();
                throw new OriginException(OriginFault.Busy, "cache.memory has no room");
            }
            whole.Bytes.Slice(index << Block.Bits, block.Length).CopyTo(block.Rest);
            block.Grow(block.Length);
            kept.TryPlace(block);
        }
        if (!head.IsStorable)
        {
            // For the one who asked: his holds stay until he has it.
            Figures.Pass();
            return Fetched.Kept(kept, "XLive; fwd=miss") with { IsPinned = true };
        }
        Put(shelf, kept, wanted);
        kept.Unpin();
        return Fetched.Kept(kept, "XLive; fwd=miss; stored");
    }

    /// <summary>Answered to one viewer, with the range that he asked for.</summary>
    private async ValueTask<Fetched> PassAsync(Wanted wanted, CancellationToken aborted)
    {
        Figures.Pass();
        try
        {
            var asked = Now;
            var request = new OriginRequest(wanted.Path, wanted.Query, wanted.OriginKind) { Headers = wanted.SentHeaders };
            // A part of a playlist is none.
            if (!wanted.Kind.IsPlaylist)
                request = request with { First = wanted.First, Last = wanted.Last };
            var reply = await _origins.OpenAsync(request, aborted);
            var status = reply.Status == StatusCodes.Status206PartialContent ? StatusCodes.Status200OK : reply.Status;
            var head = new StoredHead(status, StoredFields.Of(reply), _policies.Of(wanted.Path, wanted.Kind, status, isLive: false), asked, Now, wanted.IsAuthorized);
            if (wanted.Kind.IsPlaylist || reply.Length < 0)
            {
                await using (reply)
                    return await ReadWholeAsync(wanted, new Shelf(), reply, head, asked, wanted.Kind.IsPlaylist && status == StatusCodes.Status200OK);
            }
            return Fetched.ForOne(reply, head);
        }
        catch (OriginException e)
        {
            return Fetched.Failed(e.Fault);
        }
    }

    // What a playlist names at the origin's own address is the origin's, and comes by us.
    private List<string> HostsOf(OriginReply reply)
    {
        var hosts = new List<string>(_ownHosts()) { reply.Origin.Name };
        if (reply.Origin.Name is var name && (name.EndsWith(":80", StringComparison.Ordinal) || name.EndsWith(":443", StringComparison.Ordinal)))
            hosts.Add(name[..name.LastIndexOf(':')]);
        return hosts;
    }

    private static string TagOf(ReadOnlySpan<byte> text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text, hash);
        return $"\"{Convert.ToHexStringLower(hash[..8])}\"";
    }

    [LoggerMessage(LogLevel.Error, "{Path}: asking the origin failed")]
    private partial void LogUnexpected(string path, Exception e);
}
