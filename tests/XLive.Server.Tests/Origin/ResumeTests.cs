using System.Globalization;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Origin;

/// <summary>Bodies that break off in the middle: the reader sees the file to its end, or a fault, and never a byte of another version.</summary>
public sealed class ResumeTests
{
    private const int Size = 200_000;
    private static readonly byte[] s_body = HostileOrigin.Bytes(Size);

    public static TheoryData<int, string> Breaks
    {
        get
        {
            var breaks = new TheoryData<int, string>();
            // Before the first byte, one in, around a chunk's and a read's end, in the middle, the last byte.
            foreach (var at in new[] { 0, 1, 4095, 4096, 65_536, 100_000, Size - 1 })
            {
                foreach (var how in new[] { "FIN", "RST" })
                    breaks.Add(at, how);
            }
            return breaks;
        }
    }

    /// <summary>The head of the whole file, and the bytes up to where it breaks.</summary>
    private static void Break(HostileOrigin.Wire wire, int at, string how, string tag = "\"v1\"")
    {
        wire.Say($"HTTP/1.1 200 OK\r\nETag: {tag}\r\nContent-Length: {Size}\r\n\r\n").Send(s_body.AsSpan(0, at));
        // A reset overtakes what the reader has not read yet: it must see the bytes first where the test says at which one.
        Thread.Sleep(how == "RST" ? 30 : 0);
        if (how == "RST")
            wire.Reset();
        else
            wire.Close();
    }

    private static void Same(Range part, byte[] read) => Assert.True(s_body.AsSpan(part).SequenceEqual(read), $"{read.Length} bytes that are not the file's {part}");

    private static OriginRequest File => new("/a.ts", "", OriginKind.Media);

    [Theory]
    [MemberData(nameof(Breaks))]
    public async Task What_breaks_off_goes_on_at_that_byte(int at, string how)
    {
        using var origin = new HostileOrigin((asked, number, wire) =>
        {
            if (number == 0)
                Break(wire, at, how);
            else
                HostileOrigin.File(s_body)(asked, number, wire);
        });
        using var asker = new Asker(origin);
        var (reply, body) = await asker.Fetch(File);
        Assert.Equal(Size, reply.Length);
        Same(.., body);
        Assert.Equal(2, origin.Asked.Count);
        if (how == "FIN" && at > 0)
            Assert.Equal(($"bytes={at}-{Size - 1}", "\"v1\""), (origin.Asked[1]["Range"], origin.Asked[1]["If-Range"]));
        Assert.Equal(1, asker.Client.Servers[0].Stats.Resumes);
        Assert.Equal((0, 0), (asker.Client.Servers[0].Pending, asker.Client.Connections.Taken));
    }

    [Theory]
    [MemberData(nameof(Breaks))]
    public async Task A_part_that_breaks_off_goes_on(int at, string how)
    {
        const int First = 50_000;
        const int Last = 149_999;
        at /= 2;
        using var origin = new HostileOrigin((asked, number, wire) =>
        {
            if (number > 0)
            {
                HostileOrigin.File(s_body)(asked, number, wire);
                return;
            }
            wire.Say($"HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nContent-Range: bytes {First}-{Last}/{Size}\r\nContent-Length: 100000\r\n\r\n")
                .Send(s_body.AsSpan(First, at));
            if (how == "RST")
                wire.Reset();
            else
                wire.Close();
        });
        using var asker = new Asker(origin);
        var (_, body) = await asker.Fetch(File with { First = First, Last = Last });
        Same(First..(Last + 1), body);
        Assert.EndsWith("-149999", origin.Asked[1]["Range"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_origin_goes_on_where_one_died()
    {
        using var well = new HostileOrigin(HostileOrigin.File(s_body));
        HostileOrigin? dying = null;
        dying = new HostileOrigin((_, _, wire) =>
        {
            Break(wire, 70_000, "FIN");
            dying!.Dispose();
        });
        using var asker = new Asker(dying, well);
        await using var reply = await asker.Open(File);
        Assert.Same(asker.Client.Servers[0], reply.Origin);
        Same(.., await Asker.Read(reply));
        Assert.Same(asker.Client.Servers[1], reply.Origin);
        Assert.Equal($"bytes=70000-{Size - 1}", Assert.Single(well.Asked)["Range"]);
    }

    [Fact]
    public async Task An_origin_that_knows_no_ranges_is_read_again_up_to_the_byte()
    {
        using var origin = new HostileOrigin((_, number, wire) =>
        {
            if (number == 0)
                Break(wire, 70_000, "FIN");
            else
                wire.Say($"HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: {Size}\r\n\r\n").Send(s_body);
        });
        using var asker = new Asker(origin);
        Same(.., (await asker.Fetch(File)).Body);
    }

    [Fact]
    public async Task Chunks_without_a_length_go_on_as_well()
    {
        using var origin = new HostileOrigin((asked, number, wire) =>
        {
            if (number > 0)
                HostileOrigin.File(s_body)(asked, number, wire);
            else
                wire.Say("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n").Send(s_body.AsSpan(0, 4096)).Say("\r\n").Close();
        });
        using var asker = new Asker(origin);
        var (reply, body) = await asker.Fetch(File);
        Assert.Equal(-1, reply.Length);
        Same(.., body);
    }

    public static TheoryData<string, string> Others => new()
    {
        { "another tag", $"200 OK\r\nETag: \"v2\"\r\nContent-Length: {Size}" },
        { "no tag", $"200 OK\r\nContent-Length: {Size}" },
        { "a weak tag", $"200 OK\r\nETag: W/\"v1\"\r\nContent-Length: {Size}" },
        { "the tag and another length", "200 OK\r\nETag: \"v1\"\r\nContent-Length: 199999" },
        { "a part of another", $"206 Partial Content\r\nETag: \"v2\"\r\nContent-Range: bytes 70000-{Size - 1}/{Size}\r\nContent-Length: {Size - 70_000}" },
        { "a part of a longer one", $"206 Partial Content\r\nETag: \"v1\"\r\nContent-Range: bytes 70000-{Size - 1}/{Size + 1}\r\nContent-Length: {Size - 70_000}" },
        { "gone", "404 Not Found\r\nContent-Length: 0" },
        { "nothing there", $"416 Range Not Satisfiable\r\nContent-Range: bytes */70000\r\nContent-Length: 0" },
        { "moved", "302 Found\r\nLocation: /b.ts\r\nContent-Length: 0" },
    };

    [Theory]
    [MemberData(nameof(Others))]
    public async Task Another_version_is_never_read_on(string what, string answer)
    {
        using var origin = new HostileOrigin((_, number, wire) =>
        {
            if (number == 0)
                Break(wire, 70_000, "FIN");
            else
                wire.Say($"HTTP/1.1 {answer}\r\n\r\n").Send(new byte[Size]);
        });
        using var asker = new Asker(origin);
        var cancel = TestContext.Current.CancellationToken;
        await using var reply = await asker.Open(File);
        using var read = new MemoryStream();
        var fault = await Assert.ThrowsAsync<OriginException>(async () =>
        {
            var into = new byte[10_000];
            while (await reply.ReadAsync(into, cancel) is var count and > 0)
                read.Write(into, 0, count);
        });
        Assert.True(fault.Fault == OriginFault.Changed, $"{what}: {fault.Fault} {fault.Message}");
        Same(..70_000, read.ToArray());
    }

    [Theory]
    [InlineData("W/\"v1\"")]
    [InlineData("v1")]
    public async Task Without_a_strong_tag_nothing_is_guessed(string tag)
    {
        using var origin = new HostileOrigin((_, _, wire) => Break(wire, 70_000, "FIN", tag));
        using var asker = new Asker(origin);
        Assert.Equal(OriginFault.BrokenOff, (await asker.Fault(File)).Fault);
        Assert.Single(origin.Asked);
    }

    [Fact]
    public async Task It_goes_on_as_often_as_it_breaks_while_it_gets_on()
    {
        // 16 breaks of 200,000 bytes; of two origins, each going for ever.
        using var first = Dripping(12_500);
        using var second = Dripping(12_500);
        using var asker = new Asker(first, second);
        Same(.., (await asker.Fetch(File)).Body);
    }

    [Fact]
    public async Task A_byte_a_connection_does_not_go_on_for_ever()
    {
        var clock = new HandClock();
        using var origin = Dripping(1);
        using var asker = new Asker(new OriginOptions { Origins = [origin.Url], IdleTimeout = TimeSpan.FromMinutes(10) }, clock);
        var asking = asker.Fault(File);
        await FailoverTests.Pass(clock, () => asking.IsCompleted);
        Assert.Equal(OriginFault.BrokenOff, (await asking).Fault);
        // Probes ask for the first byte alone.
        Assert.Equal(1 + OriginClient.MostResumes, origin.Asked.Count(static a => a["Range"] != "bytes=0-0"));
    }

    [Fact]
    public async Task An_outage_is_waited_for_as_long_as_silence_would_be()
    {
        var (port, clock) = (FreePort.Next(), new HandClock());
        using var asker = new Asker(new OriginOptions { Host = "127.0.0.1", Port = port, IdleTimeout = TimeSpan.FromMinutes(10) }, clock);
        HostileOrigin? dying = null;
        dying = new HostileOrigin((_, _, wire) =>
        {
            Break(wire, 70_000, "FIN");
            dying!.Dispose();
        }, port: port);
        await using var reply = await asker.Open(File);
        var reading = Asker.Read(reply);
        // The breaker opens meanwhile; a probe closes it.
        await FailoverTests.Pass(clock, () => asker.Client.Servers[0].Breaker.State == BreakerState.Open);
        using var again = new HostileOrigin(HostileOrigin.File(s_body), port: port);
        await FailoverTests.Pass(clock, () => reading.IsCompleted);
        Same(.., await reading);
    }

    [Fact]
    public async Task An_outage_that_lasts_ends_the_body()
    {
        HostileOrigin? dying = null;
        dying = new HostileOrigin((_, _, wire) =>
        {
            Break(wire, 70_000, "FIN");
            dying!.Dispose();
        });
        using var asker = new Asker(new OriginOptions { Origins = [dying.Url], IdleTimeout = TimeSpan.FromMilliseconds(500) });
        var fault = await asker.Fault(File);
        Assert.Equal(OriginFault.BrokenOff, fault.Fault);
        Assert.Contains("the rest could not be had", fault.Message, StringComparison.Ordinal);
        Assert.Equal((0, 0), (asker.Client.Servers[0].Pending, asker.Client.Connections.Taken));
    }

    [Fact]
    public async Task Silence_in_the_middle_is_mended_like_a_break()
    {
        using var origin = new HostileOrigin((asked, number, wire) =>
        {
            if (number > 0)
                HostileOrigin.File(s_body)(asked, number, wire);
            else
                wire.Say($"HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: {Size}\r\n\r\n").Send(s_body.AsSpan(0, 70_000));
        });
        using var asker = new Asker(new OriginOptions { Origins = [origin.Url], IdleTimeout = TimeSpan.FromSeconds(1) });
        Same(.., (await asker.Fetch(File)).Body);
        Assert.Equal($"bytes=70000-{Size - 1}", origin.Asked[1]["Range"]);
    }

    [Fact]
    public async Task A_reader_who_goes_while_it_is_mended_leaves_nothing_behind()
    {
        HostileOrigin? dying = null;
        dying = new HostileOrigin((_, _, wire) =>
        {
            Break(wire, 70_000, "FIN");
            dying!.Dispose();
        });
        using var asker = new Asker(dying);
        using var gone = new CancellationTokenSource();
        await using var reply = await asker.Open(File);
        var reading = Task.Run(async () =>
        {
            var into = new byte[10_000];
            while (await reply.ReadAsync(into, gone.Token) > 0)
            {
            }
        }, TestContext.Current.CancellationToken);
        await AskingTests.Eventually(() => asker.Client.Servers[0].Stats.Failures.Sum(static f => f.Count) > 1);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.Equal((0, 0), (asker.Client.Servers[0].Pending, asker.Client.Connections.Taken));
    }

    /// <summary>So many bytes of what is asked for, and the end of the connection.</summary>
    private static HostileOrigin Dripping(int count) => new((asked, _, wire) =>
    {
        var (first, last) = asked.Range;
        last = last < 0 ? Size - 1 : last;
        wire.Say(asked["Range"] is null
            ? $"HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: {Size}\r\n\r\n"
            : string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nContent-Range: bytes {first}-{last}/{Size}\r\nContent-Length: {last - first + 1}\r\n\r\n"));
        wire.Send(s_body.AsSpan((int)first, (int)Math.Min(count, last - first + 1))).Close();
    });
}
