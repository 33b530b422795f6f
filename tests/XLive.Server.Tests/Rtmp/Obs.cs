using System.Buffers.Binary;
using System.Text;
using XLive.Media.Amf;
using XLive.Media.Rtmp;
using XLive.Media.Tests;
using XLive.Media.Tests.Rtmp;

namespace XLive.Server.Tests.Rtmp;

/// <summary>
/// OBS Studio 32 as a peer sees it: the commands of its rtmp-stream.c, flv-mux.c and librtmp in their order, waiting where they wait, with the headers that librtmp
/// writes and the times that OBS's two offsets make. It stops at what its librtmp takes for a refusal.
/// </summary>
internal sealed class Obs : IDisposable
{
    private const int ChunkSize = 4096, Fps = 30, SampleRate = 48_000, AacSamples = 1024;
    private const byte Commands = 3, Source = 4;

    private readonly RtmpClient _client;
    private readonly string _server;
    private readonly string _key;
    private readonly Dictionary<int, Sent> _sent = [];
    private int _chunkSize = 128;
    private int _invokes;
    private uint _stream;

    /// <param name="server">What its user writes below "Server", and below "Stream Key".</param>
    public Obs(int port, string server, string key) => (_client, _server, _key) = (new RtmpClient(port), server, key);

    private readonly record struct Sent(int Length, int Type, uint Timestamp, uint Delta);

    /// <summary>All that was answered, in order: commands by name, transaction and code, other messages by their type.</summary>
    public List<string> Heard { get; } = [];

    /// <summary>Picture and sound as OBS sends them: the first picture is shown at 0, and decoded before; the first of all is sent as 0.</summary>
    public static List<(bool IsVideo, uint Timestamp, byte[] Body)> Film(int seconds, int seed)
    {
        var (pictures, sounds) = (0, 0);
        var packets = new List<(double Order, long Decoded, bool IsVideo, byte[] Body)>();
        foreach (var frame in new SyntheticStream { Random = new Random(seed), Fps = Fps, Gop = 1, BFrames = 2, Seconds = seconds }.Frames())
        {
            var ticks = frame.Track.IsVideo ? pictures++ - 1 : sounds++ * (long)AacSamples;
            var perSecond = frame.Track.IsVideo ? Fps : SampleRate;
            var decoded = Milliseconds(ticks, perSecond);
            var shown = Milliseconds(ticks + (long)Math.Round(frame.CompositionOffset / (double)XLive.Media.Timestamp.PerSecond * Fps), perSecond);
            packets.Add(((double)ticks / perSecond, decoded, frame.Track.IsVideo, frame.Track.IsVideo
                ? [(byte)(frame.IsKey ? 0x17 : 0x27), 1, .. Wire.UInt24((uint)(shown - decoded)), .. frame.Payload.Span]
                : [0xAF, 1, .. frame.Payload.Span]));
        }
        var first = packets.Min(static p => p.Decoded);
        return [.. packets.OrderBy(static p => p.Order).ThenBy(static p => p.IsVideo ? 0 : 1).Select(p => (p.IsVideo, (uint)(p.Decoded - first), p.Body))];
    }

    // Of a number of ticks towards zero, as C divides.
    private static long Milliseconds(long ticks, int perSecond) => ticks * 1000 / perSecond;

    /// <summary>Up to the first frame: what OBS does when its user starts streaming.</summary>
    public void Start()
    {
        // Without a digest, and not a byte more before the answer is there.
        byte[] mine = [.. Wire.UInt32(77_000), 0, 0, 0, 0, .. Wire.Bytes(1528)];
        _client.Send([3, .. mine]);
        Assert.Equal(3, _client.Read(1)[0]);
        _client.Send(_client.Read(1536));
        // It compares, and only warns.
        Assert.Equal(mine, _client.Read(1536));

        Send(2, 0, 1, 0, 0, Wire.UInt32(ChunkSize));
        _chunkSize = ChunkSize;
        Send(Commands, 0, 20, 0, 0, Wire.Amf("connect", ++_invokes, new Dictionary<string, string>
        {
            ["app"] = new Uri(_server).AbsolutePath.Trim('/'),
            ["type"] = "nonprivate",
            ["flashVer"] = "FMLE/3.0 (compatible; FMSc/1.0)",
            ["swfUrl"] = _server,
            ["tcUrl"] = _server,
        }));
        Wait("_result", 1);
        Send(Commands, 1, 20, 0, 0, Wire.Amf("releaseStream", ++_invokes, null, _key));
        Send(Commands, 1, 20, 0, 0, Wire.Amf("FCPublish", ++_invokes, null, _key));
        Send(Commands, 1, 20, 0, 0, Wire.Amf("createStream", ++_invokes, null));
        _stream = (uint)Wait("_result", 4).Number!;
        Send(Source, 0, 20, 0, _stream, Wire.Amf("publish", ++_invokes, null, _key, "live"));
        Wait("onStatus NetStream.Publish.Start", 0);
        Send(Source, 0, 18, 0, _stream, Metadata());
        Send(Source, 0, 8, 0, _stream, [0xAF, 0, 0x11, 0x90, 0x56, 0xE5, 0]);
        Send(Source, 0, 9, 0, _stream, [0x17, 0, 0, 0, 0, .. SyntheticStream.Video.Configuration.Span]);
    }

    public void Send(bool isVideo, uint timestamp, byte[] body) => Send(Source, timestamp == 0 ? 0 : 1, isVideo ? 9 : 8, timestamp, _stream, body);

    /// <summary>What OBS does when its user stops: two commands, and it is gone without waiting for their answers.</summary>
    public void Stop()
    {
        Send(Commands, 1, 20, 0, 0, Wire.Amf("FCUnpublish", ++_invokes, null, _key));
        Send(Commands, 1, 20, 0, 0, Wire.Amf("deleteStream", ++_invokes, null, (double)_stream));
        _client.Socket.Close();
    }

    /// <summary>Its network is gone, and TCP says so.</summary>
    public void Lose()
    {
        _client.Socket.LingerState = new(true, 0);
        _client.Socket.Close();
    }

    // RTMP_SendPacket: a medium header becomes a small one, or none, where length and type, and then the step, are those of the message before.
    private void Send(byte chunks, int header, int type, uint timestamp, uint stream, byte[] payload)
    {
        var before = _sent.GetValueOrDefault(chunks);
        var delta = header == 0 || !_sent.ContainsKey(chunks) ? timestamp : timestamp - before.Timestamp;
        if (header == 1 && _sent.ContainsKey(chunks) && (before.Length, before.Type) == (payload.Length, type))
            header = delta == before.Delta ? 3 : 2;
        _sent[chunks] = new(payload.Length, type, timestamp, header == 3 ? before.Delta : delta);
        var bytes = new List<byte> { (byte)((header << 6) | chunks) };
        if (header < 3)
            bytes.AddRange(Wire.UInt24(delta));
        if (header < 2)
            bytes.AddRange([.. Wire.UInt24((uint)payload.Length), (byte)type]);
        if (header < 1)
            bytes.AddRange([(byte)stream, (byte)(stream >> 8), (byte)(stream >> 16), (byte)(stream >> 24)]);
        for (var at = 0; at < payload.Length; at += _chunkSize)
        {
            if (at > 0)
                bytes.Add((byte)(0xC0 | chunks));
            bytes.AddRange(payload[at..Math.Min(payload.Length, at + _chunkSize)]);
        }
        _client.Send([.. bytes]);
    }

    /// <summary>Reads on until it is said, as RTMP_ConnectStream does, and gives its last value.</summary>
    private AmfValue Wait(string what, double transaction)
    {
        while (_client.Next() is { } message)
        {
            if (message.Type != RtmpMessageType.Command)
            {
                Heard.Add(message.Type.ToString());
                continue;
            }
            var amf = new Amf0Reader(message.Payload.Span);
            var (name, of, _) = (amf.Read().Text, amf.Read().Number, amf.Read());
            var last = amf.ReadOptional();
            var code = last.Object?["code"].Text;
            Heard.Add($"{name} {of} {code}".TrimEnd());
            Assert.False(name is "_error" or "close" || (code is not null && !code.EndsWith(".Success", StringComparison.Ordinal) && !code.EndsWith(".Start", StringComparison.Ordinal)),
                "refused: " + Heard[^1]);
            if (of == transaction && (name == what || $"{name} {code}" == what))
                return last;
        }
        Assert.Fail($"it ended before {what}, behind {string.Join(", ", Heard)}");
        return default;
    }

    // An array that says 20 whatever it holds; the end of an object behind it.
    private static byte[] Metadata()
    {
        var bytes = new List<byte>([.. Wire.Amf("@setDataFrame", "onMetaData"), 8, 0, 0, 0, 20]);
        void Add(string name, byte[] value) => bytes.AddRange([0, (byte)name.Length, .. Encoding.ASCII.GetBytes(name), .. value]);
        void Number(string name, double value)
        {
            var number = new byte[9];
            BinaryPrimitives.WriteDoubleBigEndian(number.AsSpan(1), value);
            Add(name, number);
        }
        foreach (var (name, value) in ((string, double)[])[("duration", 0), ("fileSize", 0), ("width", 1280), ("height", 720), ("videocodecid", 7), ("videodatarate", 2500),
            ("framerate", Fps), ("audiocodecid", 10), ("audiodatarate", 160), ("audiosamplerate", SampleRate), ("audiosamplesize", 16), ("audiochannels", 2)])
            Number(name, value);
        foreach (var name in (string[])["stereo", "2.1", "3.1", "4.0", "4.1", "5.1", "7.1"])
            Add(name, [1, (byte)(name == "stereo" ? 1 : 0)]);
        Add("encoder", Wire.Amf("obs-output module (libobs version 32.2.2)"));
        return [.. bytes, 0, 0, 9];
    }

    public void Dispose() => _client.Dispose();
}
