using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>The built server where there is no more of something. A few rounds of what ./bench descriptors and ./bench memory do at full size.</summary>
[Collection(Undisturbed.Name)]
public sealed class FullTests
{
    const int Flood = 1000;

    [Fact]
    public async Task Out_of_descriptors_from_the_first_connection_on()
    {
        using var media = Film();
        int ready;
        await using (var measured = await ServerProcess.Start(media.Path))
            ready = Descriptors(measured);
        // The first flood of a process is also when the runtime compiles what floods use.
        var shares = new List<double>();
        for (var i = 0; i < 2; i++)
        {
            await using var server = await ServerProcess.Start(media.Path, null, [], new Surroundings(Within: ["prlimit", $"--nofile={ready + 100}"]));
            shares.Add(await CycleAsync(server, () => Task.CompletedTask));
            Assert.Equal(0, await server.Stop());
        }
        Assert.InRange(shares.Min(), 0, 0.5);
    }

    [Theory]
    [InlineData(40)]
    [InlineData(-100)] // below what is open: not even spares help
    public async Task Out_of_descriptors_while_viewers_play(int left)
    {
        using var media = Film();
        await using var server = await ServerProcess.Start(media.Path);
        using var playing = new CancellationTokenSource();
        using var viewer = Connect(server);
        Assert.Equal(200, Ask(viewer, ServerProcess.Sign("/film/0.ts").InQuery));
        var errors = new List<int>();
        var viewing = Task.Run(() =>
        {
            // Files that nobody has opened yet, but where not one more can be.
            for (var i = 0; !playing.IsCancellationRequested; i++)
            {
                var status = Ask(viewer, ServerProcess.Sign($"/film/{(left > 0 ? i % 10 : 0)}.ts").InQuery);
                if (status != 200)
                    errors.Add(status);
                Thread.Sleep(10);
            }
        }, CancellationToken.None);
        var shares = new List<double>();
        for (var i = 0; i < 3; i++)
        {
            await LimitAsync(server, Descriptors(server) + left);
            shares.Add(await CycleAsync(server, () => LimitAsync(server, 20_000)));
        }
        Assert.InRange(shares.Min(), 0, 0.5);
        await playing.CancelAsync();
        await viewing;
        Assert.Empty(errors);
        Assert.Equal(0, await server.Stop());
    }

    /// <summary>The one check whose fault no test can make in its own process: see HealthFaultTests.</summary>
    [Fact]
    public async Task Health_and_figures_tell_of_descriptors_that_are_used_up_and_of_their_return()
    {
        using var media = Film();
        await using var server = await ServerProcess.Start(media.Path, null, ["--auth.enable=false"]);
        await Told("healthy", 0);
        // Below what is open: not even the spares help.
        await LimitAsync(server, Descriptors(server) - 100);
        var flood = new List<Socket>();
        for (var i = 0; i < 200; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            flood.Add(socket);
            try
            {
                socket.Connect(IPAddress.Loopback, server.Port);
            }
            catch (SocketException)
            {
                // Under way, or refused.
            }
        }
        await Told("unhealthy", 2);
        foreach (var socket in flood)
            socket.Dispose();
        await LimitAsync(server, 20_000);
        await Told("healthy", 0);
        Assert.Equal(0, await server.Stop());

        // On the connection that there is: another could not be made.
        async Task Told(string state, int figure)
        {
            string health, figures;
            var clock = Stopwatch.StartNew();
            do
            {
                Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"descriptors are not {state} after {clock.Elapsed}\n{server.Output}");
                await Task.Delay(20, TestContext.Current.CancellationToken);
                using var answer = await server.Http.GetAsync("/health", TestContext.Current.CancellationToken);
                health = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
                figures = await server.Http.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
            }
            while (!health.Contains($"\"descriptors\",\"status\":\"{state}\"", StringComparison.Ordinal) || !figures.Contains($"\nxlive_health{{check=\"descriptors\"}} {figure}\n", StringComparison.Ordinal));
        }
    }

    /// <summary>A flood, what it takes of a core, what becomes of those who come meanwhile, and how soon all is well when it is over.</summary>
    static async Task<double> CycleAsync(ServerProcess server, Func<Task> release)
    {
        var flood = new List<Socket>();
        for (var i = 0; i < Flood; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            flood.Add(socket);
            try
            {
                socket.Connect(IPAddress.Loopback, server.Port);
            }
            catch (SocketException)
            {
                // Under way, or refused.
            }
        }
        await Task.Delay(500);
        var cpu = Cpu(server);
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < TimeSpan.FromSeconds(1))
        {
            var asked = Stopwatch.StartNew();
            try
            {
                using var another = Connect(server);
                // 200: connections of the flood that said nothing for a while have made room.
                Assert.Contains(Ask(another, "/health/live"), (int[])[0, 200, 503]);
            }
            catch (SocketException)
            {
                // Refused: said at once.
            }
            Assert.InRange(asked.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(2));
            await Task.Delay(50);
        }
        var share = (Cpu(server) - cpu) / clock.Elapsed;
        foreach (var socket in flood)
            socket.Dispose();
        await release();
        clock.Restart();
        for (var good = 0; good < 20;)
        {
            try
            {
                using var another = Connect(server);
                good = Ask(another, ServerProcess.Sign("/film/1.ts").InQuery) == 200 ? good + 1 : 0;
            }
            catch (SocketException)
            {
                good = 0;
            }
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(4), $"not served {clock.Elapsed} after the release:\n{server.Output}");
            await Task.Delay(5);
        }
        // Its disk checks look every other second.
        for (clock.Restart(); (await server.Http.GetAsync("/health/ready")).StatusCode != HttpStatusCode.OK; await Task.Delay(50))
            Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(6));
        return share;
    }

    [Fact]
    public async Task A_full_control_group_sheds_and_is_not_killed()
    {
        using var media = new TempFolder();
        Directory.CreateDirectory(media["film"]);
        for (var i = 0; i < 4; i++)
        {
            // Sparse: nobody has read it, so its pages are charged to the server's group.
            await using var file = File.Create(media[$"film/large{i}.ts"]);
            file.SetLength(256 << 20);
        }
        await File.WriteAllBytesAsync(media["film/seg.ts"], new byte[200_000], TestContext.Current.CancellationToken);
        var varied = new byte[3_000_000];
        new Random(7).NextBytes(varied);
        await File.WriteAllBytesAsync(media["film/varied.ts"], varied, TestContext.Current.CancellationToken);
        using var group = new ControlGroup(160 << 20);
        await using var server = await ServerProcess.Start(media.Path, null, [], new Surroundings(Within: ["sh", "-c", $"echo $$ > {group.Processes} && exec \"$@\"", "sh"]));
        // In so small a group what is sent are copies, in pieces.
        Assert.Equal(varied, await server.Http.GetByteArrayAsync(ServerProcess.Sign("/film/varied.ts", "known").InQuery, TestContext.Current.CancellationToken));
        var known = Connect(server);
        var link = ServerProcess.Sign("/film/seg.ts", "known").InQuery;
        Assert.Equal(200, Ask(known, link));
        // Where connections are closed, his may be one of them: he comes back and plays on.
        bool PlaysOn()
        {
            if (Ask(known, link) == 200)
                return true;
            known.Dispose();
            known = Connect(server);
            return Ask(known, link) == 200;
        }
        var slow = new List<Socket>();
        for (var i = 0; i < 800; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
            slow.Add(socket);
            var request = $"GET {ServerProcess.Sign($"/film/large{i % 4}.ts", $"slow{i}").InQuery} HTTP/1.1\r\nHost: x\r\nRange: bytes={i / 4 << 20}-\r\n\r\n";
            try
            {
                socket.Connect(IPAddress.Loopback, server.Port);
                socket.Send(Encoding.ASCII.GetBytes(request));
            }
            catch (SocketException)
            {
                // At 92 % connections are closed.
            }
            if (i % 20 == 0)
                Assert.True(PlaysOn(), $"he is refused beside {i}");
        }
        // They alone do not fill it: what they do not read lies in no queue. Another program of the same group takes what is left.
        Assert.DoesNotContain("load is", server.Output, StringComparison.Ordinal);
        const int taken = 80 << 20;
        using var neighbour = Process.Start(new ProcessStartInfo("sh",
            ["-c", $"echo $$ > {group.Processes} && (head -c {taken} /dev/zero; exec sleep 60) | exec tail -c {taken}"]) { RedirectStandardOutput = true })!;
        for (var shed = Stopwatch.StartNew(); !server.Output.Contains("load is ", StringComparison.Ordinal); await Task.Delay(50, TestContext.Current.CancellationToken))
            Assert.InRange(shed.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
        Assert.Equal(0, group.Kills);
        Assert.False(server.Process.HasExited);
        Assert.True(PlaysOn(), "he is refused while it sheds");
        neighbour.Kill(entireProcessTree: true);
        await neighbour.WaitForExitAsync(TestContext.Current.CancellationToken);
        foreach (var socket in slow)
            socket.Dispose();
        var clock = Stopwatch.StartNew();
        while (Connect(server) is var viewer && Ask(viewer, ServerProcess.Sign("/film/seg.ts", "new").InQuery) != 200)
        {
            viewer.Dispose();
            Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(15));
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
        Assert.True(PlaysOn(), "he is refused when the others have gone");
        known.Dispose();
        Assert.Equal(0, await server.Stop());
        Assert.Equal(0, group.Kills);
    }

    static TempFolder Film()
    {
        var media = new TempFolder();
        Directory.CreateDirectory(media["film"]);
        for (var i = 0; i < 10; i++)
            File.WriteAllBytes(media[$"film/{i}.ts"], new byte[i % 2 == 0 ? 100_000 : 30_000]);
        return media;
    }

    static int Descriptors(ServerProcess server) => Directory.GetFileSystemEntries($"/proc/{server.Process.Id}/fd").Length;

    static async Task LimitAsync(ServerProcess server, int soft) =>
        (await Tool.Run("prlimit", [$"--pid={server.Process.Id}", $"--nofile={soft}:"], TimeSpan.FromSeconds(5))).MustSucceed();

    static TimeSpan Cpu(ServerProcess server)
    {
        var stat = File.ReadAllText($"/proc/{server.Process.Id}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromSeconds(fields[11..13].Sum(ticks => long.Parse(ticks, CultureInfo.InvariantCulture)) / 100.0);
    }

    static Socket Connect(ServerProcess server)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 10_000, SendTimeout = 10_000 };
        socket.Connect(IPAddress.Loopback, server.Port);
        return socket;
    }

    /// <summary>The status of an answer that came whole; 0 when the connection was closed instead.</summary>
    static int Ask(Socket socket, string target)
    {
        try
        {
            socket.Send(Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"));
            var answer = new byte[1 << 20];
            var got = 0;
            for (var end = int.MaxValue; got < end;)
            {
                var more = socket.Receive(answer, got, answer.Length - got, SocketFlags.None);
                if (more == 0)
                    return 0;
                got += more;
                var head = Encoding.ASCII.GetString(answer, 0, Math.Min(got, 4096));
                var blank = head.IndexOf("\r\n\r\n", StringComparison.Ordinal);
                if (end == int.MaxValue && blank > 0)
                    end = blank + 4 + int.Parse(head.Split("Content-Length: ")[1].Split('\r')[0], CultureInfo.InvariantCulture);
            }
            return int.Parse(Encoding.ASCII.GetString(answer, 9, 3), CultureInfo.InvariantCulture);
        }
        catch (SocketException)
        {
            return 0;
        }
    }
}
