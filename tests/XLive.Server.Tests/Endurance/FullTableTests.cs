using System.Net.Sockets;
using System.Text;
using XLive.Server.Door;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Endurance;

public sealed class SmallTableServer : SharedServer
{
    public const int Limit = 64;

    protected override string[] Settings => [$"--server.max_connections={Limit}"];
}

/// <summary>A table full of connections that do nothing keeps no viewer out, and no viewer at work pays for it.</summary>
public sealed class FullTableTests(SmallTableServer shared) : IClassFixture<SmallTableServer>, IDisposable
{
    private TestServer Server => shared.Server;
    private readonly List<RawClient> _idle = [];

    public enum Silence { NeverSpoke, HalfAHead, BetweenRequests, HalfASecondHead }

    public void Dispose()
    {
        _idle.ForEach(c => c.Dispose());
        Until.True(() => Server.ConnectionsOpen == 0, "no connection is left");
    }

    private void Fill(Silence kind, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var client = Server.Connect();
            _idle.Add(client);
            try
            {
                if (kind is Silence.BetweenRequests or Silence.HalfASecondHead)
                    client.Ask("GET", TestServer.Signed("/films/a.ts"));
                if (kind is Silence.HalfAHead or Silence.HalfASecondHead)
                    client.Send("GET /films/a.ts HTTP/1.1\r\nX-Half: ");
            }
            catch (Exception e) when (e is SocketException or EndOfStreamException)
            {
                // Room was wanted already.
            }
        }
    }

    [Theory]
    [InlineData(Silence.NeverSpoke)]
    [InlineData(Silence.HalfAHead)]
    [InlineData(Silence.BetweenRequests)]
    [InlineData(Silence.HalfASecondHead)]
    public void Viewers_get_in(Silence kind)
    {
        Fill(kind, SmallTableServer.Limit);
        Thread.Sleep(1200); // nobody goes in his first second
        var before = Server.Get<OpenConnections>().MadeRoom;
        var viewers = new List<RawClient>();
        try
        {
            // As many as the table has room for: for each who comes one must go. A viewer tries again, as players do.
            for (var i = 0; i < SmallTableServer.Limit; i++)
            {
                Until.True(() => Gets(), $"viewer {i} gets his segment", TimeSpan.FromSeconds(5));
            }
            Assert.True(Server.Get<OpenConnections>().MadeRoom > before);
            Assert.InRange(Server.ConnectionsOpen, 1, SmallTableServer.Limit);
        }
        finally
        {
            viewers.ForEach(v => v.Dispose());
        }

        bool Gets()
        {
            var viewer = Server.Connect();
            try
            {
                var answer = viewer.Ask("GET", TestServer.Signed("/films/a.ts"));
                viewers.Add(viewer);
                return answer.Status == 200;
            }
            catch (Exception e) when (e is SocketException or EndOfStreamException)
            {
                viewer.Dispose();
                return false;
            }
        }
    }

    [Fact]
    public void The_longest_at_rest_goes_first_and_who_is_at_work_stays()
    {
        var slow = Enumerable.Range(0, 8).Select(_ => Server.Connect(receiveBuffer: 4096)).ToList();
        _idle.AddRange(slow);
        foreach (var client in slow)
            client.Send(RawClient.Request("GET", TestServer.Signed("/films/large.ts")));
        Fill(Silence.BetweenRequests, SmallTableServer.Limit / 2);
        var fresh = _idle[^1];
        Thread.Sleep(1200);
        Assert.Equal(200, fresh.Ask("GET", TestServer.Signed("/films/a.ts")).Status);
        Fill(Silence.BetweenRequests, SmallTableServer.Limit / 2);
        Until.True(() => _idle[slow.Count].Socket.Poll(0, SelectMode.SelectRead), "the first one is closed");
        Assert.Equal(0, _idle[slow.Count].Socket.Receive(new byte[1]));
        Assert.Equal(200, fresh.Ask("GET", TestServer.Signed("/films/a.ts")).Status);
        foreach (var client in slow)
            Pattern.AssertSame(shared.LargeBytes, client.Read().Body);
    }

    [Fact]
    public void In_a_table_that_is_full_of_work_a_viewer_keeps_his_place()
    {
        var viewer = Server.Connect();
        _idle.Add(viewer);
        Assert.Equal(200, viewer.Ask("GET", TestServer.Signed("/films/a.ts")).Status);
        for (var i = 0; i < SmallTableServer.Limit * 3 / 2; i++)
        {
            var slow = Server.Connect(receiveBuffer: 4096);
            _idle.Add(slow);
            try
            {
                slow.Send(RawClient.Request("GET", TestServer.Signed("/films/large.ts")));
            }
            catch (SocketException)
            {
                // There was no room for it.
            }
        }
        Until.True(() => Server.ConnectionsOpen > SmallTableServer.Limit - SmallTableServer.Limit / 16, "the table is nearly full");
        for (var i = 0; i < 3; i++)
        {
            // Longer than anybody's rest.
            Thread.Sleep(1200);
            Assert.Equal(200, viewer.Ask("GET", TestServer.Signed("/films/a.ts")).Status);
        }
    }

    [Fact]
    public void Who_has_never_spoken_goes_before_those_who_have()
    {
        var asked = Server.Connect();
        _idle.Add(asked);
        Assert.Equal(200, asked.Ask("GET", "/health").Status);
        Fill(Silence.NeverSpoke, SmallTableServer.Limit / 2);
        Thread.Sleep(1200);
        Fill(Silence.BetweenRequests, SmallTableServer.Limit / 2);
        Until.True(() => _idle[1..].Any(static c => c.Socket.Poll(0, SelectMode.SelectRead)), "somebody goes");
        Assert.Equal(200, asked.Ask("GET", "/health").Status);
    }

    [Fact]
    public void What_the_kernel_still_holds_of_an_answer_arrives()
    {
        // The server is done with it when the kernel has it all; the viewer has read nothing yet.
        const int size = 100_000;
        var bytes = Pattern.Bytes(size, 5);
        Server.Write("films/held.ts", bytes);
        var viewer = Server.Connect(receiveBuffer: 4096);
        _idle.Add(viewer);
        viewer.Send(RawClient.Request("GET", TestServer.Signed("/films/held.ts")));
        Until.True(() => Server.Log("access.log").Contains("/films/held.ts", StringComparison.Ordinal), "the answer has been sent");
        Thread.Sleep(1200);
        var connections = Server.Get<OpenConnections>();
        var before = connections.MadeRoom;
        Fill(Silence.BetweenRequests, SmallTableServer.Limit);
        Thread.Sleep(1200);
        Fill(Silence.BetweenRequests, SmallTableServer.Limit);
        Assert.True(connections.MadeRoom > before);
        Pattern.AssertSame(bytes, viewer.Read().Body);
        viewer.AssertEnded();
    }
}
