using System.Diagnostics;
using System.Net.Sockets;
using XLive.Server.Sending;

namespace XLive.Server.Tests.Delivery;

public sealed class ImpatientServer : SharedServer
{
    protected override string[] Settings => ["--network.send_idle_timeout=1s"];
}

public sealed class ImpatientCopyingServer : SharedServer
{
    protected override string[] Settings => ["--network.send_idle_timeout=1s", "--backend.filesystem.sendfile=false"];
}

/// <summary>Who takes nothing for a second is cut; who takes a little, ever so slowly, never.</summary>
public sealed class IdleTests(ImpatientServer impatient, ImpatientCopyingServer copying) : IClassFixture<ImpatientServer>, IClassFixture<ImpatientCopyingServer>
{
    private const int Size = 16 * 1024 * 1024;

    private TestServer Server(bool sendfile) => (sendfile ? impatient : (SharedServer)copying).Server;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Who_takes_nothing_is_cut(bool sendfile)
    {
        var server = Server(sendfile);
        var bytes = Pattern.Bytes(Size, 9);
        server.Write("x/idle.ts", bytes);
        var cuts = server.Get<WritableWaiter>().IdleCuts;
        var connections = server.ConnectionsOpen;
        using var client = server.Connect(receiveBuffer: 4096);
        client.Send(RawClient.Request("GET", TestServer.Signed("/x/idle.ts")));
        var clock = Stopwatch.StartNew();
        Until.True(() => server.Get<WritableWaiter>().IdleCuts > cuts, "the cut");
        Assert.True(clock.Elapsed > TimeSpan.FromSeconds(0.9), $"cut after {clock.Elapsed}");
        Until.True(() => server.ConnectionsOpen <= connections, "the connection is gone");
        // What the viewer has is right, is not all, and did not end as if it were all.
        client.ReadHead();
        var got = client.ReadToEnd(out var ending);
        Assert.Equal(Ending.Reset, ending);
        Assert.True(got.Length < Size);
        Pattern.AssertSame(bytes.AsSpan(0, got.Length), got);
        // It goes on where it was.
        using var again = server.Connect();
        var rest = again.Ask("GET", TestServer.Signed("/x/idle.ts"), $"Range: bytes={got.Length}-");
        Pattern.AssertSame(bytes, [.. got, .. rest.Body]);
        Until.True(() => server.Log("access.log").Contains(" 499 ", StringComparison.Ordinal), "499 in the access log");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Who_takes_a_little_all_the_time_is_not(bool sendfile)
    {
        var server = Server(sendfile);
        var bytes = Pattern.Bytes(Size, 10);
        server.Write("x/slow.ts", bytes);
        using var client = server.Connect(receiveBuffer: 8192);
        client.Send(RawClient.Request("GET", TestServer.Signed("/x/slow.ts")));
        client.ReadHead();
        var got = new MemoryStream();
        var clock = Stopwatch.StartNew();
        var piece = new byte[4096];
        // Five times the timeout.
        while (clock.Elapsed < TimeSpan.FromSeconds(5))
        {
            got.Write(client.ReadBody(4096));
            Thread.Sleep(100);
        }
        Assert.True(got.Length < Size / 4);
        got.Write(client.ReadBody(Size - got.Length));
        Pattern.AssertSame(bytes, got.ToArray());
    }

    [Fact]
    public void A_viewer_with_nothing_under_way_is_no_idle_sender()
    {
        var server = impatient.Server;
        using var client = server.Connect();
        // A wait for room first, so that the waiter knows this connection.
        server.Write("x/first.ts", Pattern.Bytes(Size, 11));
        client.Send(RawClient.Request("GET", TestServer.Signed("/x/first.ts")));
        client.Read();
        Assert.False(client.Socket.Poll(TimeSpan.FromSeconds(2.5), SelectMode.SelectRead), "the server said or ended something");
        Assert.Equal(200, client.Ask("GET", TestServer.Signed("/films/a.ts")).Status);
    }
}
