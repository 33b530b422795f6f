namespace XLive.Server.Playback.Vod.Origin;

/// <summary>Asks the origins. Above it nobody needs to know how many there are, or which of them are well.</summary>
internal sealed class OriginClient : IDisposable
{
    private readonly Func<OriginOptions> _options;
    private readonly OriginServer[] _servers;

    public OriginClient(Func<OriginOptions> options, TimeProvider clock)
    {
        _options = options;
        _servers = [.. options().Addresses.Select(a => new OriginServer(a, options, clock))];
    }

    public IReadOnlyList<OriginServer> Servers => _servers;

    /// <exception cref="OriginException">No origin gave an answer that will do.</exception>
    public async ValueTask<OriginReply> OpenAsync(OriginRequest request, CancellationToken cancel)
    {
        if (!request.Path.StartsWith('/'))
            throw new ArgumentException("A path begins with a slash.", nameof(request));
        var answer = await _servers[0].AskAsync(request, request.First, request.IfMatchTag, _options().TotalTimeout, cancel);
        return new OriginReply(request, answer);
    }

    public void Dispose()
    {
        foreach (var server in _servers)
            server.Dispose();
    }
}
