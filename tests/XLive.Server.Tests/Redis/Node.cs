using Microsoft.Extensions.Logging;
using XLive.Server.Sessions;
using XLive.Server.Sessions.Redis;
using XLive.Server.Storage.Redis;
using XLive.Server.Telemetry;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Redis;

/// <summary>A node as Redis sees it: the store, and what the server around it would remember and be told.</summary>
internal sealed class Node : IAsyncDisposable, ILogger<RedisWatch>
{
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    private static int s_last;
    private readonly List<(DateTime At, string Text)> _lines = [];

    public Node(string url, string secret = "redis-tests-secret-0123456789", string? name = null)
    {
        Assert.Null(RedisUrl.Parse(url, out var target));
        Supervisor = new Supervisor(TimeProvider.System);
        Revocations = new Revocations(TimeProvider.System);
        Client = new RedisClient(target, Supervisor, TimeProvider.System);
        Name = name ?? "node" + Interlocked.Increment(ref s_last);
        Watch = new RedisWatch(Client, Name, TimeProvider.System, this);
        Store = new RedisSessionStore(new NoFile(), Client, Watch, new RedisService(secret, ""), Name, Supervisor, TimeProvider.System);
    }

    public string Name { get; }
    public Supervisor Supervisor { get; }
    public Revocations Revocations { get; }
    public RedisClient Client { get; }
    public RedisWatch Watch { get; }
    public RedisSessionStore Store { get; }
    public List<SessionId> Lost { get; } = [];
    public string Reason => Store.Status.Reason;

    public string[] Lines
    {
        get
        {
            lock (_lines)
                return [.. _lines.Select(l => l.Text)];
        }
    }

    public static async Task<Node> StartAsync(string url, string secret = "redis-tests-secret-0123456789", string? name = null)
    {
        var node = new Node(url, secret, name);
        await node.StartAsync();
        return node;
    }

    public Task StartAsync() => Store.StartAsync(new StoreListener(Revocations, id =>
    {
        lock (Lost)
            Lost.Add(id);
    }));

    public static async Task<Node> JoinedAsync(string url, string? name = null)
    {
        var node = await StartAsync(url, name: name);
        node.IsWell();
        return node;
    }

    public void IsWell() => Until.Equal("", () => Reason.Length == 0 ? "" : Reason + LoopFaults, "the store is well");

    public string LoopFaults => string.Concat(Supervisor.Loops.Where(l => l.Restarts > 0).Select(l => $"; {l.Name}: {l.LastFault}"));

    public void IsDegraded(string word) =>
        Until.True(() => Store.Status.IsDegraded && Reason.Contains(word, StringComparison.OrdinalIgnoreCase), $"degraded for '{word}', but: '{Reason}'");

    public static SessionRecord Session(string uid, SessionId? id = null) => new()
    {
        Id = id ?? SessionId.New(), Uid = uid, HasPlace = true, OpenedAt = Now, SeenAt = Now, Path = "/films/a/playlist.m3u8",
        Address = System.Net.IPAddress.Loopback, UserAgent = "Lavf/59", Bytes = 1234, Rate = 56, Client = ClientKind.Player,
        Entry = EntryKey.Of("token", default, "Lavf/59"),
    };

    public static long Now => DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    public async Task<PlaceAnswer> Enter(SessionRecord session, int most = 2, bool replaces = false, SessionId? insteadOf = null) =>
        await Store.EnterAsync(session, insteadOf, new DeviceLimit(most, replaces, Lease));

    /// <summary>Asked again when the machine was too busy for an answer within 50 ms.</summary>
    public async Task<PlaceAnswer> Answered(SessionRecord session, int most = 2, bool replaces = false, SessionId? insteadOf = null)
    {
        for (var i = 0; ; i++)
        {
            var answer = await Enter(session, most, replaces, insteadOf);
            if (answer != PlaceAnswer.Unanswered || i == 40)
                return answer;
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    public ValueTask<bool> Save(params SessionRecord[] sessions) => Store.SaveAsync(sessions, [], Lease);

    public static Revocation Of(string uid, long lasts = 600) => new(RevocationKind.Uid, uid, Now, Now + lasts, "why", "admin");

    public bool Bars(string uid) => Revocations.Find(new(RevocationKind.Uid, uid)) is not null;

    public async Task<string[]> Others() => [.. (await Store.ListAsync(new SessionFilter(), null, 1000)).Select(s => s.Id.ToString())];

    public async Task<bool> Sees(SessionRecord session) => (await Store.FindAsync(session.Id)) is { } found && found.Uid == session.Uid;

    /// <summary>Lines a second at most, over its whole life.</summary>
    public int MostLinesASecond()
    {
        lock (_lines)
            return _lines.Count == 0 ? 0 : _lines.Max(l => _lines.Count(o => o.At >= l.At && o.At < l.At.AddMilliseconds(990)));
    }

    public ValueTask DisposeAsync() => Store.DisposeAsync();

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_lines)
            _lines.Add((DateTime.UtcNow, formatter(state, exception)));
    }

    /// <summary>In the place of the node's file, which has tests of its own.</summary>
    private sealed class NoFile : ISessionStore
    {
        public string Name => "none";
        public StoreStatus Status => new(false, "", 0);
        public bool SharesPlaces => false;
        public Task<IReadOnlyList<SessionRecord>> StartAsync(StoreListener node) => Task.FromResult<IReadOnlyList<SessionRecord>>([]);
        public ValueTask<PlaceAnswer> EnterAsync(SessionRecord session, SessionId? insteadOf, DeviceLimit limit) => new(PlaceAnswer.Unanswered);
        public ValueTask<bool> SaveAsync(IReadOnlyList<SessionRecord> changed, IReadOnlyList<SessionId> gone, TimeSpan lease) => new(true);
        public ValueTask<bool> RevokeAsync(Revocation revocation) => new(true);
        public ValueTask<bool> LiftAsync(RevocationKey name) => new(true);
        public ValueTask<IReadOnlyList<SessionRecord>> ListAsync(SessionFilter filter, SessionId? after, int most) => new((IReadOnlyList<SessionRecord>)[]);
        public ValueTask<SessionRecord?> FindAsync(SessionId id) => new((SessionRecord?)null);
        public ValueTask DisposeAsync() => default;
    }
}
