namespace XLive.Server.Tests.Framing;

/// <summary>What differential fuzzers of HTTP do to a good request: octets that mean something, headers that frame, in the wrong place.</summary>
internal static class Mutations
{
    private static readonly string[] Meaningful = ["\r\n", "\r", "\n", "\0", ":", "\t", " ", ",", ";", "\v", "\u0085", "\u00a0", "\"", "0", "\r\n\r\n"];

    private static readonly string[] Headers =
    [
        "Content-Length: 0", "Content-Length: 5", "Content-Length: 38", "Content-Length:", "Content-Length: 0, 5", "Content-Length : 5", "Content_Length: 5",
        "Transfer-Encoding: chunked", "Transfer-Encoding: identity", "Transfer-Encoding: xchunked", "Transfer-Encoding:\tchunked", "Transfer-Encoding: chunked,",
        "transfer-encoding:\u000bchunked", "Transfer-Encoding : chunked", " Transfer-Encoding: chunked", "X: x\rTransfer-Encoding: chunked",
        "X: x\nTransfer-Encoding: chunked", "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: chunked\0",
        ": x", "Test:", "Connection: close", "Connection: keep-alive", "Connection: Content-Length", "Connection: Transfer-Encoding", "Expect: 100-continue",
        "Upgrade: h2c", "Host: other", "TE: trailers",
    ];

    public static string Mutate(string bytes, Random random)
    {
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            var at = random.Next(bytes.Length);
            bytes = random.Next(6) switch
            {
                0 => bytes.Remove(at, 1),
                1 => bytes.Insert(at, Meaningful[random.Next(Meaningful.Length)]),
                2 => bytes[..at] + (char)random.Next(256) + bytes[(at + 1)..],
                3 => bytes.Insert(at, Meaningful[random.Next(3)]),
                _ => WithHeader(bytes, Headers[random.Next(Headers.Length)], random),
            };
            if (bytes.Length == 0)
                return "G";
        }
        return bytes;
    }

    private static string WithHeader(string bytes, string header, Random random)
    {
        var ends = Enumerable.Range(0, bytes.Length - 1).Where(i => bytes[i] == '\r' && bytes[i + 1] == '\n').ToArray();
        return ends.Length == 0 ? bytes + header : bytes.Insert(ends[random.Next(ends.Length)] + 2, header + "\r\n");
    }
}
