using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using XLive.Server.Door;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Gate;

namespace XLive.Server.Tests.Tls;

/// <summary>Streams that are reset as fast as they come: Kestrel never ends some of the connections, and they must not stay in the table.</summary>
public sealed class AbandonedConnectionTests(UnwatchedTlsServer shared) : IClassFixture<UnwatchedTlsServer>
{
    private const byte Headers = 1, ResetStream = 3, Settings = 4;
    private const byte EndOfBoth = 5;

    // GET, https, a path, an authority (RFC 7541 appendix A and section 5.1).
    private static readonly byte[] s_request = Request(TestServer.Signed("/films/a.ts"));

    private static byte[] Request(string path) =>
        [0x82, 0x87, 0x04, checked((byte)path.Length), .. Encoding.ASCII.GetBytes(path), 0x41, 9, .. "localhost"u8];

    // Of a hundred connections a dozen are lost; on a slow machine that takes a while.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(8);

    [Fact]
    public void A_connection_that_Kestrel_never_ends_leaves_the_table()
    {
        var table = shared.Server.Get<OpenConnections>();
        var clock = Stopwatch.StartNew();
        var connections = 0;
        for (; clock.Elapsed < Longest && (connections < 100 || table.Abandoned == 0); connections++)
            Storm();
        // Five seconds after their ends, at the sweep.
        Until.Equal(0, () => shared.Server.ConnectionsOpen, $"connections, of {connections}");
        TestContext.Current.TestOutputHelper!.WriteLine($"of {connections} connections Kestrel never ended {table.Abandoned}");
        // Kestrel says when the collector has found one, and of each refused stream: somebody who floods must not fill the log.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using var after = shared.Connect();
        Assert.Equal(200, after.Ask("GET", TestServer.Signed("/films/a.ts")).Status);
        Assert.InRange(shared.Server.Log("error.log").Length, 0, 1000);
    }

    /// <summary>Until the server has had enough of it.</summary>
    private void Storm()
    {
        using var client = new RawClient(new IPEndPoint(IPAddress.Loopback, shared.Port), 0, TlsServer.Client(SslProtocols.None, SslApplicationProtocol.Http2));
        client.Send([.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, [])]);
        var trash = new byte[64 * 1024];
        for (var stream = 1; stream < 200_000;)
        {
            var frames = new List<byte>();
            for (var i = 0; i < 100; i++, stream += 2)
            {
                frames.AddRange(Frame(Headers, EndOfBoth, stream, s_request));
                frames.AddRange(Frame(ResetStream, 0, stream, [0, 0, 0, 8]));
            }
            try
            {
                client.Send(frames.ToArray());
                while (client.Socket.Poll(0, SelectMode.SelectRead))
                {
                    if (client.Socket.Receive(trash) == 0)
                        return;
                }
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                return;
            }
        }
    }

    private static byte[] Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8 | type);
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }
}
