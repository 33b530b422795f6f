using XLive.Server.Accounts;
using XLive.Server.Live;
using XLive.Server.Storage;
using XLive.Server.Telemetry;

namespace XLive.Server.Ingest.Rtmp;

/// <summary>
/// Ends whoever publishes by a stream key that is there no more. Keys are removed beside the server, or by another node: only the database knows of it.
/// While it is away everybody publishes on.
/// </summary>
internal sealed class RemovedKeys(LiveStreams streams, StreamKeys keys, AuditLog audit, Supervisor supervisor) : IHostedService, IDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(3);

    private SupervisedLoop? _looks;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _looks = supervisor.Every("stream keys", Every, Look);
        return Task.CompletedTask;
    }

    internal void Look()
    {
        var publications = new List<(StreamName Name, Publication Turn, string Key)>();
        foreach (var stream in streams.All)
        {
            if (stream.Publication is { } turn && turn.Publisher.Key.StartsWith(StreamKeys.Holder, StringComparison.Ordinal))
                publications.Add((stream.Name, turn, turn.Publisher.Key[StreamKeys.Holder.Length..]));
        }
        if (publications.Count == 0)
            return;
        IReadOnlySet<string> there;
        try
        {
            there = keys.StillThere([.. publications.Select(static p => p.Key).Distinct()]);
        }
        catch (DatabaseException)
        {
            return;
        }
        foreach (var (name, turn, key) in publications)
        {
            if (there.Contains(key))
                continue;
            turn.End(PublishEnd.Revoked);
            audit.Event("server", $"ended the publisher of {name}: its stream key {key} was removed", turn.Publisher.Address);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _looks?.Dispose();
}
