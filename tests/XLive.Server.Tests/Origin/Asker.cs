using Microsoft.Extensions.Logging.Abstractions;
using XLive.Server.Playback.Vod.Origin;

using XLive.Server.Telemetry;

namespace XLive.Server.Tests.Origin;

/// <summary>An origin client with settings of the test's own, and what a test asks it.</summary>
internal sealed class Asker : IDisposable
{
    public Asker(OriginOptions options, TimeProvider? clock = null)
    {
        var faults = new List<string>();
        options.Check((key, why) => faults.Add($"{key}: {why}"));
        Assert.Empty(faults);
        Options = options;
        Supervisor = new Supervisor(clock ?? TimeProvider.System);
        Client = new OriginClient(() => Options, Supervisor, clock ?? TimeProvider.System, NullLogger<OriginClient>.Instance);
    }

    public Asker(params HostileOrigin[] origins)
        : this(new OriginOptions { Origins = [.. origins.Select(static o => o.Url)] })
    {
    }

    public OriginOptions Options { get; }

    public Supervisor Supervisor { get; }

    public OriginClient Client { get; }

    public async Task<OriginReply> Open(OriginRequest request)
    {
        var reply = await Client.OpenAsync(request, TestContext.Current.CancellationToken);
        await Yield();
        return reply;
    }

    public async Task<(OriginReply Reply, byte[] Body)> Fetch(OriginRequest request)
    {
        await using var reply = await Open(request);
        return (reply, await Read(reply));
    }

    public Task<(OriginReply Reply, byte[] Body)> Fetch(string path) => Fetch(new OriginRequest(path, "", OriginKind.Media));

    public static async Task<byte[]> Read(OriginReply reply, int piece = 4096)
    {
        using var body = new MemoryStream();
        var into = new byte[piece];
        while (await reply.ReadAsync(into, TestContext.Current.CancellationToken) is var count and > 0)
            body.Write(into, 0, count);
        await Yield();
        return body.ToArray();
    }

    public async Task<OriginException> Fault(OriginRequest request)
    {
        var fault = await Assert.ThrowsAsync<OriginException>(() => Fetch(request));
        await Yield();
        return fault;
    }

    /// <summary>Sockets go on where the kernel's event is read; a test that blocks there would hold up the origin that it waits for.</summary>
    public static async Task Yield() => await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);

    public Task<OriginException> Fault(string path = "/a.ts") => Fault(new OriginRequest(path, "", OriginKind.Media));

    public void Dispose() => Client.Dispose();
}
