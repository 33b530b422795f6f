using XLive.Server.Playback.Vod.Origin;

namespace XLive.Server.Tests.Origin;

/// <summary>Bodies that are slow, silent or endless, and readers who leave them.</summary>
public sealed class HostileBodyTests
{
    [Fact]
    public async Task Silence_in_the_body_counts_only_while_somebody_reads()
    {
        using var go = new ManualResetEventSlim();
        using var origin = new HostileOrigin((_, _, wire) =>
        {
            wire.Say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234");
            go.Wait(TimeSpan.FromSeconds(15));
            wire.Say("5678");
        });
        using var asker = HostileTests.Once(new OriginOptions { Origins = [origin.Url], IdleTimeout = TimeSpan.FromMilliseconds(300) });
        var cancel = TestContext.Current.CancellationToken;
        await using var reply = await asker.Open(new OriginRequest("/a.ts", "", OriginKind.Media));
        var into = new byte[5];
        Assert.Equal(5, await reply.ReadAsync(into, cancel));
        await Task.Delay(700, cancel);
        go.Set();
        Assert.Equal(4, await ReadFully(reply, into.AsMemory(0, 4)));
        var fault = await Assert.ThrowsAsync<OriginException>(async () => await reply.ReadAsync(into, cancel));
        Assert.Equal(OriginFault.TimedOut, fault.Fault);
        // It stays what it is.
        Assert.Same(fault, await Assert.ThrowsAsync<OriginException>(async () => await reply.ReadAsync(into, cancel)));
    }

    [Fact]
    public async Task A_slow_drip_is_read_to_its_end()
    {
        using var origin = new HostileOrigin(static (_, _, wire) =>
        {
            wire.Say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
            for (var i = 0; i < 10; i++)
            {
                wire.Say("x");
                Thread.Sleep(50);
            }
        });
        using var asker = HostileTests.Once(origin);
        Assert.Equal(10, (await asker.Fetch("/a.ts")).Body.Length);
    }

    [Fact]
    public async Task A_hundred_gigabytes_are_not_read_when_nobody_wants_them()
    {
        var sent = 0L;
        using var over = new ManualResetEventSlim();
        using var origin = new HostileOrigin((_, _, wire) =>
        {
            try
            {
                wire.Say("HTTP/1.1 200 OK\r\nContent-Length: 107374182400\r\n\r\n");
                for (var piece = new byte[64 << 10]; ; Interlocked.Add(ref sent, piece.Length))
                    wire.Send(piece);
            }
            finally
            {
                over.Set();
            }
        });
        using var asker = HostileTests.Once(new OriginOptions { Origins = [origin.Url], BufferSize = 64 << 10 });
        var cancel = TestContext.Current.CancellationToken;
        await using (var reply = await asker.Open(new OriginRequest("/a.ts", "", OriginKind.Media)))
        {
            Assert.Equal(107374182400, reply.Length);
            await reply.ReadAsync(new byte[1000], cancel);
        }
        Assert.True(over.Wait(TimeSpan.FromSeconds(10), cancel), "the connection is still there");
        // Sent ahead of a reader who has stopped: two sockets' buffers. The kernel doubles what it is told, and the sender's grows to 4 MiB.
        Assert.InRange(Interlocked.Read(ref sent), 0, 8 << 20);
        await AskingTests.Eventually(() => asker.Client.Servers[0].Http1.Open == 0);
    }

    [Fact]
    public async Task A_client_that_ends_before_its_replies_ends_none_of_them_badly()
    {
        using var origin = new HostileOrigin(HostileOrigin.File(new byte[1_000_000]));
        var asker = HostileTests.Once(origin);
        var reply = await asker.Open(new OriginRequest("/a.ts", "", OriginKind.Media));
        asker.Dispose();
        await reply.DisposeAsync();
        Assert.Equal((0, 0), (asker.Client.Servers[0].Pending, asker.Client.Connections.Taken));
        Assert.Equal(OriginFault.BrokenOff, (await asker.Fault()).Fault);
    }

    private static async Task<int> ReadFully(OriginReply reply, Memory<byte> into)
    {
        var read = 0;
        while (read < into.Length && await reply.ReadAsync(into[read..], TestContext.Current.CancellationToken) is var count and > 0)
            read += count;
        return read;
    }
}
