using static XLive.EndToEnd.Http2.H2Connection;

namespace XLive.EndToEnd.Http2;

/// <summary>What one hostile client sends: the same pieces over and over, as fast as the server takes them, and again on a new connection.</summary>
/// <param name="Begin">Once a connection, behind the preface.</param>
/// <param name="Piece">The n-th piece: it opens the n-th stream, or is a frame that opens none.</param>
/// <param name="Opens">Whether a piece opens a stream.</param>
/// <param name="Reads">False for one who takes nothing of what the server says.</param>
public sealed record Attack(string Name, string Known, byte[] Begin, Func<int, byte[]> Piece, bool Opens = true, bool Reads = true)
{
    const byte Both = Frame.EndHeaders | Frame.EndStream;

    // What browsers send too: names of the static table (RFC 7541 appendix A), a path.
    static readonly byte[] Small = [0x82, 0x87, 0x04, 5, .. "/a.ts"u8, 0x41, 9, .. "localhost"u8];
    static readonly byte[] Large = [0x82, 0x87, 0x04, 9, .. "/large.ts"u8, 0x41, 9, .. "localhost"u8];
    static readonly byte[] NoPath = [0x82, 0x87];
    static readonly byte[] Login = [0x83, 0x87, 0x04, 6, .. "/login"u8, 0x41, 9, .. "localhost"u8];

    // Fills the dynamic table with one field, which one octet then names: 4,000 octets for each.
    static readonly byte[] Fill = [.. Small, 0x40, 1, (byte)'x', 0x7F, 0xA1, 0x1E, .. Enumerable.Repeat((byte)'v', 4000)];
    static readonly byte[] Bomb = [.. Small, .. Enumerable.Repeat((byte)0xBE, 7)];

    static int Stream(int n) => 1 + 2 * n;

    static byte[] Open(int n, byte[] block, byte flags = Both) => Of(FrameType.Headers, flags, Stream(n), block);

    /// <summary>Asks for small files as fast as they come: what the others are compared with.</summary>
    public static Attack Honest { get; } = new("an honest client", "", [], n => Open(n, Small));

    public static IReadOnlyList<Attack> All { get; } =
    [
        new("rapid reset", "CVE-2023-44487", [], n => [.. Open(n, Small), .. Of(FrameType.RstStream, 0, Stream(n), 0, 0, 0, 8)]),
        new("made you reset: window overflow", "CVE-2025-8671", Settings(4, 0),
            n => [.. Open(n, Large), .. Of(FrameType.WindowUpdate, 0, Stream(n), Number(int.MaxValue)), .. Of(FrameType.WindowUpdate, 0, Stream(n), Number(int.MaxValue))]),
        new("made you reset: zero increment", "CVE-2025-8671", [], n => [.. Open(n, Small), .. Of(FrameType.WindowUpdate, 0, Stream(n), 0, 0, 0, 0)]),
        new("made you reset: no path", "CVE-2025-8671", [], n => Open(n, NoPath)),
        new("empty CONTINUATION", "CVE-2019-9518, CVE-2024-27316", Of(FrameType.Headers, Frame.EndStream, 1, Small), n => Of(FrameType.Continuation, 0, 1), Opens: false),
        new("CONTINUATION of fields", "CVE-2024-27316", Of(FrameType.Headers, Frame.EndStream, 1, Small), n => Of(FrameType.Continuation, 0, 1, Fields(("x", "v"), ("y", "v"))), Opens: false),
        new("HPACK bomb", "CVE-2016-6581", Of(FrameType.Headers, Both, 1, Fill), n => Open(n + 1, Bomb)),
        new("10,000 headers", "CVE-2026-49975", [], n => [.. Of(FrameType.Headers, Frame.EndStream, Stream(n), Small), .. Ten, .. Of(FrameType.Continuation, Frame.EndHeaders, Stream(n))]),
        new("SETTINGS", "CVE-2019-9515", [], n => Settings(4, 65_535u + (uint)(n & 1)), Opens: false),
        new("SETTINGS, nothing read", "CVE-2019-9515", [], n => Settings(4, 65_535u + (uint)(n & 1)), Opens: false, Reads: false),
        new("PING", "CVE-2019-9512", [], n => Of(FrameType.Ping, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8), Opens: false),
        new("PING, nothing read", "CVE-2019-9512", [], n => Of(FrameType.Ping, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8), Opens: false, Reads: false),
        new("empty DATA", "CVE-2019-9518", Of(FrameType.Headers, Frame.EndHeaders, 1, Login), n => Of(FrameType.Data, 0, 1), Opens: false),
        new("PRIORITY", "CVE-2019-9513", [], n => Of(FrameType.Priority, 0, Stream(n & 0xFFFF), 0, 0, 0, 0, (byte)n), Opens: false),
        new("window of one octet", "CVE-2019-9511", [.. Settings(4, 0), .. Of(FrameType.Headers, Both, 1, Large)], n => Of(FrameType.WindowUpdate, 0, 1, 0, 0, 0, 1), Opens: false),
        new("zero window, streams for ever", "CVE-2024-30156, CVE-2019-9517", Settings(4, 0), n => Open(n, Large)),
    ];

    static readonly byte[] TenFields = Fields([.. Enumerable.Range(0, 1000).Select(i => ($"x{i}", "v"))]);
    static byte[] Ten => TenFields.Chunk(16_000).SelectMany(part => Of(FrameType.Continuation, 0, 1, part)).ToArray();
}
