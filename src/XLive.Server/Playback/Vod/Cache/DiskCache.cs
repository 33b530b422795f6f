using Microsoft.Extensions.Logging;
using XLive.Server.Playback.Http;
using XLive.Server.Sending;
using XLive.Server.Telemetry;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// The cache's second tier: objects outlive their place in memory, and the process. Nobody waits for it but who reads from it; whatever is wrong
/// with it, films come from memory and the origin.
/// </summary>
internal sealed partial class DiskCache : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    // A disk that takes longer to write a page is no place for a cache.
    private static readonly TimeSpan PatienceForPurge = TimeSpan.FromSeconds(10);

    private readonly DiskHeads _heads;
    private readonly DiskAdmission _admission;
    private readonly DiskPurges _purges = new();
    private readonly DiskReader _reader;
    private readonly DiskWriter _writer;
    private readonly WholeObjects _whole;
    private readonly TimeProvider _clock;

    /// <param name="mostWaiting">Bytes of blocks that may wait to be written.</param>
    /// <param name="pause">After a fault, before it is tried again.</param>
    public DiskCache(DiskFiles files, long limit, long mostWaiting, CachePolicies policies, KeyPaths keys, WholeObjects whole, TimeProvider clock, Supervisor supervisor,
        ILogger<DiskCache> log, TimeSpan? pause = null)
    {
        (Files, Index, Queue, _whole, _clock) = (files, new DiskIndex(limit), new DiskQueue(mostWaiting), whole, clock);
        _heads = new DiskHeads(policies);
        _admission = new DiskAdmission(Index, keys);
        _reader = new DiskReader(files, Figures, clock, supervisor);
        var shelves = new DiskShelves(files, Index, _purges, _admission, _heads, Figures, this);
        _writer = new DiskWriter(files, Index, Queue, _purges, shelves, Figures, pause ?? Pause, supervisor, log);
        keys.Learned += ForgetKeys;
    }

    public DiskFiles Files { get; }
    public DiskIndex Index { get; }
    public DiskQueue Queue { get; }
    public DiskFigures Figures { get; } = new();
    public int Threads => _reader.Threads;
    public int PurgesToSweep => _purges.Lines.Count;
    public bool IsScanned => _writer.IsScanned;

    /// <summary>Null when all is well.</summary>
    public string? Fault => _writer.Fault ?? (_reader.IsSilent ? "it does not answer" : _reader.Fault);

    private bool MayRead => _writer.IsOpen && !_reader.IsSilent;

    private bool MayHave(UInt128 key) => !Queue.IsForgotten(key) && (!_writer.IsScanned || Index.HasKey(key));

    /// <summary>The block may come from here; no file is looked at for this.</summary>
    public bool MayHold(DiskPlace place, int index) =>
        MayRead && !Queue.IsForgotten(place.Key) && (!_writer.IsScanned || Index.Find(place.NameOf(index)) is not null);

    /// <summary>Fills the block from disk, whole and right or not at all.</summary>
    public async ValueTask<bool> ReadAsync(StoredObject of, DiskPlace place, Block block)
    {
        var name = place.NameOf(block.Index);
        if (!MayRead)
            return false;
        if (Queue.IsForgotten(place.Key) || (_writer.IsScanned && Index.Find(name) is null))
        {
            Figures.Miss();
            return false;
        }
        // The read has a hold of its own: it may end when nobody waits for it any more.
        if (!block.TryHold())
            return false;
        var isCorrupt = false;
        var isRead = await _reader.RunAsync(() =>
        {
            try
            {
                return _reader.ReadBlock(name, of.Length, block.GetSpan(), out isCorrupt);
            }
            finally
            {
                block.Release();
            }
        }, false);
        if (isCorrupt)
            Corrupt(place.Key);
        if (!isRead)
        {
            Figures.Miss();
            return false;
        }
        Figures.Hit(block.Length);
        block.OnDisk = Index.Find(name);
        block.OnDisk?.Used();
        block.Grow(block.Length);
        return true;
    }

    /// <summary>A piece for one viewer, where there is no memory for a block.</summary>
    public async ValueTask<BodyPiece?> ReadPieceAsync(StoredObject of, DiskPlace place, long offset, long most)
    {
        var name = place.NameOf((int)(offset >> Block.Bits));
        if (!MayRead || Queue.IsForgotten(place.Key) || (_writer.IsScanned && Index.Find(name) is null))
            return null;
        var within = (int)(offset & (Block.Size - 1));
        var isCorrupt = false;
        NativePiece? piece;
        try
        {
            piece = await _reader.RunAsync(() => _reader.ReadPiece(name, of.Length, of.LengthOf(name.Index), within / BlockFile.PieceSize, out isCorrupt), null, static late => late?.Release());
        }
        catch (DiskSilentException)
        {
            return null;
        }
        if (isCorrupt)
            Corrupt(place.Key);
        if (piece is null)
            return null;
        Index.Find(name)?.Used();
        var from = within % BlockFile.PieceSize;
        var memory = piece.Memory[from..];
        Figures.Hit(memory.Length);
        return new BodyPiece(memory[..(int)Math.Min(memory.Length, most)], piece);
    }

    /// <summary>A whole block in memory, to be written if it is worth it.</summary>
    /// <param name="again">Wanted more than once.</param>
    /// <returns>False: too much waits, or it is just being offered and may still find no room.</returns>
    public bool Offer(StoredObject of, Block block, bool again)
    {
        if (!_writer.IsOpen || _writer.Fault is not null || block.OnDisk is { IsGone: false } || !block.IsWhole || !_admission.MayLie(of))
            return true;
        if (!_admission.IsWorth(of, block.Index, again))
        {
            Figures.Refuse();
            return true;
        }
        if (!block.TryOffer())
            return false;
        if (!block.TryHold())
        {
            block.EndOffer();
            return true;
        }
        var work = new DiskWork(of, block, again);
        if (Queue.TryAdd(work))
            return true;
        work.Release();
        Figures.Drop();
        return false;
    }

    /// <summary>The newest of its key: what the same request would have found on disk goes, or takes its head.</summary>
    public void Put(StoredObject newest)
    {
        if (DiskAdmission.IsKind(newest.Kind))
        {
            var key = DiskName.KeyOf(newest.Key);
            if (MayHave(key) && !(_writer.Fault is null && Queue.TryAdd(new DiskWork(newest, null))))
                Forget(key);
        }
        for (var index = 0; index < newest.BlockCount && newest.At(index) is { IsWhole: true } block; index++)
            Offer(newest, block, again: false);
    }

    /// <summary>The origin has said that it is the same, and for how long.</summary>
    public void Freshen(StoredObject known)
    {
        if (known.Place is not null && _writer.Fault is null)
            Queue.TryAdd(new DiskWork(known, null));
    }

    /// <summary>From now on nothing of it is found; the files go when their turn comes.</summary>
    public void Forget(UInt128 key) => Queue.Forget(key);

    private void ForgetKeys(IReadOnlyList<string> paths)
    {
        var any = false;
        foreach (var path in paths)
        {
            // What has another kind of name was never written.
            if (!DiskAdmission.IsKind(MediaKind.Of(path)))
                continue;
            Forget(DiskName.KeyOf(path));
            _purges.AddAlways(new CacheScope(path, IsBeginning: false));
            any = true;
        }
        if (any)
            _ = Queue.AddPurge().ContinueWith(static t => t.Exception, TaskScheduler.Default);
    }

    /// <summary>From now on nothing older that it covers is believed; final when <see cref="KeepPurgesAsync"/> ends.</summary>
    /// <param name="count">How many purges there have been in this run, with this one.</param>
    public void Purge(CacheScope scope, int count) => _purges.Add(scope, count);

    /// <summary>Ends when the purges are on disk, and outlive a process that is killed at once.</summary>
    public async Task KeepPurgesAsync()
    {
        try
        {
            await Queue.AddPurge().WaitAsync(PatienceForPurge, _clock);
        }
        catch (TimeoutException e)
        {
            throw new IOException("cache.dir: the disk does not answer; what lies there is purged when it does", e);
        }
    }

    public void Dispose() => _writer.Dispose();
}
