using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using XLive.Server.Playback.Http;
using XLive.Server.Sending;

namespace XLive.Server.Playback.Vod.Folder;

internal enum FileFault { None, NotFound, Forbidden, Unavailable }

/// <summary>A file that is held for the caller, or why there is none.</summary>
internal readonly record struct FileAnswer(FileEntry? Entry, FileFault Fault);

/// <summary>
/// Films in a folder. A path that was looked at within the last second is answered from memory; everything else is asked on a lane,
/// once however many viewers wait for it, and nobody waits longer than <see cref="Patience"/>. A file that is known does not wait for a
/// file system that hangs: its last version stands until the look ends.
/// </summary>
internal sealed partial class FolderSource
{
    // Playlists that a packager rewrites must not be older than this; a stat a second for each hot file costs nothing that shows.
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // A look at a file that is known takes microseconds, over a network milliseconds. Beyond this the file server hangs, and the
    // version that was there a moment ago is a better answer than none.
    private static readonly TimeSpan PatienceForKnown = TimeSpan.FromMilliseconds(250);

    private readonly FileTable _table;
    private readonly FileOpener _opener;
    private readonly FileLanes _lanes;
    private readonly TimeProvider _clock;
    private readonly ILogger<FolderSource> _log;
    private readonly ConcurrentDictionary<string, Lookup> _lookups = new(StringComparer.Ordinal);
    private readonly long _freshTicks;

    public FolderSource(FolderOptions options, Func<IReadOnlyList<string>> ownHosts, KeyPaths keys, int maxHandles, TimeProvider clock, ILogger<FolderSource> log)
    {
        _clock = clock;
        _log = log;
        _freshTicks = (long)(Fresh.TotalSeconds * clock.TimestampFrequency);
        _table = new FileTable(options.CacheMemory, maxHandles);
        _lanes = new FileLanes();
        _opener = new FileOpener(options, ownHosts, keys, _lanes);
    }

    public FileTable Table => _table;
    public FileLanes Lanes => _lanes;
    public int LookupsWaiting => _lookups.Count;

    public ValueTask<FileAnswer> FindAsync(ReadOnlySpan<char> path, long now, CancellationToken aborted)
    {
        var entry = _table.Find(path);
        if (entry is not null && now - Volatile.Read(ref entry.CheckedAt) < _freshTicks)
            return new(new FileAnswer(entry, FileFault.None));
        return LookAsync(path.ToString(), entry, aborted);
    }

    private async ValueTask<FileAnswer> LookAsync(string path, FileEntry? known, CancellationToken aborted)
    {
        if (!_lookups.TryGetValue(path, out var lookup))
        {
            var mine = new Lookup(this, path, _clock.GetTimestamp());
            lookup = _lookups.GetOrAdd(path, mine);
            if (lookup == mine)
                _lanes.For(path).Enqueue(lookup);
        }
        var task = lookup.Task;
        if (known is not null)
        {
            var left = PatienceForKnown - _clock.GetElapsedTime(lookup.Started);
            if (!task.IsCompleted && left > TimeSpan.Zero)
                await ((Task)task.WaitAsync(left, _clock, aborted)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!task.IsCompleted)
                return new FileAnswer(known, FileFault.None);
            known.Release();
        }
        FileAnswer answer;
        try
        {
            answer = await task.WaitAsync(Patience, _clock, aborted);
        }
        catch (TimeoutException)
        {
            LogSlow(path, Patience.TotalSeconds);
            return new FileAnswer(null, FileFault.Unavailable);
        }
        // The answer is shared; each who waited takes a hold of his own. Evicted in between: it is opened again.
        if (answer.Entry is null || answer.Entry.TryHold())
            return answer;
        return await LookAsync(path, null, aborted);
    }

    private FileAnswer Look(string path)
    {
        var known = _table.Find(path);
        try
        {
            var answer = _opener.Open(path, known);
            if (answer.Entry is null)
            {
                _table.Remove(path);
                if (answer.Fault == FileFault.Forbidden)
                    LogForbidden(path);
                else if (answer.Fault == FileFault.Unavailable)
                    LogUnavailable(path, _opener.LastFault);
                return answer;
            }
            Volatile.Write(ref answer.Entry.CheckedAt, _clock.GetTimestamp());
            if (answer.Entry != known)
                _table.Put(answer.Entry);
            return answer;
        }
        finally
        {
            known?.Release();
        }
    }

    private sealed class Lookup(FolderSource source, string path, long started) : IFileWork
    {
        private readonly TaskCompletionSource<FileAnswer> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<FileAnswer> Task => _done.Task;
        public long Started => started;

        public void Run()
        {
            FileAnswer answer;
            try
            {
                answer = source.Look(path);
            }
            catch (Exception e)
            {
                source._lookups.TryRemove(path, out _);
                _done.SetException(e);
                return;
            }
            source._lookups.TryRemove(path, out _);
            _done.SetResult(answer);
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Path}: the file may not be read by this user; answered 403")]
    private partial void LogForbidden(string path);

    [LoggerMessage(LogLevel.Error, "{Path}: the file system failed ({Fault}); answered 503")]
    private partial void LogUnavailable(string path, string fault);

    [LoggerMessage(LogLevel.Error, "{Path}: the file system has not answered for {Seconds} s; answered 503")]
    private partial void LogSlow(string path, double seconds);
}
