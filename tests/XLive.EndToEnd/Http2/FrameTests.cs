using static XLive.EndToEnd.Http2.H2Connection;

namespace XLive.EndToEnd.Http2;

/// <summary>
/// What RFC 9113 and RFC 7541 call an error, and the code they give it. Where the RFC asks for a stream error, the connection may end
/// instead (section 5.4.2): "GOAWAY" and "RST" say which it is here.
/// </summary>
public sealed class FrameTests(H2Server shared) : IClassFixture<H2Server>
{
    const byte EndHeaders = Frame.EndHeaders, EndStream = Frame.EndStream, Both = Frame.EndHeaders | Frame.EndStream;
    const string Protocol = "1", FlowControl = "3", StreamClosed = "5", FrameSize = "6", Compression = "9";

    static byte[] Headers(byte flags, int stream, byte[] block) => Of(FrameType.Headers, flags, stream, block);

    static byte[] Post(int stream, params ReadOnlySpan<(string, string)> more) =>
        Headers(EndHeaders, stream, Fields([(":method", "POST"), (":scheme", "https"), (":path", "/a.ts"), (":authority", "localhost"), .. more]));

    /// <summary>Open until the test says otherwise: its answer cannot be sent, for it has no window.</summary>
    static byte[] Held(int stream) => [.. Settings(4, 0), .. Request(stream)];

    static readonly (string Name, byte[] Bytes, string Answer)[] Cases =
    [
        ("a request", Request(1), "200"),
        ("a frame of no known type", [.. Raw(0xEE, 0xFF, 0, [1, 2, 3]), .. Request(1)], "200"),
        ("a setting of no known name", [.. Settings(0xEEEE, 1), .. Request(1)], "200"),
        ("PING", Of(FrameType.Ping, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8), "PING"),
        ("priority of a request to come", [.. Of(FrameType.Priority, 0, 3, 0, 0, 0, 1, 9), .. Request(1)], "200"),

        ("frame longer than allowed", Raw(0, 0, 1, new byte[100], length: 16_385), $"GOAWAY {FrameSize}"),
        ("HEADERS longer than allowed", Raw(1, Both, 1, new byte[100], length: 1 << 20), $"GOAWAY {FrameSize}"),

        ("DATA on the connection", Of(FrameType.Data, 0, 0, 1), $"GOAWAY {Protocol}"),
        ("DATA on an idle stream", Of(FrameType.Data, EndStream, 1, 1), $"GOAWAY {Protocol}"),
        ("DATA after the request's end", [.. Held(1), .. Of(FrameType.Data, 0, 1, 1)], $"GOAWAY {StreamClosed}"),
        ("DATA that is all padding and more", [.. Post(1), .. Of(FrameType.Data, Frame.Padded, 1, 5, 0, 0)], $"GOAWAY {Protocol}"),
        ("HEADERS on the connection", Headers(Both, 0, Get("/a.ts")), $"GOAWAY {Protocol}"),
        ("HEADERS on an even stream", Request(2), $"GOAWAY {Protocol}"),
        ("HEADERS on a stream behind the last", [.. Held(5), .. Request(3)], $"GOAWAY {StreamClosed}"),
        ("HEADERS after the request's end", [.. Held(1), .. Request(1)], $"GOAWAY {StreamClosed}"),
        ("HEADERS twice, the stream open", [.. Post(1), .. Post(1)], $"GOAWAY {Protocol}"),
        ("HEADERS with too much padding", Of(FrameType.Headers, Both | Frame.Padded, 1, [200, .. Get("/a.ts")]), $"GOAWAY {Protocol}"),
        ("HEADERS that depends on itself", Of(FrameType.Headers, Both | 0x20, 1, [0, 0, 0, 1, 9, .. Get("/a.ts")]), $"GOAWAY {Protocol}"),

        ("PRIORITY on the connection", Of(FrameType.Priority, 0, 0, 0, 0, 0, 1, 9), $"GOAWAY {Protocol}"),
        ("PRIORITY of 4 octets", Of(FrameType.Priority, 0, 1, 0, 0, 0, 1), $"GOAWAY {FrameSize}"),
        ("PRIORITY that depends on itself", Of(FrameType.Priority, 0, 3, 0, 0, 0, 3, 9), $"GOAWAY {Protocol}"),
        ("RST_STREAM on the connection", Of(FrameType.RstStream, 0, 0, 0, 0, 0, 8), $"GOAWAY {Protocol}"),
        ("RST_STREAM on an idle stream", Of(FrameType.RstStream, 0, 1, 0, 0, 0, 8), $"GOAWAY {Protocol}"),
        ("RST_STREAM of 3 octets", [.. Held(1), .. Of(FrameType.RstStream, 0, 1, 0, 0, 8)], $"GOAWAY {FrameSize}"),

        ("SETTINGS on a stream", Of(FrameType.Settings, 0, 1), $"GOAWAY {Protocol}"),
        ("SETTINGS of 5 octets", Of(FrameType.Settings, 0, 0, 0, 0, 0, 0, 0), $"GOAWAY {FrameSize}"),
        ("SETTINGS acknowledged with a payload", Of(FrameType.Settings, Frame.Ack, 0, 0, 0, 0, 0, 0, 0), $"GOAWAY {FrameSize}"),
        ("ENABLE_PUSH of 2", Settings(2, 2), $"GOAWAY {Protocol}"),
        ("INITIAL_WINDOW_SIZE of 2^31", Settings(4, 1u << 31), $"GOAWAY {FlowControl}"),
        ("MAX_FRAME_SIZE of 2^14 - 1", Settings(5, 16_383), $"GOAWAY {Protocol}"),
        ("MAX_FRAME_SIZE of 2^24", Settings(5, 1 << 24), $"GOAWAY {Protocol}"),

        ("PUSH_PROMISE", Of(FrameType.PushPromise, EndHeaders, 1, [0, 0, 0, 2, .. Get("/a.ts")]), $"GOAWAY {Protocol}"),
        ("PING on a stream", Of(FrameType.Ping, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8), $"GOAWAY {Protocol}"),
        ("PING of 7 octets", Of(FrameType.Ping, 0, 0, 1, 2, 3, 4, 5, 6, 7), $"GOAWAY {FrameSize}"),
        ("GOAWAY on a stream", Of(FrameType.GoAway, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0), $"GOAWAY {Protocol}"),

        ("WINDOW_UPDATE of 3 octets", Of(FrameType.WindowUpdate, 0, 0, 0, 0, 1), $"GOAWAY {FrameSize}"),
        ("WINDOW_UPDATE of 0", Of(FrameType.WindowUpdate, 0, 0, 0, 0, 0, 0), $"GOAWAY {Protocol}"),
        ("WINDOW_UPDATE of 0 on a stream", [.. Held(1), .. Of(FrameType.WindowUpdate, 0, 1, 0, 0, 0, 0)], $"GOAWAY {Protocol}"),
        ("WINDOW_UPDATE on an idle stream", Of(FrameType.WindowUpdate, 0, 1, 0, 0, 0, 1), $"GOAWAY {Protocol}"),
        ("connection's window past 2^31 - 1", Of(FrameType.WindowUpdate, 0, 0, Number(int.MaxValue)), $"GOAWAY {FlowControl}"),
        ("stream's window past 2^31 - 1", [.. Settings(4, 0), .. Request(1, "/large.ts"), .. Of(FrameType.WindowUpdate, 0, 1, Number(int.MaxValue)), .. Of(FrameType.WindowUpdate, 0, 1, Number(int.MaxValue))], $"RST {FlowControl}"),
        ("stream's window past it by a setting", [.. Settings(4, 0), .. Request(1, "/large.ts"), .. Of(FrameType.WindowUpdate, 0, 1, Number(int.MaxValue)), .. Settings(4, int.MaxValue)], $"GOAWAY {FlowControl}"),

        ("CONTINUATION of nothing", Of(FrameType.Continuation, EndHeaders, 1, Get("/a.ts")), $"GOAWAY {Protocol}"),
        ("CONTINUATION of another stream", [.. Headers(EndStream, 1, Get("/a.ts")), .. Of(FrameType.Continuation, EndHeaders, 3)], $"GOAWAY {Protocol}"),
        ("CONTINUATION after the headers' end", [.. Post(1), .. Of(FrameType.Continuation, EndHeaders, 1, Get("/a.ts"))], $"GOAWAY {Protocol}"),
        ("a frame among CONTINUATIONs", [.. Headers(EndStream, 1, Get("/a.ts")), .. Of(FrameType.Ping, 0, 0, new byte[8])], $"GOAWAY {Protocol}"),
        ("an unknown frame among CONTINUATIONs", [.. Headers(EndStream, 1, Get("/a.ts")), .. Raw(0xEE, 0, 1, [])], $"GOAWAY {Protocol}"),
        ("headers in three pieces", [.. Headers(EndStream, 1, Get("/a.ts")[..7]), .. Of(FrameType.Continuation, 0, 1, Get("/a.ts")[7..20]), .. Of(FrameType.Continuation, EndHeaders, 1, Get("/a.ts")[20..])], "200"),

        ("name in capitals", Request(1, "/a.ts", ("X", "a")), $"GOAWAY {Protocol}"),
        ("connection", Request(1, "/a.ts", ("connection", "close")), $"GOAWAY {Protocol}"),
        ("te that is not trailers", Request(1, "/a.ts", ("te", "gzip")), $"GOAWAY {Protocol}"),
        ("te: trailers", Request(1, "/a.ts", ("te", "trailers")), "200"),
        ("transfer-encoding", Request(1, "/a.ts", ("transfer-encoding", "chunked")), $"RST {Protocol}"),
        ("keep-alive", Request(1, "/a.ts", ("keep-alive", "timeout=5")), $"RST {Protocol}"),
        ("proxy-connection", Request(1, "/a.ts", ("proxy-connection", "close")), $"RST {Protocol}"),
        ("upgrade", Request(1, "/a.ts", ("upgrade", "h2c")), $"RST {Protocol}"),
        ("NUL in a value", Request(1, "/a.ts", ("x", "a\0b")), $"GOAWAY {Protocol}"),
        ("CR LF in a value", Request(1, "/a.ts", ("x", "a\r\ny: b")), $"GOAWAY {Protocol}"),
        ("no :path", Headers(Both, 1, Fields((":method", "GET"), (":scheme", "https"))), $"RST {Protocol}"),
        ("no :method", Headers(Both, 1, Fields((":path", "/a.ts"), (":scheme", "https"))), $"RST {Protocol}"),
        ("no :scheme", Headers(Both, 1, Fields((":method", "GET"), (":path", "/a.ts"))), $"RST {Protocol}"),
        ("empty :path", Request(1, ""), $"RST {Protocol}"),
        (":path twice", Request(1, "/a.ts", (":path", "/b.ts")), $"GOAWAY {Protocol}"),
        ("pseudo-header after another", Headers(Both, 1, Fields((":method", "GET"), (":scheme", "https"), ("x", "y"), (":path", "/a.ts"))), $"GOAWAY {Protocol}"),
        ("pseudo-header of a response", Request(1, "/a.ts", (":status", "200")), $"GOAWAY {Protocol}"),
        ("pseudo-header of nobody", Request(1, "/a.ts", (":x", "y")), $"GOAWAY {Protocol}"),
        ("pseudo-header in a trailer", [.. Post(1), .. Headers(Both, 1, Fields((":path", "/b.ts")))], $"GOAWAY {Protocol}"),
        ("trailers that do not end", [.. Post(1), .. Headers(EndHeaders, 1, Fields(("x", "y")))], $"GOAWAY {Protocol}"),
        (":authority and another host", Request(1, "/a.ts", ("host", "evil")), "200"),
        ("space in :path", Request(1, "/a b.ts"), "400"),
        ("dots in :path", Request(1, "/../a.ts"), "400"),
        ("space in :method", Headers(Both, 1, Fields((":method", "GE T"), (":scheme", "https"), (":path", "/a.ts"), (":authority", "localhost"))), $"RST {Protocol}"),

        ("content-length and no body", Request(1, "/a.ts", ("content-length", "5")), $"RST {Protocol}"),
        ("content-length shorter than the body", [.. Post(1, ("content-length", "1")), .. Of(FrameType.Data, EndStream, 1, 1, 2, 3)], $"RST {Protocol}"),
        ("content-length +3", Request(1, "/a.ts", ("content-length", "+3")), $"GOAWAY {Protocol}"),
        ("content-length twice", Request(1, "/a.ts", ("content-length", "0"), ("content-length", "0")), $"GOAWAY {Protocol}"),

        // Section 6.1 wants COMPRESSION_ERROR; Kestrel 10.0 falls over its own table and says INTERNAL_ERROR. The connection ends all the same.
        ("HPACK: index 0", Headers(Both, 1, [0x80]), "GOAWAY 2"),
        ("HPACK: index past both tables", Headers(Both, 1, [0xFF, 0x60]), $"GOAWAY {Compression}"),
        ("HPACK: integer without end", Headers(Both, 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), $"GOAWAY {Compression}"),
        ("HPACK: table larger than allowed", Headers(Both, 1, [0x3F, 0xE1, 0x7F, .. Get("/a.ts")]), $"GOAWAY {Compression}"),
        ("HPACK: table resized among fields", Headers(Both, 1, [.. Get("/a.ts"), 0x20]), $"GOAWAY {Compression}"),
        ("HPACK: field cut short", Headers(Both, 1, [0x00, 0x7E, 0x61]), $"GOAWAY {Compression}"),
        ("HPACK: Huffman that ends in EOS", Headers(Both, 1, [0x00, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0x61]), $"GOAWAY {Compression}"),
        ("HPACK: name longer than a head may be", Headers(EndStream, 1, [0x00, 0x7F, 0x80, 0x80, 0x08, 0x61]), $"GOAWAY {Compression}"),
        ("110 headers", Headers(Both, 1, [.. Get("/a.ts"), .. Many(110)]), "431"),
        ("300 headers", Headers(Both, 1, [.. Get("/a.ts"), .. Many(300)]), $"GOAWAY {Protocol}"),
    ];

    static byte[] Many(int count) => Fields([.. Enumerable.Range(0, count).Select(i => ($"x-{i}", "v"))]);

    public static TheoryData<string> Names => [.. Cases.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_code_is_exactly(string name)
    {
        var (_, bytes, wanted) = Cases.Single(c => c.Name == name);
        using var connection = new H2Connection(shared.Port);
        connection.Begin().Send(bytes);
        Assert.Equal(wanted, First(connection, wanted));
        // Whatever it was, it was this connection's alone.
        using var honest = new H2Connection(shared.Port);
        honest.Begin().Send(Request(1));
        Assert.Equal("200", First(honest, "200"));
    }

    [Theory]
    [InlineData("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    public void Who_agreed_on_HTTP_2_and_speaks_something_else_is_left(string preface)
    {
        using var connection = new H2Connection(shared.Port);
        connection.Send(System.Text.Encoding.ASCII.GetBytes(preface), Settings());
        Assert.Contains(First(connection, "GOAWAY"), (string[])[$"GOAWAY {Protocol}", "closed"]);
    }

    [Theory]
    [InlineData("GET /a.ts HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET /a.ts HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)]
    [InlineData("GET * HTTP/1.1\r\nHost: test\r\n\r\n", 405)]
    public void A_refusal_in_HTTP_1_1_has_its_words_over_TLS_too(string request, int status)
    {
        using var connection = new H2Connection(shared.Port, System.Net.Security.SslApplicationProtocol.Http11);
        connection.Send(System.Text.Encoding.ASCII.GetBytes(request));
        var said = connection.ReadToEnd();
        Assert.StartsWith($"HTTP/1.1 {status} ", said);
        Assert.Matches("\r\nX-Request-Id: [0-9a-f]{16}\r\n", said);
        Assert.Matches("\r\nCache-Control: no-store\r\n", said);
        Assert.Matches($"\r\n\r\n{status} .*\nrequest [0-9a-f]{{16}}\n$", said);
    }

    /// <summary>The first error where one is wanted: what stood before it may have had its answer already.</summary>
    static string First(H2Connection connection, string wanted)
    {
        var error = wanted.StartsWith("GOAWAY", StringComparison.Ordinal) || wanted.StartsWith("RST", StringComparison.Ordinal);
        while (connection.Read() is { } frame)
        {
            switch (frame.Type)
            {
                case FrameType.GoAway:
                    return $"GOAWAY {frame.Code}";
                // NO_ERROR: it is answered and wants no more of the body (RFC 9113 section 8.1).
                case FrameType.RstStream when frame.Code != 0:
                    return $"RST {frame.Code}";
                case FrameType.Ping:
                    return "PING";
                case FrameType.Headers when !error:
                    return StatusOf(frame.Payload);
                default:
                    break;
            }
        }
        return "closed";
    }

    // The static table's entries (RFC 7541 appendix A), or a literal with the name's index 8.
    static string StatusOf(byte[] block) => block[0] switch
    {
        >= 0x88 and <= 0x8E => ((string[])["200", "204", "206", "304", "400", "404", "500"])[block[0] - 0x88],
        _ => System.Text.Encoding.ASCII.GetString(block, 2, 3),
    };
}
