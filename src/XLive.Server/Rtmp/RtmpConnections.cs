using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Connections;
using XLive.Media.Rtmp;
using XLive.Server.Access;
using XLive.Server.Limits;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Rtmp;

/// <summary>All RTMP connections: begins them, looks once a second whether each still does something, and counts what became of them.</summary>
internal sealed class RtmpConnections : IDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<RtmpConnection, bool> _all = new();
    private readonly long[] _faults = new long[Enum.GetValues<RtmpFault>().Length];
    private readonly ServerSettings _settings;
    private readonly AuditLog _audit;
    private readonly SupervisedLoop _looks;
    private long _refused;
    private long _silent;

    public RtmpConnections(ServerSettings settings, IEnumerable<IRtmpPublishers> publishers, IEnumerable<IRtmpPlayers> players, ConnectionLimits limits, AuditLog audit, TimeProvider clock, Supervisor supervisor)
    {
        _settings = settings;
        Limits = limits;
        _audit = audit;
        Clock = clock;
        Publishers = publishers.FirstOrDefault();
        Players = players.FirstOrDefault();
        _looks = supervisor.Every("rtmp", LookEvery, Look);
    }

    public TimeProvider Clock { get; }
    public ConnectionLimits Limits { get; }

    /// <summary>Null: nobody takes what is published.</summary>
    public IRtmpPublishers? Publishers { get; internal set; }
    public IRtmpPlayers? Players { get; internal set; }

    public int Open => _all.Count;
    public int Publishing => _all.Count(static c => c.Key.IsPublishing);
    public int Playing => _all.Count(static c => c.Key.IsPlaying);

    /// <summary>Memory that messages of peers take that are not whole, and their buffers.</summary>
    public long Held => _all.Sum(static c => (long)c.Key.Held);

    /// <summary>Connects, publishes and plays that were refused.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>Ended because nothing came.</summary>
    public long Silent => Volatile.Read(ref _silent);

    public long Faults(RtmpFault fault) => Volatile.Read(ref _faults[(int)fault]);

    /// <summary>A connection from its first byte to its last; Kestrel's delegate.</summary>
    public async Task ServeAsync(ConnectionContext context)
    {
        using var connection = new RtmpConnection(context, this);
        _all[connection] = true;
        try
        {
            await connection.RunAsync();
        }
        finally
        {
            _all.TryRemove(connection, out _);
        }
    }

    public bool IsApp(string name) => _settings.Of<LiveAppsOptions>().Apps.Contains(name);

    internal void CountRefused(string code, RtmpRefusal? refusal, IPAddress? from)
    {
        Interlocked.Increment(ref _refused);
        if (refusal is null)
            _audit.Refused("RTMP: " + code, null, from, null);
        else
            _audit.Refused(refusal.Reason, refusal.Kid, from, refusal.Target);
    }

    internal void Count(RtmpException fault, IPAddress? from)
    {
        Interlocked.Increment(ref _faults[(int)fault.Fault]);
        _audit.Refused("RTMP: " + fault.Fault, null, from, null);
    }

    internal void CountSilent() => Interlocked.Increment(ref _silent);

    private void Look()
    {
        var now = Clock.GetTimestamp();
        foreach (var (connection, _) in _all)
            connection.Look(now);
    }

    public void Dispose() => _looks.Dispose();
}
