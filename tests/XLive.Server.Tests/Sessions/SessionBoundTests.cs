using System.Net;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Door;
using XLive.Server.Sessions;
using XLive.Server.Telemetry;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Telemetry;
using XLive.Server.Traffic;

namespace XLive.Server.Tests.Sessions;

/// <summary>Viewers beyond the bound of the table play and are not listed; who is revoked is cut all the same.</summary>
public sealed class SessionBoundTests
{
    private readonly StoppedClock _clock = new();
    private readonly SessionTable _table;

    public SessionBoundTests() => _table = new SessionTable(new SessionGrants(new byte[32]), new UserMeters(), static () => new SessionOptions(), _clock);

    private Session Come(string uid) => _table.Open(new Newcomer(uid, "k1", IPAddress.Loopback, ClientKind.Browser, "Player/1",
        EntryKey.Of(uid, AddressKey.Network(IPAddress.Loopback), "Player/1"), _clock.GetTimestamp())).Session!;

    [Theory]
    [InlineData("sid")]
    [InlineData("uid")]
    [InlineData("kid")]
    public void Who_is_not_listed_is_cut_by_a_revocation_and_plays_when_it_is_lifted(string what)
    {
        _table.Room = 2;
        Come("first");
        Come("second");
        var beyond = Come("third");
        Assert.Equal(2, _table.Count);
        Assert.Null(_table.Find(beyond.Id));
        // Another's revocation is nothing to him.
        _table.Revocations.Put(Until(RevocationKind.Uid, "first"));
        Assert.False(beyond.Meter.IsStopped);
        Assert.Null(_table.Refusal(beyond, _clock.GetTimestamp()));
        var revocation = what switch
        {
            "sid" => Until(RevocationKind.Sid, beyond.Sid),
            "uid" => Until(RevocationKind.Uid, "third"),
            _ => Until(RevocationKind.Kid, "k1"),
        };
        _table.Revocations.Put(revocation);
        Assert.True(beyond.Meter.IsStopped);
        Assert.Equal(StopReason.Revoked, beyond.Meter.StoppedFor);
        Assert.Equal("revoked", _table.Refusal(beyond, _clock.GetTimestamp()));
        _table.Revocations.Lift(revocation.Name);
        Assert.Null(_table.Refusal(beyond, _clock.GetTimestamp()));
        Assert.False(beyond.Meter.IsStopped);
        _table.Revocations.Put(revocation);
        Assert.True(beyond.Meter.IsStopped);
    }

    [Fact]
    public void Who_was_dropped_as_idle_with_a_transfer_that_stands_still_is_cut_too()
    {
        var paused = Come("paused");
        _clock.Pass(new SessionOptions().Idle + TimeSpan.FromSeconds(1));
        _table.Sweep(static _ => { });
        Assert.Equal(0, _table.Count);
        _table.Revocations.Put(Until(RevocationKind.Uid, "paused"));
        Assert.True(paused.Meter.IsStopped);
    }

    [Theory]
    [InlineData("sid")]
    [InlineData("uid")]
    [InlineData("kid")]
    public async Task A_running_transfer_beyond_the_bound_ends_within_two_seconds(string what)
    {
        await using var api = await SessionApi.StartAsync();
        var server = api.Server;
        var stop = TestContext.Current.CancellationToken;
        var table = server.Services.GetRequiredService<SessionTable>();
        table.Room = 0;
        var connections = server.Services.GetRequiredService<ConnectionCount>();
        var before = connections.Open;
        var path = await server.SessionPath(server.Link(Films.Master));
        Assert.True(server.Services.GetRequiredService<SessionGrants>().TryRead(path.AsSpan(1), out var claim));
        using var client = await Task.Run(() => new RawClient(new IPEndPoint(IPAddress.Loopback, server.Port), receiveBuffer: 16 * 1024), stop);
        await Task.Run(() => client.Send(RawClient.Request("GET", path + "/v/film/large.ts")).ReadHead(), stop);
        await Task.Run(() => client.ReadBody(100_000), stop);
        Assert.Equal(0, table.Count);
        var waited = TimeSpan.Zero;
        await api.Revoke(what switch { "sid" => $$"""{"sid": "{{claim.Id}}"}""", "uid" => """{"uid": "u1"}""", _ => """{"kid": ""}""" });
        // Who reads nothing is found by the sweep, which goes by the server's clock.
        await SessionApi.Eventually(() =>
        {
            var step = TimeSpan.FromMilliseconds(20);
            server.Clock.Pass(step);
            waited += step;
            return Task.FromResult(connections.Open <= before);
        }, "its connection is closed");
        Assert.InRange(waited.TotalSeconds, 0, 4);
        Assert.Equal("403 revoked", await server.Verdict(path + Films.Segment));
    }

    private static Revocation Until(RevocationKind kind, string key) => new(kind, key, 0, Revocation.Ever, "", "admin");
}
