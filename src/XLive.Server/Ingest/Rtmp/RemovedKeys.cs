using XLive.Server.Accounts;
using XLive.Server.Live;
using XLive.Server.Storage;
using XLive.Server.Telemetry;

namespace XLive.Server.Ingest.Rtmp;

/// <summary>
/// Ends whoever publishes by a stream key or an API token that is there no more. They are removed beside the server, or by another node: only the
/// database knows of it. While it is away everybody publishes on; and who was let in before the end of either goes on too.
/// </summary>
internal sealed class RemovedKeys(LiveStreams streams, StreamKeys keys, ApiTokens tokens, AuditLog audit, Supervisor supervisor) : IHostedService, IDisposable
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
        Look(StreamKeys.Holder, keys.StillThere, "stream key");
        Look(ApiTokens.Holder, tokens.StillThere, "API token");
    }

    private void Look(string holder, Func<IReadOnlyCollection<string>, IReadOnlySet<string>> stillThere, string what)
    {
        var publications = new List<(StreamName Name, Publication Turn, string Id)>();
        foreach (var stream in streams.All)
        {
            if (stream.Publication is { } turn && turn.Publisher.Key.StartsWith(holder, StringComparison.Ordinal))
                publications.Add((stream.Name, turn, turn.Publisher.Key[holder.Length..]));
        }
        if (publications.Count == 0)
            return;
        IReadOnlySet<string> there;
        try
        {
            there = stillThere([.. publications.Select(static p => p.Id).Distinct()]);
        }
        catch (DatabaseException)
        {
            return;
        }
        foreach (var (name, turn, id) in publications)
        {
            if (there.Contains(id))
                continue;
            turn.End(PublishEnd.Revoked);
            audit.Event("server", $"ended the publisher of {name}: its {what} {id} was removed", turn.Publisher.Address);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _looks?.Dispose();
}
