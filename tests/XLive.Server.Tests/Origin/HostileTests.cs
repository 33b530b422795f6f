using System.Diagnostics;
using XLive.Server.Playback.Vod.Origin;

namespace XLive.Server.Tests.Origin;

/// <summary>What an origin can do wrong before its body: each is a fault with a name, and nothing of it is given out.</summary>
public sealed class HostileTests
{
    public static TheoryData<string, string> Heads => new()
    {
        { "two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde" },
        { "two lengths in a line", "HTTP/1.1 200 OK\r\nContent-Length: 3, 5\r\n\r\nabcde" },
        { "the same length twice", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc" },
        { "a length with a sign", "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc" },
        { "a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc" },
        { "a length in hex", "HTTP/1.1 200 OK\r\nContent-Length: 0x3\r\n\r\nabc" },
        { "no digits", "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nabc" },
        { "a length that no number holds", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nabc" },
        { "a length beside chunks", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" },
        { "chunks in gzip", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" },
        { "gzip for chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc" },
        { "chunks twice", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" },
        { "304 without a condition", "HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n\r\n" },
        { "206 without a range", "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-2/3\r\nContent-Length: 3\r\n\r\nabc" },
        { "101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n" },
        { "no status", "HTTP/1.1 OK\r\n\r\n" },
        { "no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n" },
        { "another version", "HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n" },
        { "a line without a colon", "HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n" },
        { "a header flood", "HTTP/1.1 200 OK\r\n" + string.Concat(Enumerable.Range(0, 10_000).Select(static i => $"X-{i}: {i}\r\n")) + "Content-Length: 0\r\n\r\n" },
        { "many small headers", "HTTP/1.1 200 OK\r\n" + string.Concat(Enumerable.Range(0, 200).Select(static i => $"X-{i}: {i}\r\n")) + "Content-Length: 0\r\n\r\n" },
        { "one endless header", "HTTP/1.1 200 OK\r\nX: " + new string('x', 100_000) + "\r\nContent-Length: 0\r\n\r\n" },
    };

    public static TheoryData<string, string> Parts => new()
    {
        { "no Content-Range", "Content-Length: 10" },
        { "two Content-Ranges", "Content-Range: bytes 10-19/100\r\nContent-Range: bytes 10-19/100\r\nContent-Length: 10" },
        { "another start", "Content-Range: bytes 0-9/100\r\nContent-Length: 10" },
        { "a later start", "Content-Range: bytes 11-19/100\r\nContent-Length: 9" },
        { "less, not at the end", "Content-Range: bytes 10-18/100\r\nContent-Length: 9" },
        { "more", "Content-Range: bytes 10-20/100\r\nContent-Length: 11" },
        { "more than there is", "Content-Range: bytes 10-19/15\r\nContent-Length: 10" },
        { "a length beside it", "Content-Range: bytes 10-19/100\r\nContent-Length: 9" },
        { "backwards", "Content-Range: bytes 19-10/100\r\nContent-Length: 10" },
        { "no unit", "Content-Range: 10-19/100\r\nContent-Length: 10" },
        { "another unit", "Content-Range: seconds 10-19/100\r\nContent-Length: 10" },
        { "no numbers", "Content-Range: bytes x-y/z\r\nContent-Length: 10" },
        { "unsatisfied", "Content-Range: bytes */100\r\nContent-Length: 10" },
        { "a sign", "Content-Range: bytes +10-19/100\r\nContent-Length: 10" },
        { "beyond all numbers", "Content-Range: bytes 10-9223372036854775807/9223372036854775807\r\nContent-Length: 10" },
        { "several parts", "Content-Type: multipart/byteranges; boundary=x\r\nContent-Range: bytes 10-19/100\r\nContent-Length: 10" },
        { "parts alone", "Content-Type: multipart/byteranges; boundary=x\r\nContent-Length: 10" },
        { "no tag", "Content-Range: bytes 10-19/100\r\nContent-Length: 10\r\nX-No: ETag" },
    };

    [Theory]
    [MemberData(nameof(Heads))]
    public async Task An_answer_that_cannot_be_is_a_bad_answer(string what, string answer)
    {
        using var origin = new HostileOrigin((_, _, wire) => wire.Say(answer));
        using var asker = Once(origin);
        var fault = await asker.Fault();
        Assert.True(fault.Fault == OriginFault.BadAnswer, $"{what}: {fault.Fault} {fault.Message}");
        Assert.Contains($"127.0.0.1:{origin.Port}", fault.Message, StringComparison.Ordinal);
        Assert.Equal((0, 0), (asker.Client.Servers[0].Pending, asker.Client.Connections.Taken));
    }

    [Theory]
    [MemberData(nameof(Parts))]
    public async Task A_part_that_was_not_asked_for_is_a_bad_answer(string what, string headers)
    {
        var tag = headers.Contains("X-No", StringComparison.Ordinal) ? "" : "ETag: \"v1\"\r\n";
        using var origin = new HostileOrigin((_, _, wire) => wire.Say($"HTTP/1.1 206 Partial Content\r\n{tag}{headers}\r\n\r\n0123456789"));
        using var asker = Once(origin);
        var fault = await asker.Fault(new OriginRequest("/a.ts", "", OriginKind.Media) { First = 10, Last = 19, IfMatchTag = "\"v1\"" });
        Assert.True(fault.Fault == OriginFault.BadAnswer, $"{what}: {fault.Fault} {fault.Message}");
    }

    [Theory]
    [InlineData("206 Partial Content\r\nContent-Range: bytes 10-19/100\r\nETag: \"v2\"")]
    [InlineData("206 Partial Content\r\nContent-Range: bytes 10-19/100\r\nETag: W/\"v1\"")]
    [InlineData("200 OK\r\nETag: \"v2\"")]
    [InlineData("200 OK")]
    public async Task Another_version_is_said_to_be_one(string head)
    {
        using var origin = new HostileOrigin((_, _, wire) => wire.Say($"HTTP/1.1 {head}\r\nContent-Length: 10\r\n\r\n0123456789"));
        using var asker = new Asker(origin);
        Assert.Equal(OriginFault.Changed, (await asker.Fault(new OriginRequest("/a.ts", "", OriginKind.Media) { First = 10, Last = 19, IfMatchTag = "\"v1\"" })).Fault);
        Assert.Single(origin.Asked);
    }

    [Fact]
    public async Task The_whole_for_a_range_is_given_as_such()
    {
        using var origin = new HostileOrigin(static (_, _, wire) => wire.Say("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 10\r\n\r\n0123456789"));
        using var asker = Once(origin);
        var (reply, body) = await asker.Fetch(new OriginRequest("/a.ts", "", OriginKind.Media) { First = 2, Last = 5, IfMatchTag = "\"v1\"" });
        Assert.Equal((200, 0L, 10L, 10), (reply.Status, reply.First, reply.Length, body.Length));
    }

    [Fact]
    public async Task What_lies_behind_a_false_length_answers_nobody()
    {
        // The second answer waits on the connection for whoever is next: a length of 0 before one of 80 ends the first at once.
        using var origin = new HostileOrigin(static (_, number, wire) =>
        {
            if (number > 0)
            {
                wire.Say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue");
                return;
            }
            wire.Say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 80\r\n\r\n");
            Thread.Sleep(50);
            wire.Say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfalse");
        });
        using var asker = Once(origin);
        Assert.Equal(OriginFault.BadAnswer, (await asker.Fault()).Fault);
        var (_, body) = await asker.Fetch("/b.ts");
        Assert.Equal("true"u8.ToArray(), body);
        Assert.Equal(2, origin.Connections);
    }

    [Fact]
    public async Task A_false_length_ends_no_other_answer()
    {
        using var origin = new HostileOrigin(static (heard, _, wire) =>
        {
            if (heard.Target == "/false")
                wire.Say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 80\r\n\r\n");
            else
                HostileOrigin.File(new byte[10_000_000])(heard, 0, wire);
        });
        using var asker = Once(origin);
        await using var reply = await asker.Open(new OriginRequest("/a.ts", "", OriginKind.Media));
        await asker.Fault("/false");
        Assert.Equal(10_000_000, (await Asker.Read(reply)).Length);
        Assert.Equal(0, asker.Client.Servers[0].Stats.Resumes);
    }

    [Fact]
    public async Task More_than_promised_ends_the_connection_and_is_not_read()
    {
        using var origin = new HostileOrigin(static (_, number, wire) => wire.Say(number == 0
            ? "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrueHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfalse"
            : "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nright"));
        using var asker = Once(origin);
        Assert.Equal("true"u8.ToArray(), (await asker.Fetch("/a.ts")).Body);
        Assert.Equal("right"u8.ToArray(), (await asker.Fetch("/a.ts")).Body);
        Assert.Equal(2, origin.Connections);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234", OriginFault.BrokenOff)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n", OriginFault.BrokenOff)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n0\r\n", OriginFault.BrokenOff)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\nzz\r\n", OriginFault.BrokenOff)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n01234", OriginFault.BrokenOff)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Le", OriginFault.BrokenOff)]
    [InlineData("", OriginFault.BrokenOff)]
    public async Task What_ends_early_never_looks_whole(string answer, OriginFault expected)
    {
        using var origin = new HostileOrigin((_, _, wire) => wire.Say(answer).Close());
        using var asker = Once(origin);
        Assert.Equal(expected, (await asker.Fault()).Fault);
    }

    [Theory]
    [InlineData("5\r\n01234\r\n0\r\n\r\n", OriginFault.BrokenOff)]
    [InlineData("f\r\n0123456789abcde\r\n0\r\n\r\n", OriginFault.BadAnswer)]
    public async Task Chunks_hold_what_the_range_promised(string chunks, OriginFault expected)
    {
        using var origin = new HostileOrigin((_, _, wire) => wire.Say("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 10-19/100\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks));
        using var asker = Once(origin);
        Assert.Equal(expected, (await asker.Fault(new OriginRequest("/a.ts", "", OriginKind.Media) { First = 10, Last = 19 })).Fault);
    }

    [Fact]
    public async Task Where_only_the_connection_ends_the_body_it_is_said()
    {
        using var origin = new HostileOrigin(static (_, _, wire) => wire.Say("HTTP/1.0 200 OK\r\n\r\n0123456789").Close());
        using var asker = Once(origin);
        var (reply, body) = await asker.Fetch("/a.ts");
        Assert.Equal((false, -1L, 10), (reply.IsDelimited, reply.Length, body.Length));
    }

    [Fact]
    public async Task Nobody_there_and_no_such_name()
    {
        using var asker = Once(new OriginOptions { Host = "127.0.0.1", Port = FreePort.Next() });
        Assert.Equal(OriginFault.Refused, (await asker.Fault()).Fault);
        using var nameless = Once(new OriginOptions { Host = "gone.invalid" });
        var fault = await nameless.Fault();
        Assert.Equal((OriginFault.Refused, "gone.invalid:80: its name is not found"), (fault.Fault, fault.Message));
    }

    [Fact]
    public async Task One_that_never_answers_has_its_time_and_no_more()
    {
        using var origin = new HostileOrigin(static (_, _, wire) => wire.Say("HTTP/1.1 100 Continue\r\n\r\n"));
        using var asker = Once(new OriginOptions { Origins = [origin.Url], TotalTimeout = TimeSpan.FromMilliseconds(300) });
        var watch = Stopwatch.StartNew();
        Assert.Equal(OriginFault.TimedOut, (await asker.Fault()).Fault);
        Assert.InRange(watch.Elapsed, TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(10));
        Assert.Equal(0, asker.Client.Connections.Taken);
    }

    [Fact]
    public async Task One_that_takes_connections_and_no_more_is_a_connect_timeout()
    {
        // TLS to what speaks none: the handshake hangs, and belongs to connecting.
        using var silent = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        using var asker = Once(new OriginOptions
        {
            Host = "127.0.0.1", Port = ((System.Net.IPEndPoint)silent.LocalEndpoint).Port, UseHttps = true, ConnectTimeout = TimeSpan.FromMilliseconds(200),
        });
        var fault = await asker.Fault();
        Assert.Equal((OriginFault.TimedOut, true, 1L), (fault.Fault, fault.WhileConnecting, asker.Client.Servers[0].Stats.ConnectTimeouts));
    }

    internal static Asker Once(HostileOrigin origin) => Once(new OriginOptions { Origins = [origin.Url] });

    internal static Asker Once(OriginOptions options)
    {
        options.Retries = 0;
        return new Asker(options);
    }
}
