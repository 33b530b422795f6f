using XLive.Server.Sending;
using XLive.Server.Telemetry;

namespace XLive.Server.Live;

/// <summary>The threads that send to viewers of live streams, one a processor.</summary>
internal sealed class Shards : IDisposable
{
    private readonly Shard[] _shards;
    private int _last;

    public Shards(TimeProvider clock, Supervisor supervisor) =>
        _shards = [.. Enumerable.Range(1, Environment.ProcessorCount).Select(i => new Shard(i, clock, supervisor))];

    /// <summary>Viewers who are sent to by them.</summary>
    public int Viewers => _shards.Sum(static s => s.Viewers);

    /// <summary>Until the stream is over, the viewer has gone, or may have no more.</summary>
    public async Task PlayAsync(Cursor cursor, PieceSender pieces, CancellationToken gone)
    {
        var shard = _shards[(uint)Interlocked.Increment(ref _last) % (uint)_shards.Length];
        var watcher = new Watcher(cursor, pieces, cursor.PartyOf(shard));
        shard.Wake(watcher);
        await using (gone.UnsafeRegister(static w => ((Watcher)w!).Leave(), watcher))
            await watcher.Ended;
    }

    public void Dispose()
    {
        foreach (var shard in _shards)
            shard.Stop();
    }
}
