using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using XLive.Server.Door;
using XLive.Server.Playback.Http;
using XLive.Server.Sending;
using XLive.Server.Telemetry;

namespace XLive.Server.Playback.Vod.Folder;

internal enum FileFault { None, NotFound, Forbidden, Unavailable, NoDescriptor }

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
    private readonly SpareDescriptors? _spare;
    private readonly FileLanes _lanes;
    private readonly TimeProvider _clock;
    private readonly ILogger<FolderSource> _log;
    private readonly ConcurrentDictionary<string, Lookup> _lookups = new(StringComparer.Ordinal);
    private readonly long _freshTicks;
    private long _looks;

    public FolderSource(FolderOptions options, Func<IReadOnlyList<string>> ownHosts, KeyPaths keys, int maxHandles, TimeProvider clock, ILogger<FolderSource> log,
        Supervisor? supervisor = null, SpareDescriptors? spare = null)
    {
        _clock = clock;
        _log = log;
        _spare = spare;
        _freshTicks = (long)(Fresh.TotalSeconds * clock.TimestampFrequency);
        _table = new FileTable(options.CacheMemory, maxHandles);
        _lanes = new FileLanes(supervisor);
        _opener = new FileOpener(options, ownHosts, keys, _lanes, spare);
    }

    public FileTable Table => _table;
    public FileLanes Lanes => _lanes;
    public int LookupsWaiting => _lookups.Count;

    /// <summary>Times that the file system was asked.</summary>
    public long Looks => Volatile.Read(ref _looks);

    public ValueTask<FileAnswer> FindAsync(ReadOnlySpan<char> path, long now, CancellationToken aborted)
    {
        var entry = _table.Find(path);
        if (entry is not null && now - Volatile.Read(ref entry.CheckedAt) < _freshTicks)
            return new(new FileAnswer(entry, FileFault.None));
        return LookAsync(path.ToString(), entry, aborted);
    }

    private async ValueTask<FileAnswer> LookAsync(string path, FileEntry? known, CancellationToken aborted)
    {
        var lookup = Join(path);
        if (known is not null)
        {
            var left = PatienceForKnown - _clock.GetElapsedTime(lookup.Started);
            if (!lookup.Task.IsCompleted && left > TimeSpan.Zero)
                await ((Task)lookup.Task.WaitAsync(left, _clock, aborted)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!lookup.Task.IsCompleted)
            {
                lookup.Leave();
                return new FileAnswer(known, FileFault.None);
            }
            known.Release();
        }
        try
        {
            var answer = await lookup.Task.WaitAsync(Patience, _clock, aborted);
            // The answer is shared; each who waited takes a hold of his own, while the look itself still has one.
            answer.Entry?.TryHold();
            return answer;
        }
        catch (TimeoutException)
        {
            LogSlow(path, Patience.TotalSeconds);
            return new FileAnswer(null, FileFault.Unavailable);
        }
        finally
        {
            lookup.Leave();
        }
    }

    private Lookup Join(string path)
    {
        while (true)
        {
            if (_lookups.TryGetValue(path, out var running))
            {
                if (running.TryJoin())
                    return running;
                // Over: its answer may be as old as its start.
                _lookups.TryRemove(KeyValuePair.Create(path, running));
                continue;
            }
            var lookup = new Lookup(this, path, _clock.GetTimestamp());
            if (!_lookups.TryAdd(path, lookup))
                continue;
            lookup.TryJoin();
            _lanes.For(path).Enqueue(lookup);
            return lookup;
        }
    }

    /// <summary>The entry, when there is one, is held for the caller.</summary>
    private FileAnswer Look(string path)
    {
        Interlocked.Increment(ref _looks);
        var known = _table.Find(path);
        var answer = new FileAnswer(null, FileFault.Unavailable);
        try
        {
            answer = _opener.Open(path, known);
            if (answer.Fault == FileFault.NoDescriptor)
            {
                _table.CloseSome();
                answer = _opener.Open(path, known);
            }
            if (answer.Entry is null)
            {
                _table.Remove(path);
                if (answer.Fault == FileFault.Forbidden)
                    LogForbidden(path);
                else if (answer.Fault != FileFault.NotFound)
                    LogUnavailable(path, _opener.LastFault);
                return answer;
            }
            Volatile.Write(ref answer.Entry.CheckedAt, _clock.GetTimestamp());
            if (answer.Entry != known)
            {
                // Before the table has it: a table that is full may let go of it at once.
                answer.Entry.TryHold();
                _table.Put(answer.Entry);
                if (answer.Entry.Body.File is { } file && _spare?.IsAmongTheLast(file.Handle.DangerousGetHandle(), isConnection: false) == true)
                    _table.CloseSome();
            }
            return answer;
        }
        finally
        {
            if (known is not null && known != answer.Entry)
                known.Release();
        }
    }

    /// <summary>One look at one path, for all who want it meanwhile. Holds the entry until the last of them has a hold of his own.</summary>
    private sealed class Lookup(FolderSource source, string path, long started) : IFileWork
    {
        private readonly TaskCompletionSource<FileAnswer> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Holders _holders = new();

        public Task<FileAnswer> Task => _done.Task;
        public long Started => started;

        public bool TryJoin() => _holders.TryJoin();

        /// <summary>The look itself leaves after its answer stands, so the last to leave finds it.</summary>
        public void Leave()
        {
            if (_holders.Leave() && _done.Task.IsCompletedSuccessfully)
                _done.Task.Result.Entry?.Release();
        }

        public void Run()
        {
            try
            {
                var answer = source.Look(path);
                source._lookups.TryRemove(KeyValuePair.Create(path, this));
                _done.SetResult(answer);
            }
            catch (Exception e)
            {
                source._lookups.TryRemove(KeyValuePair.Create(path, this));
                _done.SetException(e);
            }
            Leave();
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Path}: the file may not be read by this user; answered 403")]
    private partial void LogForbidden(string path);

    [LoggerMessage(LogLevel.Error, "{Path}: the file system failed ({Fault}); answered 503")]
    private partial void LogUnavailable(string path, string fault);

    [LoggerMessage(LogLevel.Error, "{Path}: the file system has not answered for {Seconds} s; answered 503")]
    private partial void LogSlow(string path, double seconds);
}
