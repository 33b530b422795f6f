namespace XLive.Server.Tests.Framing;

/// <summary>
/// Bytes on one side, the exact answer on the other. Behind each case comes an honest request with Connection: close, or the end of the
/// stream where the name says so. "kept" means that it was answered as itself; "closed" that it was not, and that the connection ended.
/// </summary>
internal static class RequestTable
{
    private const string Get = "GET /a.ts HTTP/1.1\r\nHost: test\r\n";
    private const string Post = "POST /refresh HTTP/1.1\r\nHost: test\r\n";
    private const string Chunked = Post + "Transfer-Encoding: chunked\r\n\r\n";

    public const string End = ", then the end";

    // 21 bytes that /refresh reads and answers with 401: where they came through whole, framing was understood.
    private const string Json = "{\"refresh_token\":\"x\"}";
    private const string Smuggled = "GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n";

    private static string Line(string requestLine) => requestLine + "\r\nHost: test\r\n\r\n";
    private static string With(string header) => Get + header + "\r\n\r\n";
    private static string Body(string header, string body) => Post + header + "\r\n\r\n" + body;

    public static readonly (string Name, string Bytes, string Answer)[] Rows =
    [
        ("plain", Get + "\r\n", "200 kept"),
        ("two in one packet", Get + "\r\n" + Get + "\r\n", "200 200 kept"),
        ("three methods in one packet", "HEAD /a.ts HTTP/1.1\r\nHost: test\r\n\r\n", "200 kept"),
        ("empty lines before a request", "\r\n\r\n" + Get + "\r\n", "200 kept"),

        // The request line (RFC 9112 section 3).
        ("bare LF ends the request line", "GET /a.ts HTTP/1.1\nHost: test\r\n\r\n", "400 closed"),
        ("bare LF ends a header", "GET /a.ts HTTP/1.1\r\nHost: test\n\r\n", "400 closed"),
        ("bare LF ends the head", "GET /a.ts HTTP/1.1\r\nHost: test\r\n\n", "400 closed"),
        ("bare CR in the request line", Line("GET /a.ts\rHTTP/1.1"), "400 closed"),
        ("bare CR in a header", With("X: a\rb"), "400 closed"),
        ("CR CR LF", "GET /a.ts HTTP/1.1\r\nHost: test\r\r\n\r\n", "400 closed"),
        ("tab for a space", Line("GET\t/a.ts HTTP/1.1"), "400 closed"),
        ("two spaces before the target", Line("GET  /a.ts HTTP/1.1"), "400 closed"),
        ("space in the target", Line("GET /a b.ts HTTP/1.1"), "400 closed"),
        ("space after the version", Line("GET /a.ts HTTP/1.1 "), "400 closed"),
        ("space before the method", Line(" GET /a.ts HTTP/1.1"), "400 closed"),
        ("NUL in the target", Line("GET /a\0.ts HTTP/1.1"), "400 closed"),
        ("NUL in the method", Line("G\0T /a.ts HTTP/1.1"), "400 closed"),
        ("octet above 127 in the target", Line("GET /\u00e9.ts HTTP/1.1"), "400 closed"),
        ("no target", Line("GET HTTP/1.1"), "400 closed"),
        ("a fragment", Line("GET /a.ts#x HTTP/1.1"), "400 kept"),
        ("broken escape", Line("GET /a%2.ts HTTP/1.1"), "400 kept"),
        ("HTTP/0.9", "GET /a.ts\r\n", "400 closed"),
        ("HTTP/1.0", "GET /a.ts HTTP/1.0\r\n\r\n", "200 closed"),
        ("HTTP/1.0 that stays", "GET /a.ts HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200 kept"),
        ("HTTP/1.2", Line("GET /a.ts HTTP/1.2"), "505 closed"),
        ("HTTP/2.0", Line("GET /a.ts HTTP/2.0"), "505 closed"),
        ("HTTP/1.10", Line("GET /a.ts HTTP/1.10"), "400 closed"),
        ("http/1.1 in small letters", Line("GET /a.ts http/1.1"), "505 closed"),
        ("a version of another protocol", Line("GET /a.ts RTSP/1.0"), "505 closed"),
        ("preface of HTTP/2 in clear", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GOAWAY closed"),
        ("TLS on a clear port", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003\n", "400 closed"),
        ("request line of 8 KiB", Line("GET /" + new string('a', 8200) + " HTTP/1.1"), "414 closed"),
        ("query of 8 KiB", Line("GET /a.ts?" + new string('a', 8200) + " HTTP/1.1"), "414 closed"),
        ("method of 8 KiB", Line(new string('A', 8200) + " /a.ts HTTP/1.1"), "414 closed"),

        // Targets and methods.
        ("absolute form", "GET http://test/a.ts HTTP/1.1\r\nHost: test\r\n\r\n", "400 kept"),
        ("absolute form, another host", "GET http://evil/a.ts HTTP/1.1\r\nHost: test\r\n\r\n", "400 closed"),
        ("authority form", Line("GET test:80 HTTP/1.1"), "405 closed"),
        ("CONNECT", "CONNECT test HTTP/1.1\r\nHost: test\r\n\r\n", "400 kept"),
        ("CONNECT with a path", Line("CONNECT /a.ts HTTP/1.1"), "405 kept"),
        ("asterisk", Line("OPTIONS * HTTP/1.1"), "204 kept"),
        ("asterisk for GET", Line("GET * HTTP/1.1"), "405 closed"),
        ("TRACE", Line("TRACE /a.ts HTTP/1.1"), "405 kept"),
        ("a method that nobody knows", Line("FETCH /a.ts HTTP/1.1"), "405 kept"),
        ("a method in small letters", Line("get /a.ts HTTP/1.1"), "405 kept"),
        ("a method of signs", Line("G@T /a.ts HTTP/1.1"), "400 closed"),
        ("a method of the API that is not", Line("PUT /health HTTP/1.1"), "405 kept"),

        // Host (RFC 9112 section 3.2).
        ("no Host", "GET /a.ts HTTP/1.1\r\n\r\n", "400 closed"),
        ("empty Host", "GET /a.ts HTTP/1.1\r\nHost:\r\n\r\n", "200 kept"),
        ("Host twice", Get + "Host: test\r\n\r\n", "400 closed"),
        ("Host with a path", "GET /a.ts HTTP/1.1\r\nHost: test/a\r\n\r\n", "400 closed"),
        ("Host with user information", "GET /a.ts HTTP/1.1\r\nHost: u@test\r\n\r\n", "400 closed"),
        ("Host of two names", "GET /a.ts HTTP/1.1\r\nHost: a, b\r\n\r\n", "400 closed"),
        ("Host with a port of letters", "GET /a.ts HTTP/1.1\r\nHost: test:http\r\n\r\n", "400 closed"),
        ("Host that is IPv6", "GET /a.ts HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "200 kept"),

        // Header lines (RFC 9112 section 5).
        ("space before the colon", With("X : a"), "400 closed"),
        ("tab before the colon", With("Content-Length\t: 3"), "400 closed"),
        ("obs-fold", With("X: a\r\n b"), "400 closed"),
        ("first header folded", "GET /a.ts HTTP/1.1\r\n Host: test\r\n\r\n", "400 closed"),
        ("empty header name", With(": a"), "400 closed"),
        ("line without a colon", With("X"), "400 closed"),
        ("NUL in a value", With("X: a\0b"), "400 closed"),
        ("NUL in a name", With("X\0Y: a"), "400 closed"),
        ("octet above 127 in a name", With("X\u00e9: a"), "400 closed"),
        ("empty value", With("X:"), "200 kept"),
        ("100 headers", Get + string.Concat(Enumerable.Range(1, 99).Select(i => $"X-{i}: v\r\n")) + "\r\n", "200 kept"),
        ("101 headers", Get + string.Concat(Enumerable.Range(1, 100).Select(i => $"X-{i}: v\r\n")) + "\r\n", "431 closed"),
        ("one header of 33 KiB", With("X: " + new string('v', 33 * 1024)), "431 closed"),
        ("headers of 33 KiB", Get + string.Concat(Enumerable.Range(1, 33).Select(i => $"X-{i}: {new string('v', 1020)}\r\n")) + "\r\n", "431 closed"),

        // Content-Length (RFC 9110 section 8.6).
        ("length", Body("Content-Length: 21", Json), "401 kept"),
        ("length with spaces round it", Body("Content-Length: \t 21 \t ", Json), "401 kept"),
        ("length with a leading zero", Body("Content-Length: 0021", Json), "401 kept"),
        ("length +21", Body("Content-Length: +21", Json), "400 closed"),
        ("length +0", With("Content-Length: +0"), "400 closed"),
        ("length -0", With("Content-Length: -0"), "400 closed"),
        ("length -1", With("Content-Length: -1"), "400 closed"),
        ("length 0x15", Body("Content-Length: 0x15", Json), "400 closed"),
        ("length 2_1", Body("Content-Length: 2_1", Json), "400 closed"),
        ("length 2 1", Body("Content-Length: 2 1", Json), "400 closed"),
        ("length 21.0", Body("Content-Length: 21.0", Json), "400 closed"),
        ("length 2e1", Body("Content-Length: 2e1", Json), "400 closed"),
        ("length in other digits", Body("Content-Length: \u00b2", Json), "400 closed"),
        ("length that is empty", With("Content-Length:"), "400 closed"),
        ("length 21,21", Body("Content-Length: 21,21", Json), "400 closed"),
        ("length 21, 0", Body("Content-Length: 21, 0", Json), "400 closed"),
        ("length twice, the same", Body("Content-Length: 21\r\nContent-Length: 21", Json), "400 closed"),
        ("length twice, differing", Body("Content-Length: 21\r\nContent-Length: 0", Json), "400 closed"),
        ("length of 20 digits", With("Content-Length: 00000000000000000021"), "400 closed"),
        ("length 2^63", With("Content-Length: 9223372036854775808"), "400 closed"),
        ("length with a vertical tab", Body("Content-Length: \v21", Json), "400 closed"),
        ("underscore for a hyphen is another header", With("Content_Length: 5"), "200 kept"),
        ("longer than the API takes" + End, Body("Content-Length: 1000000", ""), "413 closed"),
        ("shorter than it says" + End, Body("Content-Length: 1000", Json), "closed"),
        ("the name that Kestrel moves lengths to", With("X-Content-Length: 5"), "400 closed"),

        // Transfer-Encoding (RFC 9112 sections 6.1 and 6.3).
        ("chunked", Chunked + "15\r\n" + Json + "\r\n0\r\n\r\n", "401 kept"),
        ("Chunked", Body("Transfer-Encoding: Chunked", "15\r\n" + Json + "\r\n0\r\n\r\n"), "401 kept"),
        ("chunked and a length", Body("Content-Length: 21\r\nTransfer-Encoding: chunked", "15\r\n" + Json + "\r\n0\r\n\r\n" + Smuggled), "400 closed"),
        ("chunked and a length of 0", Body("Transfer-Encoding: chunked\r\nContent-Length: 0", "0\r\n\r\n" + Smuggled), "400 closed"),
        ("chunked, a length and Kestrel's name for it", Body("Transfer-Encoding: chunked\r\nX-Content-Length: 1\r\nContent-Length: 5", "0\r\n\r\n" + Smuggled), "400 closed"),
        ("chunked for media and a length", With("Content-Length: 5\r\nTransfer-Encoding: chunked") + "0\r\n\r\n" + Smuggled, "400 closed"),
        ("chunked in HTTP/1.0", "POST /refresh HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + Smuggled, "400 closed"),
        ("chunked twice", Body("Transfer-Encoding: chunked, chunked", "0\r\n\r\n"), "400 closed"),
        ("chunked in two headers", Body("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), "400 closed"),
        ("empty element after chunked", Body("Transfer-Encoding: chunked,", "0\r\n\r\n"), "400 closed"),
        ("empty element before chunked", Body("Transfer-Encoding: ,chunked", "0\r\n\r\n"), "400 closed"),
        ("identity", Body("Transfer-Encoding: identity", "0\r\n\r\n"), "400 closed"),
        ("identity before chunked", Body("Transfer-Encoding: identity, chunked", "0\r\n\r\n"), "501 closed"),
        ("gzip before chunked", Body("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"), "501 closed"),
        ("gzip after chunked", Body("Transfer-Encoding: chunked, gzip", "0\r\n\r\n"), "400 closed"),
        ("gzip", Body("Transfer-Encoding: gzip", "0\r\n\r\n"), "400 closed"),
        ("xchunked", Body("Transfer-Encoding: xchunked", "0\r\n\r\n"), "400 closed"),
        ("chunked in quotes", Body("Transfer-Encoding: \"chunked\"", "0\r\n\r\n"), "400 closed"),
        ("chunked with a parameter", Body("Transfer-Encoding: chunked;q=1", "0\r\n\r\n"), "400 closed"),
        ("chunked behind a vertical tab", Body("Transfer-Encoding: \vchunked", "0\r\n\r\n"), "400 closed"),
        ("chunked before a NUL", Body("Transfer-Encoding: chunked\0", "0\r\n\r\n"), "400 closed"),
        ("empty coding", Body("Transfer-Encoding:", "0\r\n\r\n"), "400 closed"),
        ("the name folded", "POST /refresh HTTP/1.1\r\nHost: test\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "400 closed"),
        ("the name with a space", Body("Transfer-Encoding : chunked", "0\r\n\r\n"), "400 closed"),

        // Chunks (RFC 9112 section 7.1; CVE-2025-55315).
        ("chunk size past 2^63", Chunked + "ffffffffffffffff\r\n" + Json, "400 closed"),
        ("chunk size past 2^31", Chunked + "80000000\r\n" + Json, "400 closed"),
        ("chunk size of many zeros", Chunked + "0000000000015\r\n" + Json + "\r\n0\r\n\r\n", "400 closed"),
        ("chunk size +15", Chunked + "+15\r\n" + Json + "\r\n0\r\n\r\n", "400 closed"),
        ("chunk size -1", Chunked + "-1\r\n" + Json + "\r\n0\r\n\r\n", "400 closed"),
        ("chunk size 0x15", Chunked + "0x15\r\n" + Json + "\r\n0\r\n\r\n", "400 closed"),
        ("chunk size 1_5", Chunked + "1_5\r\n" + Json + "\r\n0\r\n\r\n", "400 closed"),
        ("chunk size behind a space", Chunked + " 15\r\n" + Json + "\r\n0\r\n\r\n", "400 closed"),
        ("chunk size before a space", Chunked + "15 \r\n" + Json + "\r\n0\r\n\r\n", "400 closed"),
        ("chunk size before a space and an extension", Chunked + "15 ;x\r\n" + Json + "\r\n0\r\n\r\n", "400 closed"),
        ("empty chunk size", Chunked + "\r\n" + Json + "\r\n0\r\n\r\n", "400 closed"),
        ("chunk size ends in LF", Chunked + "15\n" + Json + "\r\n0\r\n\r\n", "400 closed"),
        ("chunk size ends in CR", Chunked + "15\r" + Json + "\r\n0\r\n\r\n", "400 closed"),
        ("chunk extension", Chunked + "15;x=y\r\n" + Json + "\r\n0;z\r\n\r\n", "401 kept"),
        ("chunk extension with LF", Chunked + "15;x\ny\r\n" + Json + "\r\n0\r\n\r\n", "400 closed"),
        ("chunk extension with CR", Chunked + "15;x\ry\r\n" + Json + "\r\n0\r\n\r\n", "400 closed"),
        ("chunk extension ends in LF", Chunked + "15;x\n" + Json + "\r\n0\r\n\r\n", "400 closed"),
        ("chunk extension hides a request", Chunked + "15;\n" + Json + "\r\n0;\n\r\n" + Smuggled, "400 closed"),
        ("chunk data longer than its size", Chunked + "14\r\n" + Json + "\r\n0\r\n\r\n", "400 closed"),
        ("chunk data ends in LF", Chunked + "15\r\n" + Json + "\n0\r\n\r\n", "400 closed"),
        ("no last chunk" + End, Chunked + "15\r\n" + Json + "\r\n", "closed"),
        ("last chunk ends in LF", Chunked + "15\r\n" + Json + "\r\n0\n\n", "400 closed"),
        ("trailer", Chunked + "15\r\n" + Json + "\r\n0\r\nX: y\r\n\r\n", "401 kept"),
        ("trailers that frame or route", Chunked + "15\r\n" + Json + "\r\n0\r\nContent-Length: 99\r\nTransfer-Encoding: gzip\r\nHost: evil\r\n\r\n", "401 kept"),
        ("trailer with NUL", Chunked + "15\r\n" + Json + "\r\n0\r\nX: a\0b\r\n\r\n", "400 closed"),
        ("trailer with a space before the colon", Chunked + "15\r\n" + Json + "\r\n0\r\nX : y\r\n\r\n", "400 closed"),
        ("trailer ends in LF", Chunked + "15\r\n" + Json + "\r\n0\r\nX: y\n\r\n", "400 closed"),
        ("101 trailers", Chunked + "15\r\n" + Json + "\r\n0\r\n" + string.Concat(Enumerable.Range(1, 101).Select(i => $"X-{i}: v\r\n")) + "\r\n", "431 closed"),

        // Bodies that nobody asked for.
        ("GET with a length", With("Content-Length: 5") + "hello", "200 kept"),
        ("GET with chunks", With("Transfer-Encoding: chunked") + "5\r\nhello\r\n0\r\n\r\n", "200 kept"),
        ("HEAD with a length", "HEAD /a.ts HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello", "200 kept"),
        ("GET with a request for its body", With("Content-Length: " + Smuggled.Length) + Smuggled, "200 kept"),
        ("POST to media", "POST /a.ts HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello", "405 kept"),
        ("POST to media with a broken chunk", "POST /a.ts HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5x\r\nhello\r\n0\r\n\r\n" + Smuggled, "405 closed"),
        ("POST to media with a chunk past 2^31", "POST /a.ts HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\nhello" + Smuggled, "405 closed"),
        ("POST to media with a body past 1 MiB", "POST /a.ts HTTP/1.1\r\nHost: test\r\nContent-Length: 99999999\r\n\r\nhello" + Smuggled, "405 closed"),
        ("POST without a body", "POST /refresh HTTP/1.1\r\nHost: test\r\n\r\n", "400 kept"),
        ("POST without a body in HTTP/1.0", "POST /refresh HTTP/1.0\r\n\r\n", "400 closed"),

        // Between hops (RFC 9110 section 7.6.1).
        ("Upgrade: h2c", With("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"), "200 kept"),
        ("Upgrade: h2c with a body", With("Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5") + "hello", "200 kept"),
        ("Upgrade: websocket", With("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), "200 kept"),
        ("Connection names a header of ours", With("Connection: X-User\r\nX-User: admin"), "200 kept"),
        ("Connection: close", With("Connection: close"), "200 closed"),
        ("whole, and the end" + End, Get + "\r\n", "200 closed"),
        ("Connection: keep-alive, close", With("Connection: keep-alive, close"), "200 closed"),
        ("Connection names Content-Length", Body("Connection: Content-Length\r\nContent-Length: 21", Json), "401 kept"),
        ("Expect: 100-continue", Body("Expect: 100-continue\r\nContent-Length: 21", Json), "401 kept"),
        ("Expect: 100-continue without a body", With("Expect: 100-continue"), "200 kept"),
        ("Expect: something else", With("Expect: tea"), "200 kept"),
        ("Proxy-Connection and Keep-Alive", With("Proxy-Connection: close\r\nKeep-Alive: timeout=1"), "200 kept"),
        ("head without an end" + End, Get, "400 closed"),
    ];
}
