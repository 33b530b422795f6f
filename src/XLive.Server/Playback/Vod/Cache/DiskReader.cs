using XLive.Server.Playback.Http;
using XLive.Server.Sending;
using XLive.Server.Telemetry;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>The disk does not answer in time: the origin is asked instead.</summary>
internal sealed class DiskSilentException() : IOException("cache.dir does not answer");

/// <summary>Reads of the cache's files, on threads that may wait for a disk, and no longer waited for than a viewer can.</summary>
internal sealed class DiskReader(DiskFiles files, DiskFigures figures, TimeProvider clock, Supervisor supervisor)
{
    // An origin is asked within this; a disk that takes longer is broken, or drowning.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SilentFor = TimeSpan.FromSeconds(10);

    private readonly FileLane _lane = new(new FileThreads("cache disk", supervisor));
    private long _silentUntil;
    private volatile string? _fault;
    private long _faultAt;

    public int Threads => _lane.Threads.Threads;

    /// <summary>It has not answered a moment ago, and is left alone.</summary>
    public bool IsSilent => clock.GetTimestamp() < Volatile.Read(ref _silentUntil);

    /// <summary>Why a read failed within the last minute.</summary>
    public string? Fault => _fault is { } fault && clock.GetElapsedTime(Volatile.Read(ref _faultAt)) < TimeSpan.FromMinutes(1) ? fault : null;

    /// <param name="read">Goes on when nobody waits for it any more; what it brings then is <paramref name="tooLate"/>'s.</param>
    public async ValueTask<T> RunAsync<T>(Func<T> read, T ifItFails, Action<T>? tooLate = null)
    {
        var work = new Work<T>(read);
        _lane.Enqueue(work);
        try
        {
            return await work.Task.WaitAsync(Patience, clock);
        }
        catch (TimeoutException)
        {
            figures.Wait();
            if (tooLate is not null)
                _ = work.Task.ContinueWith(t => tooLate(t.Result), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
            Volatile.Write(ref _silentUntil, clock.GetTimestamp() + (long)(SilentFor.TotalSeconds * clock.TimestampFrequency));
            throw new DiskSilentException();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            figures.Fail();
            Volatile.Write(ref _faultAt, clock.GetTimestamp());
            _fault = e.Message;
            return ifItFails;
        }
    }

    private sealed class Work<T>(Func<T> read) : IFileWork
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Task => _done.Task;

        void IFileWork.Run()
        {
            try
            {
                _done.TrySetResult(read());
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                _done.TrySetException(e);
            }
        }

        void IFileWork.Failed() => _done.TrySetException(new IOException("a read of cache.dir failed"));
    }

    /// <summary>False: it is not there, or not what it should be.</summary>
    public bool ReadBlock(in DiskName name, long objectLength, Span<byte> into, out bool isCorrupt)
    {
        isCorrupt = false;
        using var file = files.OpenRead(name);
        if (file is null)
            return false;
        Span<byte> head = stackalloc byte[BlockFile.HeadSize];
        isCorrupt = !DiskFiles.Fill(file, head, 0) || !BlockFile.IsHeadOf(head, name, objectLength, into.Length)
            || !DiskFiles.Fill(file, into, BlockFile.HeadSize) || !BlockFile.AllAgree(head, into);
        return !isCorrupt;
    }

    /// <summary>One of the pieces that have a checksum of their own; null: it is not there, or not what it should be.</summary>
    public NativePiece? ReadPiece(in DiskName name, long objectLength, int blockLength, int piece, out bool isCorrupt)
    {
        isCorrupt = false;
        using var file = files.OpenRead(name);
        if (file is null)
            return null;
        Span<byte> head = stackalloc byte[BlockFile.HeadSize];
        var from = piece * BlockFile.PieceSize;
        var into = new NativePiece(Math.Min(BlockFile.PieceSize, blockLength - from));
        isCorrupt = true;
        try
        {
            isCorrupt = !DiskFiles.Fill(file, head, 0) || !BlockFile.IsHeadOf(head, name, objectLength, blockLength)
                || !DiskFiles.Fill(file, into.GetSpan(), BlockFile.HeadSize + from) || !BlockFile.Agrees(head, piece, into.GetSpan());
        }
        finally
        {
            if (isCorrupt)
                into.Release();
        }
        return isCorrupt ? null : into;
    }
}
