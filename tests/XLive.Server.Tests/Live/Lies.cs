using XLive.Media.Tests.Rtmp;

namespace XLive.Server.Tests.Live;

/// <summary>What another server may say that is not as it should be, and the end of the words that it is named with.</summary>
internal static class Lies
{
    /// <summary>Nothing ends it but patience.</summary>
    public const string Silent = "silence";

    public static readonly Dictionary<string, (Action<LyingRemote.Peer> Lie, string Why)> ToAll = new()
    {
        ["says nothing"] = (static p => p.Hold(), Silent),
        ["stops within the handshake"] = (static p => p.Say([3, .. new byte[2000]]).Hold(), Silent),
        ["speaks HTTP"] = (static p => p.Say("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray()).Hold(), "RTMP fault NotRtmp"),
        ["never answers connect"] = (static p => p.Handshake().Listen(), Silent),
        ["never says that it begins"] = (static p => p.Ask().Listen(), Silent),
        ["says anything but that it begins"] = (static p => Endless(p.Ask(), Wire.Command(1, "onStatus", 0, null, LyingRemote.Status("NetStream.Play.Reset"))), Silent),
        ["refuses connect"] = (static p => p.Handshake().Say(Wire.Command(0, "_error", 1, null, LyingRemote.Status("NetConnection.Connect.Rejected", "error"))).Listen(), "refused: NetConnection.Connect.Rejected"),
        ["refuses createStream"] = (static p => p.Handshake().Say(LyingRemote.Connected, Wire.Command(0, "_error", 4, null, LyingRemote.Status("NetConnection.Call.Failed", "error"))).Listen(), "refused: NetConnection.Call.Failed"),
        ["refuses the stream"] = (static p => p.Ask().Say(Wire.Command(1, "onStatus", 0, null, LyingRemote.Status("NetStream.Publish.BadName", "error"))).Listen(), "refused: NetStream.Publish.BadName"),
        ["refuses with lines for the log"] = (static p => p.Ask().Say(Wire.Command(1, "onStatus", 0, null, LyingRemote.Status("\r\n[error] all is lost", "error"))).Listen(), "refused: no known reason"),
        ["refuses without a word"] = (static p => p.Handshake().Say(Wire.Command(0, "_error", 1)).Listen(), "refused: no known reason"),
        ["ends what has begun"] = (static p => p.Begin().Say(Wire.Command(1, "onStatus", 0, null, LyingRemote.Status("NetStream.Publish.Denied", "error"))).Listen(), "ended it: NetStream.Publish.Denied"),
        ["creates no stream"] = (static p => p.Handshake().Say(LyingRemote.Connected, Wire.Command(0, "_result", 4, null, "one")).Listen(), "RTMP fault Command"),
        ["creates a stream that is no number"] = (static p => p.Handshake().Say(LyingRemote.Connected, Wire.Command(0, "_result", 4, null, double.NaN)).Listen(), "RTMP fault Command"),
        ["has chunks of nothing"] = (static p => p.Handshake().Say(Wire.Message(2, 1, 0, 0, Wire.UInt32(0))).Listen(), "RTMP fault ChunkSize"),
        ["has chunks of 2 GiB"] = (static p => p.Handshake().Say(Wire.Message(2, 1, 0, 0, Wire.UInt32(0x80000000))).Listen(), "RTMP fault ChunkSize"),
        ["has chunks and messages of 16 MiB"] = (static p => p.Begin().Say(Wire.Message(2, 1, 0, 0, Wire.UInt32(0x7FFFFFFF)), Head(6, 9, 0xFFFFFF)).Listen(), "RTMP fault MessageTooLong"),
        ["has commands of 16 MiB"] = (static p => p.Handshake().Say(Head(3, 20, 0xFFFFFF)).Listen(), "RTMP fault MessageTooLong"),
        ["has more chunk streams than anybody"] = (static p => p.Begin().Say([.. Enumerable.Range(2, 62).Select(static n => Head(n, 18, 200, 128)), .. Enumerable.Range(0, 3).Select(static n => Behind(Head(0, 18, 200, 128), (byte)n))]).Listen(), "RTMP fault TooManyChunkStreams"),
        ["nests without end"] = (static p => p.Handshake().Say(Wire.Message(3, 20, 0, 0, [.. Wire.Amf("onStatus", 0, null), .. Enumerable.Repeat<byte[]>([3, 0, 1, 0x61], 5000).SelectMany(static b => b)])).Listen(), "RTMP fault Command"),
        ["has a list of 2^32"] = (static p => p.Handshake().Say(Wire.Message(3, 20, 0, 0, [.. Wire.Amf("onStatus", 0, null), 0x0A, 0xFF, 0xFF, 0xFF, 0xFF])).Listen(), "RTMP fault Command"),
        ["begins and resets"] = (static p => p.Begin().Reset(), ""),
    };

    public static readonly Dictionary<string, (Action<LyingRemote.Peer> Lie, string Why)> ToPulls = new()
    {
        ["begins and closes"] = (static p => p.Begin(), "closed the connection"),
        ["sends media before it begins"] = (static p => p.Ask().Say(Wire.Message(6, 9, 1, 0, new byte[100]), Wire.Message(4, 8, 1, 0, new byte[100])), "closed the connection before anything began"),
        ["ends an aggregate within a header"] = (static p => p.Begin().Say(Wire.Message(6, 22, 1, 0, [9, 0, 0])).Listen(), "RTMP fault Aggregate"),
        ["ends an aggregate within a message"] = (static p => p.Begin().Say(Wire.Message(6, 22, 1, 0, [9, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 1])).Listen(), "RTMP fault Aggregate"),
        ["has an aggregate that points nowhere"] = (static p => p.Begin().Say(Wire.Message(6, 22, 1, 0, [9, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 99])).Listen(), "RTMP fault Aggregate"),
        ["has an aggregate of aggregates"] = (static p => p.Begin().Say(Wire.Message(6, 22, 1, 0, [.. Enumerable.Repeat<byte[]>([22, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11], 1001).SelectMany(static b => b)])).Listen(), "RTMP fault Aggregate"),
        ["begins many messages and ends none"] = (static p => BeginMany(p.Begin()), "RTMP fault TooMuchHeld"),
        ["sends frames of noise"] = (static p => Endless(p.Begin(), Wire.Message(6, 9, 1, 0, Wire.Bytes(300))), Silent),
    };

    // The first chunk of a message, with so much of it.
    private static byte[] Head(int chunks, byte type, uint length, int bytes = 10) => [(byte)chunks, 0, 0, 0, .. Wire.UInt24(length), type, 1, 0, 0, 0, .. new byte[bytes]];

    // With the number of its chunk stream behind the first byte: 64 and what it says.
    private static byte[] Behind(byte[] head, byte number) => [head[0], number, .. head.AsSpan(1)];

    private static void Endless(LyingRemote.Peer peer, byte[] message)
    {
        for (; ; Thread.Sleep(1))
            peer.Say(message);
    }

    private static void BeginMany(LyingRemote.Peer peer)
    {
        peer.Say(Wire.Message(2, 1, 0, 0, Wire.UInt32(4 << 20)));
        // Of 5 MiB each four have come.
        for (var chunks = 10; chunks < 20; chunks++)
            peer.Say(Head(chunks, 9, 5 << 20, 4 << 20));
        peer.Listen();
    }
}
