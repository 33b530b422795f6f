using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>The way out, seen from outside the process: which calls it makes, and what viewers cost it. ./bench delivery has the full size.</summary>
public sealed class SendfileTests
{
    const int MiB = 1 << 20;

    [Fact]
    public async Task A_warm_film_is_never_read_into_the_process()
    {
        var stop = TestContext.Current.CancellationToken;
        using var media = new TempFolder();
        Directory.CreateDirectory(media["film"]);
        await File.WriteAllBytesAsync(media["film/large.ts"], new byte[4 * MiB], stop);
        await using var server = await ServerProcess.Start(media.Path);
        async Task Fetch() =>
            Assert.Equal(4 * MiB, (await server.Http.GetByteArrayAsync(ServerProcess.Sign("/film/large.ts").InQuery, stop)).Length);
        await Fetch();

        var trace = media["trace"];
        using var strace = Process.Start(new ProcessStartInfo("strace",
            ["-f", "-y", "-p", $"{server.Process.Id}", "-o", trace, "-e", "trace=read,pread64,readv,preadv,preadv2,mmap,sendfile"])
        { RedirectStandardError = true })!;
        // It says so when it has hold of every thread.
        for (var deadline = Stopwatch.StartNew(); ;)
        {
            Assert.True(deadline.Elapsed < TimeSpan.FromSeconds(20), "strace did not attach");
            if ((await strace.StandardError.ReadLineAsync(stop))?.Contains("attached", StringComparison.Ordinal) == true)
                break;
        }
        _ = strace.StandardError.ReadToEndAsync(stop);
        for (var i = 0; i < 10; i++)
            await Fetch();
        await Tool.Stop(strace, TimeSpan.FromSeconds(10));

        var calls = (await File.ReadAllLinesAsync(trace, stop)).Where(l => l.Contains("/film/large.ts", StringComparison.Ordinal)).ToList();
        Assert.Contains(calls, l => l.Contains("sendfile(", StringComparison.Ordinal));
        Assert.DoesNotContain(calls, l => !l.Contains("sendfile", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Stopped_viewers_cost_little_memory()
    {
        // The bench has 4,000 and a bar of 24 KiB each; with so few the runtime's own noise counts, so the bar is double.
        const int viewers = 500;
        var stop = TestContext.Current.CancellationToken;
        using var media = new TempFolder();
        Directory.CreateDirectory(media["film"]);
        await using (var file = File.Create(media["film/huge.ts"]))
            file.SetLength(100L * MiB);
        await using var server = await ServerProcess.Start(media.Path);
        var request = Encoding.ASCII.GetBytes($"GET {ServerProcess.Sign("/film/huge.ts").InQuery} HTTP/1.1\r\nHost: x\r\n\r\n");
        var sockets = new List<Socket>();
        async Task Stand(int count)
        {
            for (var i = 0; i < count; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
                sockets.Add(socket);
                await socket.ConnectAsync("127.0.0.1", server.Port, stop);
                await socket.SendAsync(request, stop);
                Assert.Equal(1, await socket.ReceiveAsync(new byte[1], stop));
            }
        }
        try
        {
            // The first ones warm code and pools.
            await Stand(100);
            var before = Rss(server);
            await Stand(viewers);
            var each = (Rss(server) - before) / 1024.0 / viewers;
            TestContext.Current.SendDiagnosticMessage("a stopped viewer: {0:0.0} KiB", each);
            Assert.InRange(each, -100, 48);
        }
        finally
        {
            sockets.ForEach(s => s.Dispose());
        }
    }

    static long Rss(ServerProcess server)
    {
        server.Process.Refresh();
        return server.Process.WorkingSet64;
    }
}
