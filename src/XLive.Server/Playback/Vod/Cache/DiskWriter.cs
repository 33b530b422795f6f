using Microsoft.Extensions.Logging;
using XLive.Server.Telemetry;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// The one thread that changes anything on disk: so a head and its blocks, a purge and what it covers, room and what takes it are never two
/// threads' work at once. A disk that hangs holds this thread and nobody else.
/// </summary>
internal sealed partial class DiskWriter : IDisposable
{
    // While files wait to be looked at for a purge, viewers' blocks come first, but not only.
    private const int WorkForEachFolder = 16;

    private const int NoSpace = 28; // ENOSPC, as the class library passes it on

    // A disk that is full now is full in ten seconds too, and each try would end in a warning.
    private static readonly TimeSpan LeanFor = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan LastWork = TimeSpan.FromSeconds(1);

    private readonly DiskFiles _files;
    private readonly DiskIndex _index;
    private readonly DiskQueue _queue;
    private readonly DiskPurges _purges;
    private readonly DiskShelves _shelves;
    private readonly DiskFigures _figures;
    private readonly TimeSpan _pause;
    private readonly ILogger _log;
    private readonly SupervisedLoop _loop;
#pragma warning disable CA2213 // the thread may still set it; it holds no handle unless one is asked for
    private readonly ManualResetEventSlim _ended = new(false);
#pragma warning restore CA2213
    private IReadOnlyList<DiskPurges.Line> _sweeping = [];
    private int _scanAt;
    private int _sweepAt = DiskName.Folders;
    private int _sinceFolder;
    private long _leanUntil;
    private volatile string? _fault;
    private volatile bool _isOpen;
    private volatile bool _isScanned;

    public DiskWriter(DiskFiles files, DiskIndex index, DiskQueue queue, DiskPurges purges, DiskShelves shelves, DiskFigures figures, TimeSpan pause, Supervisor supervisor, ILogger log)
    {
        (_files, _index, _queue, _purges, _shelves, _figures, _pause, _log) = (files, index, queue, purges, shelves, figures, pause, log);
        _loop = supervisor.OnThread("cache disk", 512 * 1024, Run);
    }

    /// <summary>Why nothing is written now; null when all is well.</summary>
    public string? Fault => _fault;

    /// <summary>Files may be read, and their list of purges is known.</summary>
    public bool IsOpen => _isOpen;

    /// <summary>What is not in the index is not there.</summary>
    public bool IsScanned => _isScanned;

    public bool IsSweeping => _sweepAt < DiskName.Folders;

    private void Run(SupervisedLoop loop)
    {
        while (!_queue.IsClosed)
        {
            loop.Beat();
            try
            {
                if (!_isOpen || !_files.IsStillThere)
                    Open();
                if (_fault is not null)
                    Recover();
                if (Turn())
                    continue;
                loop.Rest();
                _queue.Wait(_pause);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Fail(e);
                loop.Rest();
                Pause();
            }
        }
        Finish();
        _ended.Set();
    }

    private void Open()
    {
        _isScanned = false;
        _files.Open();
        _index.Clear();
        var list = _files.ReadPurges();
        if (list is null || !_purges.TryRead(list))
        {
            // Either it is new, or nobody knows any more what was purged.
            if (list is not null)
                _figures.FindCorrupt();
            Empty();
        }
        _purges.Begin();
        _files.WritePurges(_purges.Write());
        (_scanAt, _sweepAt) = (0, DiskName.Folders);
        _isOpen = true;
    }

    private void Recover()
    {
        _files.MakeFolders();
        _shelves.DeleteGone();
        // The least that must be possible, and what a purge may still wait for.
        _files.WritePurges(_purges.Write());
        _fault = null;
        LogBack(_files.Root);
    }

    private void Empty()
    {
        for (var folder = 0; folder < DiskName.Folders; folder++)
        {
            foreach (var (name, _) in _files.List(folder))
                _files.Delete(name);
        }
        _index.Clear();
    }

    /// <returns>False: there is nothing to do.</returns>
    private bool Turn()
    {
        KeepPurges();
        ForgetKeys();
        if (_index.Bound < _index.Limit && Environment.TickCount64 > _leanUntil)
            _index.Lean(false);
        if (!_isScanned)
        {
            _shelves.Scan(_scanAt);
            _isScanned = ++_scanAt == DiskName.Folders;
            return true;
        }
        if (!IsSweeping && _purges.Lines.Count > 0)
            BeginSweep();
        if ((!IsSweeping || ++_sinceFolder < WorkForEachFolder) && _queue.TryTake(out var work))
        {
            Do(work);
            return true;
        }
        _sinceFolder = 0;
        if (!IsSweeping)
            return false;
        SweepOne();
        return true;
    }

    private void Do(in DiskWork work)
    {
        try
        {
            if (work.Block is null)
                _shelves.Settle(work.Object);
            else
                _shelves.Write(work.Object, work.Block, work.Again || work.Block.Readers > 1);
        }
        finally
        {
            work.Release();
        }
    }

    private void KeepPurges()
    {
        var waiting = _queue.TakePurges();
        if (waiting.Count == 0)
            return;
        try
        {
            _files.WritePurges(_purges.Write());
            foreach (var each in waiting)
                each.SetResult();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            foreach (var each in waiting)
                each.SetException(new IOException($"cache.dir: what lies there could not be purged: {e.Message}", e));
            throw;
        }
        // A list that only grows would be looked through for each request.
        while (_purges.Lines.Count > DiskPurges.Most && _isScanned)
        {
            if (!IsSweeping)
                BeginSweep();
            SweepOne();
        }
    }

    private void ForgetKeys()
    {
        if (_queue.ForgetsAll)
        {
            Empty();
            _queue.ForgottenAll();
        }
        while (_queue.TryPeekForgotten(out var key))
        {
            _shelves.Remove(key);
            _queue.Forgotten(key);
        }
    }

    private void BeginSweep() => (_sweeping, _sweepAt) = (_purges.Lines, 0);

    private void SweepOne()
    {
        _shelves.Sweep(_sweepAt);
        if (++_sweepAt < DiskName.Folders)
            return;
        _purges.Remove(_sweeping);
        _files.WritePurges(_purges.Write());
    }

    private void Fail(Exception e)
    {
        _figures.Fail();
        // Others write to this disk too, and what they write cannot be fetched again.
        if (e.HResult == NoSpace)
        {
            _shelves.GiveBack();
            _leanUntil = Environment.TickCount64 + (long)LeanFor.TotalMilliseconds;
        }
        var first = _fault is null;
        _fault = e.Message;
        if (first)
            LogFault(_files.Root, e.Message, _pause.TotalSeconds);
    }

    private void Pause()
    {
        var until = Environment.TickCount64 + (long)_pause.TotalMilliseconds;
        while (!_queue.IsClosed && Environment.TickCount64 < until)
        {
            while (_queue.TryTake(out var work))
            {
                _figures.Drop();
                work.Release();
            }
            // A purge is an operator's: he is told at once, or it is tried at once.
            foreach (var each in _queue.TakePurges())
                each.SetException(new IOException($"cache.dir: what lies there could not be purged, it will be when it can be written again: {_fault}"));
            _queue.Rest(TimeSpan.FromMilliseconds(Math.Max(1, until - Environment.TickCount64)));
        }
    }

    // What is on its way is written before the end, where that is quick.
    private void Finish()
    {
        var until = Environment.TickCount64 + (long)LastWork.TotalMilliseconds;
        try
        {
            while (_queue.TryTake(out var work))
            {
                if (_fault is null && _isScanned && Environment.TickCount64 < until)
                    Do(work);
                else
                    work.Release();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _figures.Fail();
        }
        foreach (var each in _queue.TakePurges())
            each.SetException(new IOException("the server ends"));
    }

    public void Dispose()
    {
        _queue.Close();
        // One that hangs keeps its lock until the process ends.
        if (!_ended.Wait(2 * LastWork))
            return;
        _loop.Dispose();
        _files.Dispose();
    }

    [LoggerMessage(LogLevel.Warning, "cache.dir {Dir}: {Reason}; films are kept in memory alone, the disk is tried again every {Seconds} s")]
    private partial void LogFault(string dir, string reason, double seconds);

    [LoggerMessage(LogLevel.Information, "cache.dir {Dir} is written to again")]
    private partial void LogBack(string dir);
}
