using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using XLive.Server.Playback.Http;
using XLive.Server.Playback.Vod.Origin;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// What origins have answered (RFC 9111), by path and query. One request to the origin a key, whoever waits for it; it belongs to none of
/// them. An answer that is for one viewer alone goes to the one who asked first, the others ask for themselves, and for two minutes nobody
/// waits there for another.
/// </summary>
internal sealed partial class OriginCache
{
    private readonly PatientOrigins _origins;
    private readonly CachePolicies _policies;
    private readonly BlockBudget _budget;
    private readonly BlockFetcher _fetcher;
    private readonly TimeProvider _clock;
    private readonly ILogger<OriginCache> _log;
    private readonly Intake _intake;
    private readonly Shelves _shelves;
    private readonly ConcurrentDictionary<string, Asking> _asking = new(StringComparer.Ordinal);

    public OriginCache(PatientOrigins origins, CachePolicies policies, BlockBudget budget, WholeObjects whole, TimeProvider clock,
        ILogger<OriginCache> log, ILogger<BlockFetcher> fetcherLog, DiskCache? disk = null)
    {
        (_origins, _policies, _budget, _clock, _log, Disk) = (origins, policies, budget, clock, log, disk);
        _fetcher = new BlockFetcher(origins, budget, Figures, fetcherLog, disk);
        // A head costs one to two kibibytes beside the budget: an eighth of it at most, and few are needed where few bytes fit.
        _shelves = new Shelves((int)Math.Clamp(budget.Limit / (32 * 1024), 512, 16_384), disk);
        _intake = new Intake(policies, budget, _fetcher, whole, _shelves, Figures, clock, disk);
    }

    public CacheFigures Figures { get; } = new();
    public BlockBudget Budget => _budget;
    public BlockFetcher Fetcher => _fetcher;

    /// <summary>The second tier, where there is one.</summary>
    public DiskCache? Disk { get; }
    public int Count => _shelves.Count;
    public int MostObjects => _shelves.Capacity;
    public int Asked => _asking.Count;
    public WholeBodies Whole => _intake.Whole;
    public int Purges => _shelves.Purges;

    /// <summary>What the first request for an object brings at most.</summary>
    public long FirstPart => _intake.FirstPart;

    public long Now => _clock.GetUtcNow().ToUnixTimeSeconds();

    public StoredObject? Find(ReadOnlySpan<char> key, IHeaderDictionary request) => _shelves.Find(key, request);

    /// <summary>What the origin says now. An old version that is known is asked about, not fetched again.</summary>
    public async ValueTask<Fetched> AskAsync(Wanted wanted, StoredObject? known, CancellationToken aborted)
    {
        var shelf = _shelves.Of(wanted.Key);
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
        if (fetched.Object is not { Head.AnswersForAll: true } found || (fetched.IsPinned && !fetched.IsForWaiters))
            return await PassAsync(wanted, aborted);
        if (!found.Answers(wanted.Request))
            return await AskApartAsync(wanted, shelf, aborted);
        // Who asked may have it already, and nothing else holds what is not kept.
        return !fetched.IsPinned || found.TryPin() ? fetched : await PassAsync(wanted, aborted);
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
        await RunAsync(asking, wanted, known, _shelves.Of(wanted.Key));
        await asking.Task.Result.DisposeAsync();
    }

    /// <summary>Forgets all that is kept of what they cover. Final when it ends; how many objects were in memory.</summary>
    public async Task<int> PurgeAsync(IReadOnlyList<CacheScope> scopes)
    {
        var gone = 0;
        foreach (var scope in scopes)
            gone += _shelves.Purge(scope);
        Figures.Purge(gone);
        if (Disk is not null)
            await Disk.KeepPurgesAsync();
        return gone;
    }

    public List<StoredObject> Within(CacheScope scope, int most) => _shelves.Within(scope, most);

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
        // Another question may have ended between this one's look and its place among those that are asked.
        var fetched = known is null && Divisible(wanted) is { } here ? Fetched.Kept(here, "XLive; hit") : await TryAskAsync(wanted, known, shelf, CancellationToken.None);
        _asking.TryRemove(KeyValuePair.Create(wanted.Key, asking));
        asking.Answer(fetched);
    }

    private StoredObject? Divisible(Wanted wanted) =>
        _shelves.Find(wanted.Key, wanted.Request) is { IsIndivisible: false, IsGone: false, IsBroken: false } found && found.Head.IsFresh(Now) ? found : null;

    // Another variant than the one that others wait for.
    private async ValueTask<Fetched> AskApartAsync(Wanted wanted, Shelf shelf, CancellationToken aborted) =>
        await TryAskAsync(wanted, shelf.Find(wanted.Request), shelf, aborted);

    private async ValueTask<Fetched> TryAskAsync(Wanted wanted, StoredObject? known, Shelf shelf, CancellationToken cancel)
    {
        if (known is null && Disk is not null)
        {
            (known, var answer) = await AskDiskAsync(Disk, wanted, shelf);
            if (answer is { } kept)
                return kept;
        }
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
            request = request with { First = first, Last = first + (first == 0 ? _intake.FirstPart : Block.Size) - 1 };
        }
        var reply = await _origins.OpenAsync(request, cancel);
        try
        {
            if (request.HasRange && reply.Status == StatusCodes.Status416RangeNotSatisfiable)
            {
                // An empty file has no range at all, and some servers say so.
                await reply.DisposeAsync();
                request = request with { First = 0, Last = wanted.First > 0 ? _intake.FirstPart - 1 : -1 };
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
            var policy = _policies.Of(wanted.Path, wanted.Kind, known.Head.Status, known.IsLive) with
            {
                Longest = known.IsLive ? CachePolicies.LongestLive(known.Playlist!.Template) : null,
            };
            var freshened = known.Head.Updated(reply.Headers, policy, asked, Now, wanted.IsAuthorized);
            known.Freshen(freshened);
            if (!freshened.IsStorable)
                shelf.Remove(known);
            else
                Disk?.Freshen(known);
            return (Fetched.Kept(known, "XLive; fwd=stale; fwd-status=304"), false);
        }
        var status = reply.Status == StatusCodes.Status206PartialContent ? StatusCodes.Status200OK : reply.Status;
        if (status >= 500 && known is { IsLive: false } && known.Head.MayServeIfError(Now))
        {
            Figures.ServedOnError();
            return (Fetched.Kept(known, $"XLive; hit; fwd=stale; fwd-status={status}"), false);
        }
        var first = new StoredHead(status, StoredFields.Of(reply), _policies.Of(wanted.Path, wanted.Kind, status, isLive: false), asked, Now, wanted.IsAuthorized);
        if (Intake.IsUseless(reply, first))
        {
            Intake.PassFromNow(shelf);
            return (await PassAsync(wanted, cancel), false);
        }
        return await _intake.TakeAsync(wanted, shelf, reply, first, asked);
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
                    return await _intake.ReadWholeAsync(wanted, new Shelf(), reply, head, asked, wanted.Kind.IsPlaylist && status == StatusCodes.Status200OK);
            }
            return Fetched.ForOne(reply, head);
        }
        catch (OriginException e)
        {
            return Fetched.Failed(e.Fault);
        }
    }

    [LoggerMessage(LogLevel.Error, "{Path}: asking the origin failed")]
    private partial void LogUnexpected(string path, Exception e);
}
