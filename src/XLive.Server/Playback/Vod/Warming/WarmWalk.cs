using XLive.Server.Door;
using XLive.Server.Playback.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Playback.Vod.Origin;

namespace XLive.Server.Playback.Vod.Warming;

/// <summary>
/// The work of one job: what was named, then what the playlists among it name, then what those name. It asks as a viewer asks, so a viewer who
/// comes meanwhile and this wait for one answer.
/// </summary>
internal sealed class WarmWalk(WarmJob job, OriginCache cache, KeyPaths keys, Func<string, CancellationToken, ValueTask<bool>>? isInFolder,
    Turns turns, int atOnce, TimeProvider clock)
{
    // Named, its variants, their segments: RFC 8216 knows no deeper.
    private const int MostDepth = 2;

    // So many faults in a row are the origin's, and the rest would end the same way.
    private const int MostFaults = 20;

    // Characters of all paths; a playlist may name long ones.
    private const int MostText = 8 << 20;

    // A viewer who waits so long for a mebibyte has left.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan PatienceForDisk = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    // Beyond half of the table what was warmed first would make room for what comes last.
    private readonly int _mostPieces = cache.MostObjects / 2;

    // Less the tenth of the memory that everything passes through, and what has begun to come when it shows that it does not fit.
    private readonly long _mostBytes = cache.Budget.Limit / 10 * 9 - atOnce * cache.FirstPart;

    private readonly HashSet<string> _named = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private List<WarmPiece> _next = [];
    private long _reserved;
    private int _text;
    private int _faults;

    public WarmJob Job => job;

    public async Task RunAsync(IReadOnlyList<WarmPiece> pieces)
    {
        foreach (var piece in pieces)
            Name(piece);
        for (var depth = 0; _next.Count > 0 && !job.Stopping.IsCancellationRequested; depth++)
        {
            var wave = _next;
            _next = [];
            var at = -1;
            var workers = new Task[Math.Min(atOnce, wave.Count)];
            for (var i = 0; i < workers.Length; i++)
                workers[i] = WorkAsync();
            await Task.WhenAll(workers);

            async Task WorkAsync()
            {
                while (!job.Stopping.IsCancellationRequested && Interlocked.Increment(ref at) is var mine && mine < wave.Count)
                    await InTurnAsync(wave[mine], depth);
            }
        }
    }

    private bool Name(WarmPiece piece)
    {
        // Of what is kept below a folder the keys and the errors are nobody's wish.
        if (piece.Kept is { } kept && (kept.Head.Status != 200 || IsKey(piece.Path)))
            return true;
        lock (_gate)
        {
            // Several variants of one path are kept, and asked about, each for itself.
            if (piece.Kept is null && !_named.Add(CacheKey.Of(piece.Path, piece.Query)))
                return true;
            if (job.Total >= _mostPieces || (_text += piece.Path.Length + piece.Query.Length) > MostText)
            {
                job.GiveUp($"names more than cache.memory keeps the heads of, {_mostPieces}");
                return false;
            }
            job.Named(1);
            _next.Add(piece);
            return true;
        }
    }

    private async Task InTurnAsync(WarmPiece piece, int depth)
    {
        try
        {
            await turns.TakeAsync(job.Stopping);
        }
        catch (OperationCanceledException)
        {
            return;
        }
        try
        {
            if (await WarmAsync(piece, depth) is { } why)
                job.FailedAt(piece.Path + piece.Query, why);
            else
                job.Succeeded();
        }
        catch (OperationCanceledException) when (job.Stopping.IsCancellationRequested)
        {
            // Neither warm nor failed: nobody waits for it any more.
        }
        finally
        {
            turns.Return();
        }
    }

    /// <returns>Why it is not warm; null when it is.</returns>
    private async ValueTask<string?> WarmAsync(WarmPiece piece, int depth)
    {
        if (MediaKind.IsHidden(piece.Path) || piece.Path[^1] == '/' || FrontDoor.IsReserved(piece.Path))
            return "is no path of media";
        if (IsKey(piece.Path))
            return "is a key: those are fetched for viewers alone";
        if (isInFolder is not null && await isInFolder(piece.Path, job.Stopping))
            return "lies in the folder, and is never asked of an origin";
        var wanted = piece.WantedNow(cache);
        var known = piece.Kept ?? cache.Find(wanted.Key, wanted.Request);
        if (known is null || piece.Kept is not null || !known.Head.IsFresh(cache.Now))
        {
            var fetched = await cache.AskAsync(wanted, known, job.Stopping);
            if (fetched.Fault is { } fault)
                return OnFault(fault);
            if (fetched.Reply is not null || fetched.IsPinned)
            {
                FollowIfFilm(fetched.Object, depth);
                await fetched.DisposeAsync();
                return "is not to be kept, says the origin or a rule of cache.rules";
            }
            known = fetched.Object!;
        }
        if (known.Head.Status != 200)
            return $"the origin answered {known.Head.Status}";
        if (Interlocked.Add(ref _reserved, known.Length) > _mostBytes)
        {
            job.GiveUp($"does not fit: of cache.memory {_mostBytes} bytes may be warmed at once");
            return "does not fit any more";
        }
        if (await HoldAllAsync(known) is { } lost)
            return lost;
        FollowIfFilm(known, depth);
        return null;
    }

    private bool IsKey(string path) => MediaKind.Of(path).IsKey || keys.Contains(path);

    private void FollowIfFilm(StoredObject? found, int depth)
    {
        // What a live playlist names today nobody wants tomorrow.
        if (found?.Playlist is not { } playlist || found.IsLive || depth == MostDepth)
            return;
        playlist.Template.VisitMedia(found.Path, target =>
            !WarmPiece.TryParse(target, out var child, out _) || keys.Contains(child.Path) || Name(child));
    }

    private async ValueTask<string?> HoldAllAsync(StoredObject of)
    {
        for (var index = 0; index < of.BlockCount; index++)
        {
            job.Stopping.ThrowIfCancellationRequested();
            try
            {
                if (await cache.Fetcher.HoldAsync(of, index) is not { } block)
                    return "cache.memory has no room now: all of it is being sent";
                try
                {
                    while (!block.IsWhole)
                    {
                        await block.MoreThanAsync(block.Filled).AsTask().WaitAsync(Patience, clock, job.Stopping);
                        of.Want();
                    }
                    // As if it had been asked for twice: what passes through the cache once does not push it out.
                    block.Uses = Math.Max(block.Uses, 2);
                    job.Holds(block.Length);
                    await KeepAsync(of, block);
                }
                finally
                {
                    block.Release();
                }
            }
            catch (Exception e) when (e is BlockLeftException or DiskSilentException)
            {
                index--;
            }
            catch (OriginException e)
            {
                return OnFault(e.Fault);
            }
            catch (IOException e)
            {
                return e.Message;
            }
            catch (TimeoutException)
            {
                return OnFault(OriginFault.TimedOut);
            }
        }
        Volatile.Write(ref _faults, 0);
        return of.IsGone ? "was purged or changed meanwhile" : null;
    }

    // A disk that takes bytes more slowly than the origin gives them is waited for: nobody else waits for a warming.
    private async ValueTask KeepAsync(StoredObject of, Block block)
    {
        for (var began = clock.GetTimestamp(); !cache.Fetcher.Keep(of, block) && clock.GetElapsedTime(began) < PatienceForDisk;)
            await Task.Delay(Pause, clock, job.Stopping);
    }

    private string OnFault(OriginFault fault)
    {
        var why = fault switch
        {
            OriginFault.Refused => "no origin takes a connection",
            OriginFault.TimedOut => "the origin did not answer in time",
            OriginFault.Changed => "changed at the origin while it was fetched",
            OriginFault.Busy => "no origin can be asked now",
            OriginFault.BrokenOff => "the origin's answer broke off",
            _ => "the origin gave no answer that will do",
        };
        if (Interlocked.Increment(ref _faults) >= MostFaults)
            job.GiveUp($"{MostFaults} failed in a row, the last because {why}");
        return why;
    }
}
