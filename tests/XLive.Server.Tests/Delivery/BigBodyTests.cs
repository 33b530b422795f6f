using System.Net.Sockets;

namespace XLive.Server.Tests.Delivery;

public sealed class CopyingServer : SharedServer
{
    protected override string[] Settings => ["--backend.filesystem.sendfile=false"];
}

/// <summary>Every size from memory, by sendfile(2) and by copying: the same bytes.</summary>
public sealed class BigBodyTests(SharedServer shared, CopyingServer copying) : IClassFixture<SharedServer>, IClassFixture<CopyingServer>
{
    private const int KiB = 1024, MiB = 1024 * 1024;

    private TestServer Server(bool sendfile) => (sendfile ? shared : copying).Server;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(128 * KiB - 1)]
    [InlineData(128 * KiB)]
    [InlineData(128 * KiB + 1)]
    [InlineData(MiB - 1)]
    [InlineData(MiB)]
    [InlineData(MiB + 1)]
    [InlineData(10 * MiB)]
    public void A_file_of_any_size_comes_whole(int size)
    {
        var bytes = Pattern.Bytes(size, size);
        foreach (var sendfile in (bool[])[true, false])
        {
            var server = Server(sendfile);
            server.Write($"sizes/{size}.ts", bytes);
            using var client = server.Connect();
            // Cold by the lane, then warm from the thread at hand.
            for (var i = 0; i < 3; i++)
            {
                var answer = client.Ask("GET", TestServer.Signed($"/sizes/{size}.ts"));
                Assert.Equal(200, answer.Status);
                Assert.Equal(size, answer.ContentLength);
                Pattern.AssertSame(bytes, answer.Body);
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Ranges_and_small_windows_give_the_same_bytes(bool sendfile)
    {
        using var client = Server(sendfile).Connect(receiveBuffer: 4096);
        foreach (var (first, last) in ((int, int)[])[(0, SharedServer.Large - 1), (1, 1_500_000), (MiB - 1, MiB), (3_000_000, SharedServer.Large - 1)])
        {
            var answer = client.Ask("GET", TestServer.Signed("/films/large.ts"), $"Range: bytes={first}-{last}");
            Pattern.AssertSame(shared.LargeBytes.AsSpan(first, last - first + 1), answer.Body);
        }
    }

    private const long GiB = 1L << 30;
    private const long Huge = GiB + GiB / 5;

    /// <summary>A file beyond what Kestrel counts in one piece, with marks around the seam and at its end.</summary>
    private static byte[] WriteHuge(TestServer server, string name)
    {
        var mark = Pattern.Bytes(4096, 30);
        Directory.CreateDirectory(Path.GetDirectoryName(server.PathOf(name))!);
        using var file = File.OpenHandle(server.PathOf(name), FileMode.Create, FileAccess.Write);
        RandomAccess.SetLength(file, Huge);
        RandomAccess.Write(file, mark, GiB - 2048);
        RandomAccess.Write(file, mark, Huge - 4096);
        return mark;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Beyond_a_gibibyte_nothing_is_lost_at_the_seam(bool sendfile)
    {
        var server = Server(sendfile);
        var mark = WriteHuge(server, "huge/x.mp4");
        using var client = server.Connect();
        var around = client.Ask("GET", TestServer.Signed("/huge/x.mp4"), $"Range: bytes={GiB - 2048}-{GiB + 2047}");
        Assert.Equal($"bytes {GiB - 2048}-{GiB + 2047}/{Huge}", around["Content-Range"]);
        Pattern.AssertSame(mark, around.Body);
        Pattern.AssertSame(mark, client.Ask("GET", TestServer.Signed("/huge/x.mp4"), "Range: bytes=-4096").Body);

        client.Send(RawClient.Request("GET", TestServer.Signed("/huge/x.mp4")));
        var head = client.ReadHead();
        Assert.Equal(Huge, head.ContentLength);
        long at = 0;
        client.ReadBody(Huge, piece =>
        {
            for (var i = 0; i < piece.Length;)
            {
                var (wanted, until) = at < GiB - 2048 ? (-1, GiB - 2048)
                    : at < GiB + 2048 ? ((int)(at - (GiB - 2048)), GiB + 2048)
                    : at < Huge - 4096 ? (-1, Huge - 4096)
                    : ((int)(at - (Huge - 4096)), Huge);
                var n = (int)Math.Min(piece.Length - i, until - at);
                var part = piece.Slice(i, n);
                if (wanted < 0 ? part.ContainsAnyExcept((byte)0) : !part.SequenceEqual(mark.AsSpan(wanted, n)))
                    Assert.Fail($"wrong bytes between {at} and {at + n}");
                at += n;
                i += n;
            }
        });
        // Not one byte more or less: the next answer begins where this one ended.
        Pattern.AssertSame(shared.SmallBytes, client.Ask("GET", TestServer.Signed("/films/a.ts")).Body);
        File.Delete(server.PathOf("huge/x.mp4"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Many_slow_viewers_each_get_all(bool sendfile)
    {
        const int viewers = 100;
        var server = Server(sendfile);
        var connections = server.ConnectionsOpen;
        var clients = new List<RawClient>();
        var bodies = new List<MemoryStream>();
        for (var i = 0; i < viewers; i++)
        {
            clients.Add(server.Connect(receiveBuffer: 2304));
            bodies.Add(new MemoryStream());
            clients[i].Send(RawClient.Request("GET", TestServer.Signed("/films/large.ts"), "Range: bytes=0-1999999", "Connection: close"));
        }
        // In turns, a little each: every one of them waits for the others' turns.
        var open = clients.Select((c, i) => (Client: c, Body: bodies[i])).ToList();
        var buffer = new byte[16 * KiB];
        while (open.Count > 0)
        {
            open.RemoveAll(viewer =>
            {
                var n = viewer.Client.Socket.Receive(buffer);
                viewer.Body.Write(buffer, 0, n);
                return n == 0;
            });
        }
        foreach (var body in bodies)
        {
            var all = body.ToArray();
            var head = all.AsSpan().IndexOf("\r\n\r\n"u8) + 4;
            Assert.StartsWith("HTTP/1.1 206", System.Text.Encoding.ASCII.GetString(all, 0, head));
            Pattern.AssertSame(shared.LargeBytes.AsSpan(0, 2_000_000), all.AsSpan(head));
        }
        clients.ForEach(c => c.Dispose());
        Until.True(() => server.ConnectionsOpen <= connections, "the connections are gone");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Viewers_that_reset_leave_nothing_behind(bool sendfile)
    {
        await using var server = await TestServer.StartAsync($"--backend.filesystem.sendfile={sendfile}");
        for (var i = 0; i < 4; i++)
            server.Write($"x/{i}.ts", Pattern.Bytes(20 * MiB, i));
        for (var round = 0; round < 50; round++)
        {
            using var client = server.Connect(receiveBuffer: 4096);
            client.Send(RawClient.Request("GET", TestServer.Signed($"/x/{round % 4}.ts")));
            if (round % 2 == 0)
                client.ReadHead();
            if (round % 5 == 0)
                client.Dispose();
            else
                client.Reset();
        }
        Until.Equal(0, () => server.ConnectionsOpen, "open connections");
        // The table keeps its four; whoever was sending holds nothing any more.
        Assert.Equal(4, server.Files.Handles);
        Until.Equal(4, () => server.HandlesOpen, "open handles");
        Until.Equal(0, () => server.Get<global::XLive.Server.Sending.WritableWaiter>().Watched, "watched sockets");
        for (var i = 0; i < 4; i++)
            File.Delete(server.PathOf($"x/{i}.ts"));
        for (var i = 0; i < 4; i++)
            Until.Equal(404, () => server.Fetch($"/x/{i}.ts").Status, "status of a removed file");
        Until.Equal(0, () => server.HandlesOpen, "open handles of removed files");
        Assert.Equal((0, 0), (server.Files.Handles, server.Files.Count));
        Assert.DoesNotContain("rror", server.Log("error.log"));
    }

    [Fact]
    public async Task Bytes_are_metered_as_they_leave()
    {
        await using var server = await TestServer.StartAsync();
        server.Write("x/a.ts", Pattern.Bytes(3 * MiB));
        using var client = server.Connect();
        client.Ask("GET", TestServer.Signed("/x/a.ts"));
        client.Ask("HEAD", TestServer.Signed("/x/a.ts"));
        client.Ask("GET", TestServer.Signed("/x/a.ts"), "Range: bytes=0-99");
        client.Ask("GET", TestServer.Signed("/x/none.ts"));
        var meter = server.Get<XLive.Server.Traffic.UserMeters>().Of("u1");
        Until.Equal(3L * MiB + 100, () => meter.Bytes, "bytes of the user");
        client.Socket.Close();
        // A viewer that leaves is charged what its TCP could have taken, not the file.
        using var leaver = server.Connect(receiveBuffer: 4096);
        server.Write("x/b.ts", Pattern.Bytes(40 * MiB));
        leaver.Send(RawClient.Request("GET", TestServer.Signed("/x/b.ts")));
        leaver.ReadHead();
        leaver.Reset();
        Until.Equal(0, () => server.ConnectionsOpen, "open connections");
        Assert.InRange(meter.Bytes, 3L * MiB + 100, 20L * MiB);
    }
}
