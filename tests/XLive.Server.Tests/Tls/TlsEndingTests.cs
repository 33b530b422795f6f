using System.Diagnostics;
using System.Security.Authentication;
using XLive.Server.Sending;
using XLive.Server.Tests.Delivery;
using XLive.Server.Traffic;

namespace XLive.Server.Tests.Tls;

/// <summary>How encrypted connections end: whole with a goodbye, cut without.</summary>
public sealed class TlsEndingTests(TlsServer shared, ImpatientTlsServer impatient) : IClassFixture<TlsServer>, IClassFixture<ImpatientTlsServer>
{
    private const int MiB = 1024 * 1024;

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public void The_last_response_is_followed_by_a_goodbye(SslProtocols protocol)
    {
        using var client = shared.Connect(protocol);
        Assert.Equal(200, client.Ask("GET", TestServer.Signed("/films/a.ts")).Status);
        Assert.False(client.WasToldGoodbye);
        Pattern.AssertSame(shared.LargeBytes, client.Ask("GET", TestServer.Signed("/films/large.ts"), "Connection: close").Body);
        client.AssertEnded();
        Assert.True(client.WasToldGoodbye);
    }

    /// <summary>
    /// Where the last bytes of a body just fit into a full socket, the goodbye behind them does not. The viewer reads late, and must
    /// find both all the same.
    /// </summary>
    [Fact]
    public void A_goodbye_that_does_not_fit_is_said_later()
    {
        var bytes = Pattern.Bytes(16 * MiB, 51);
        shared.Server.Write("x/full.ts", bytes);
        var asked = 0;
        // The largest body that the socket takes before its viewer reads anything; an alert is 24 bytes.
        var (fits, tooMuch) = (64 * 1024, 16 * MiB);
        while (tooMuch - fits > 1)
        {
            var size = (fits + tooMuch) / 2;
            using var probe = Ask(size, out var uid);
            if (IsTaken(uid, size, TimeSpan.FromMilliseconds(150)))
                fits = size;
            else
                tooMuch = size;
        }
        for (var less = 0; less < 24; less += 3)
        {
            var size = fits - less;
            using var late = Ask(size, out var uid);
            if (!IsTaken(uid, size, TimeSpan.FromSeconds(1)))
                continue;
            // Its line is there: whatever comes after the body has been tried.
            shared.LineOf(uid);
            Assert.Equal(size, late.ReadHead().ContentLength);
            Pattern.AssertSame(bytes.AsSpan(0, size), late.ReadBody(size));
            late.AssertEnded();
            Assert.True(late.WasToldGoodbye);
        }

        RawClient Ask(int size, out string uid)
        {
            uid = $"late{asked++}";
            var client = shared.Connect(SslProtocols.Tls13, receiveBuffer: 4096);
            return client.Send(RawClient.Request("GET", TlsServer.SignedFor(uid, "/x/full.ts"), $"Range: bytes=0-{size - 1}", "Connection: close"));
        }

        bool IsTaken(string uid, int size, TimeSpan patience)
        {
            var account = shared.Server.Get<UserMeters>().Of(uid);
            for (var clock = Stopwatch.StartNew(); clock.Elapsed < patience; Thread.Sleep(5))
            {
                // Charged before it is sent: only the log's line says that all of it was.
                if (account.Bytes == size && shared.Server.Log("access.log").Contains($"uid=\"{uid}\"", StringComparison.Ordinal))
                    return true;
            }
            return false;
        }
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public void Who_takes_nothing_is_cut(SslProtocols protocol)
    {
        var server = impatient.Server;
        var bytes = Pattern.Bytes(16 * MiB, 9);
        server.Write("x/idle.ts", bytes);
        var uid = "idle-" + protocol;
        var cuts = server.Get<WritableWaiter>().IdleCuts;
        using var client = impatient.Connect(protocol, receiveBuffer: 4096);
        client.Send(RawClient.Request("GET", TlsServer.SignedFor(uid, "/x/idle.ts"))).ReadHead();
        var clock = Stopwatch.StartNew();
        Until.True(() => server.Get<WritableWaiter>().IdleCuts > cuts, "the cut");
        Assert.True(clock.Elapsed > TimeSpan.FromSeconds(0.9), $"cut after {clock.Elapsed}");
        Assert.Equal(499, impatient.LoggedOf(uid).Status);
        var got = client.ReadToEnd(out var ending);
        Assert.Equal(Ending.Reset, ending);
        Assert.False(client.WasToldGoodbye);
        // A reset may take what the viewer's kernel held; what came before it is right.
        Pattern.AssertSame(bytes.AsSpan(0, got.Length), got);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public void Who_pauses_goes_on(SslProtocols protocol)
    {
        var bytes = Pattern.Bytes(8 * MiB, 10);
        impatient.Server.Write("x/pause.ts", bytes);
        using var client = impatient.Connect(protocol, receiveBuffer: 8192);
        client.Send(RawClient.Request("GET", TestServer.Signed("/x/pause.ts"))).ReadHead();
        var got = new MemoryStream();
        for (var i = 0; i < 6; i++)
        {
            got.Write(client.ReadBody(100_000));
            Thread.Sleep(500);
        }
        got.Write(client.ReadBody(bytes.Length - got.Length));
        Pattern.AssertSame(bytes, got.ToArray());
        Assert.Equal(200, client.Ask("GET", TestServer.Signed("/films/a.ts")).Status);
    }
}
