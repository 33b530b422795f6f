using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using XLive.Media.Rtmp;
using XLive.Server.Rtmp;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Rtmp;

/// <summary>The server with an RTMP port, and in the place of ingest and playback one that notes what it is given.</summary>
internal sealed class RtmpServer : IAsyncDisposable, IRtmpPublishers, IRtmpPlayers
{
    private readonly TestServer _server;

    private RtmpServer(TestServer server, int port) => (_server, Port) = (server, port);

    public int Port { get; }
    public RtmpConnections Connections => _server.Get<RtmpConnections>();
    public ConcurrentQueue<Role> Roles { get; } = [];

    /// <summary>Whoever asks waits for it.</summary>
    public TaskCompletionSource<string?> Decision { get; set; } = Decided(null);

    public static TaskCompletionSource<string?> Decided(string? refusal)
    {
        var decision = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        decision.SetResult(refusal);
        return decision;
    }

    public static async Task<RtmpServer> StartAsync(TimeProvider? clock = null, params string[] settings)
    {
        var port = FreePort.Next();
        var server = await TestServer.StartAsync(clock ?? TimeProvider.System, [$"--rtmp.port={port}", .. settings]);
        var rtmp = new RtmpServer(server, port);
        (rtmp.Connections.Publishers, rtmp.Connections.Players) = (rtmp, rtmp);
        return rtmp;
    }

    public RtmpClient Connect() => new(Port);

    public Role TheRole()
    {
        Until.True(() => !Roles.IsEmpty, "a role");
        Assert.True(Roles.TryPeek(out var role));
        return role;
    }

    async ValueTask<RtmpAdmission<IRtmpPublisher>> IRtmpPublishers.AdmitAsync(RtmpConnection connection, RtmpPublish publish, CancellationToken gone)
    {
        if (await Decision.Task is { } refusal)
            return RtmpAdmission<IRtmpPublisher>.Refused(refusal, "No.");
        var role = new Role(connection, publish.Name, publish.Query);
        Roles.Enqueue(role);
        return RtmpAdmission<IRtmpPublisher>.Granted(role);
    }

    async ValueTask<RtmpAdmission<IRtmpPlayer>> IRtmpPlayers.AdmitAsync(RtmpConnection connection, RtmpPlay play, CancellationToken gone)
    {
        if (await Decision.Task is { } refusal)
            return RtmpAdmission<IRtmpPlayer>.Refused(refusal, "No.");
        var role = new Role(connection, play.Name, play.Query);
        Roles.Enqueue(role);
        return RtmpAdmission<IRtmpPlayer>.Granted(role);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    internal sealed class Role(RtmpConnection connection, string name, string query) : IRtmpPublisher, IRtmpPlayer
    {
        private readonly TaskCompletionSource _streamEnd = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _messages;

        public RtmpConnection Connection => connection;
        public string Name => name;
        public string Query => query;
        public int Messages => Volatile.Read(ref _messages);
        public ConcurrentQueue<RtmpEnd> Ends { get; } = [];
        public ConcurrentQueue<RtmpEventKind> Told { get; } = [];
        public bool IsGone { get; private set; }

        public void Take(in RtmpEvent occurred) => Interlocked.Increment(ref _messages);

        public void End(RtmpEnd how) => Ends.Enqueue(how);

        public void Tell(RtmpEventKind what) => Told.Enqueue(what);

        public void EndStream() => _streamEnd.SetResult();

        public async Task PlayAsync(RtmpOutput output, uint streamId, CancellationToken gone)
        {
            await output.SendAsync(Media.Tests.Rtmp.Wire.Message(6, 9, streamId, 40, new byte[100]));
            await Task.WhenAny(_streamEnd.Task, Task.Delay(Timeout.Infinite, gone));
            IsGone = gone.IsCancellationRequested;
        }
    }
}
