namespace XLive.Server.Tests.Delivery;

public sealed class CopyingFromDisk : SharedServer
{
    protected override string[] Settings => ["--backend.filesystem.sendfile=false"];
}

/// <summary>Files that change under our feet: while they are sent, and between two requests.</summary>
public sealed class ChangingFileTests(SharedServer shared, CopyingFromDisk copying) : IClassFixture<SharedServer>, IClassFixture<CopyingFromDisk>
{
    private const int MiB = 1024 * 1024;
    private const int Size = 24 * MiB;

    // XLive looks again after a second; a busy machine may add to that.
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(4);

    private TestServer Server(bool sendfile) => (sendfile ? shared : copying).Server;

    /// <summary>A viewer that has the head and the first bytes, with the rest still to come.</summary>
    private static RawClient Begin(TestServer server, string name, out Answer head, out byte[] first)
    {
        var client = server.Connect(receiveBuffer: 4096);
        client.Send(RawClient.Request("GET", TestServer.Signed("/" + name)));
        head = client.ReadHead();
        first = client.ReadBody(100_000);
        return client;
    }

    private static void Replace(TestServer server, string name, ReadOnlySpan<byte> bytes)
    {
        File.WriteAllBytes(server.PathOf(name) + ".tmp", bytes);
        File.Move(server.PathOf(name) + ".tmp", server.PathOf(name), overwrite: true);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Replaced_while_sent_the_viewer_gets_one_version_whole(bool sendfile)
    {
        var server = Server(sendfile);
        byte[] old = Pattern.Bytes(Size, 3), young = Pattern.Bytes(Size / 2, 4);
        server.Write("x/replaced.ts", old);
        using var client = Begin(server, "x/replaced.ts", out var head, out var first);
        Replace(server, "x/replaced.ts", young);
        // Others see the new one while the first still gets the old.
        Answer next = null!;
        Until.True(() => (next = server.Fetch("/x/replaced.ts"))["ETag"] != head["ETag"], "the new version", Soon);
        Pattern.AssertSame(young, next.Body);
        Pattern.AssertSame(old, [.. first, .. client.ReadBody(Size - first.Length)]);
        Assert.Equal(Size, head.ContentLength);
        // And a resume by the old tag starts over instead of mixing two files.
        var resumed = client.Ask("GET", TestServer.Signed("/x/replaced.ts"), "Range: bytes=5-", "If-Range: " + head["ETag"]);
        Assert.Equal(200, resumed.Status);
        Pattern.AssertSame(young, resumed.Body);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Truncated_while_sent_the_connection_breaks_and_nothing_false_is_sent(bool sendfile)
    {
        var server = Server(sendfile);
        var bytes = Pattern.Bytes(Size, 5);
        server.Write("x/truncated.ts", bytes);
        using var client = Begin(server, "x/truncated.ts", out var head, out var first);
        using (var file = File.OpenWrite(server.PathOf("x/truncated.ts")))
            file.SetLength(Size - 4 * MiB);
        byte[] got = [.. first, .. client.ReadToEnd(out var ending)];
        Assert.Equal(Ending.Reset, ending);
        Assert.Equal(Size, head.ContentLength);
        Assert.True(got.Length < Size);
        Pattern.AssertSame(bytes.AsSpan(0, got.Length), got);
        // The server lives, and soon tells the new length.
        Until.Equal(Size - 4L * MiB, () => server.Ask("HEAD", "/x/truncated.ts").ContentLength, "length", Soon);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Truncated_between_two_requests_is_never_padded(bool sendfile)
    {
        var server = Server(sendfile);
        var bytes = Pattern.Bytes(2 * MiB, 6);
        server.Write("x/shorter.ts", bytes);
        Pattern.AssertSame(bytes, server.Fetch("/x/shorter.ts").Body);
        using (var file = File.OpenWrite(server.PathOf("x/shorter.ts")))
            file.SetLength(MiB);
        // Within the second of trust the old length may be told; then the end must be a reset.
        using var client = server.Connect();
        client.Send(RawClient.Request("GET", TestServer.Signed("/x/shorter.ts"), "Connection: close"));
        var head = client.ReadHead();
        var got = client.ReadToEnd(out var ending);
        Assert.Equal(head.ContentLength == MiB ? Ending.Orderly : Ending.Reset, ending);
        Assert.True(got.Length <= MiB);
        Pattern.AssertSame(bytes.AsSpan(0, got.Length), got);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Appended_to_while_sent_the_promise_stands(bool sendfile)
    {
        var server = Server(sendfile);
        var bytes = Pattern.Bytes(Size + MiB, 7);
        server.Write("x/appended.ts", bytes.AsSpan(0, Size));
        using var client = Begin(server, "x/appended.ts", out var head, out var first);
        using (var file = new FileStream(server.PathOf("x/appended.ts"), FileMode.Append))
            file.Write(bytes, Size, MiB);
        Pattern.AssertSame(bytes.AsSpan(0, Size), [.. first, .. client.ReadBody(Size - first.Length)]);
        Answer next = null!;
        Until.True(() => (next = client.Ask("GET", TestServer.Signed("/x/appended.ts"))).ContentLength > Size, "the longer file", Soon);
        Assert.NotEqual(head["ETag"], next["ETag"]);
        Pattern.AssertSame(bytes, next.Body);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Removed_while_sent_the_viewer_gets_all(bool sendfile)
    {
        var server = Server(sendfile);
        var bytes = Pattern.Bytes(Size, 8);
        server.Write("x/removed.ts", bytes);
        using var client = Begin(server, "x/removed.ts", out _, out var first);
        File.Delete(server.PathOf("x/removed.ts"));
        Until.Equal(404, () => server.Fetch("/x/removed.ts").Status, "status", Soon);
        Pattern.AssertSame(bytes, [.. first, .. client.ReadBody(Size - first.Length)]);
        Assert.Equal(404, client.Ask("GET", TestServer.Signed("/x/removed.ts")).Status);
        server.Write("x/removed.ts", "back");
        Assert.Equal("back", server.Fetch("/x/removed.ts").Text);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(300_000)]
    public void A_file_replaced_all_the_time_is_always_one_version(int size)
    {
        var server = shared.Server;
        var name = $"x/busy{size}.ts";
        byte[][] versions = [.. Enumerable.Range(0, 5).Select(i => Enumerable.Repeat((byte)(i + 1), size + i).ToArray())];
        Replace2(0);
        using var stop = new CancellationTokenSource();
        var writer = new Thread(() =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
                Replace2(i % 5);
        });
        writer.Start();
        try
        {
            using var client = server.Connect();
            var seen = new HashSet<int>();
            var clock = System.Diagnostics.Stopwatch.StartNew();
            while (clock.Elapsed < TimeSpan.FromSeconds(4) && seen.Count < 3)
            {
                var answer = client.Ask("GET", TestServer.Signed("/" + name));
                // Replaced thrice while it was read: said, not guessed.
                if (answer.Status == 503)
                    continue;
                Assert.Equal(200, answer.Status);
                Pattern.AssertSame(versions[answer.Body[0] - 1], answer.Body);
                seen.Add(answer.Body[0]);
            }
            Assert.True(seen.Count > 1, "several versions were seen");
        }
        finally
        {
            stop.Cancel();
            writer.Join();
        }

        void Replace2(int version)
        {
            Directory.CreateDirectory(server.PathOf("x"));
            File.WriteAllBytes(server.PathOf(name) + ".tmp", versions[version]);
            File.Move(server.PathOf(name) + ".tmp", server.PathOf(name), overwrite: true);
        }
    }

    [Fact]
    public void A_playlist_that_grows_is_never_older_than_it_may_be()
    {
        var server = shared.Server;
        var text = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n";
        server.Write("x/grows.m3u8", text);
        Assert.DoesNotContain("seg", server.Fetch("/x/grows.m3u8").Text);
        for (var i = 0; i < 2; i++)
        {
            text += $"#EXTINF:6,\nseg{i}.ts\n";
            Replace(server, "x/grows.m3u8", System.Text.Encoding.UTF8.GetBytes(text));
            Until.True(() => server.Fetch("/x/grows.m3u8").Text.Contains($"seg{i}.ts", StringComparison.Ordinal), "the new segment", Soon);
        }
    }
}
