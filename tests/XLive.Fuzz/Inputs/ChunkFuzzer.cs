using System.Globalization;
using System.Text;
using XLive.Fuzz.Engine;
using XLive.Media.Rtmp;

namespace XLive.Fuzz.Inputs;

/// <summary>Chunks. Read once over the whole text, and by the reader whole, a byte at a time and in two pieces cut at every place.</summary>
public sealed class ChunkFuzzer : Fuzzer<Memory<byte>>, IDisposable
{
    private readonly GuardedBuffer<byte> _bytes = new();

    public override string Name => "chunks";

    public override string Target => "`ChunkReader`";

    // Every chunk stream that a byte names is an object, and a message that has begun a buffer of at least 256.
    protected override long AllocationRoom => 96 << 10;

    protected override string[] Tokens { get; } =
    [
        "\x03\0\0\0\0\0\x04\x08\x01\0\0\0", "\x02\0\0\0\0\0\x04\x01\0\0\0\0\0\0\0\x01", "\x02\0\0\0\0\0\x04\x01\0\0\0\0\0\0\0\0", "\x02\0\0\0\0\0\x04\x01\0\0\0\0\x80\0\0\0", "\x02\0\0\0\0\0\x04\x02\0\0\0\0\0\0\0\x03",
        "\xc3", "\xc4", "\x83", "\x43", "\0\0", "\x01\0\0", "\x01\xff\xff", "\xff\xff\xff", "\xff\xff\xff\xff\xff\xff\xff", "\0\xff\xff\xff", "\xc0", "\xc1",
    ];

    protected override string Generate(Dice dice)
    {
        var grammar = new ChunkGrammar(dice);
        for (var messages = 1 + dice.Below(5); messages > 0; messages--)
        {
            if (dice.OneIn(5))
                grammar.SetChunkSize(dice.OneIn(3) ? 1 + dice.Below(8) : 1 + dice.Below(1000));
            if (dice.OneIn(20))
                grammar.Abort();
            var payload = new byte[dice.OneIn(4) ? dice.Below(1200) : dice.Below(200)];
            dice.Fill(payload);
            grammar.Message(dice.OneIn(2) ? 8 + dice.Below(2) : dice.OneIn(2) ? 20 : 3 + dice.Below(250), (uint)dice.Below(3), Latin(payload));
        }
        return grammar.ToString();
    }

    protected override Memory<byte> Read(string input)
    {
        _bytes.Put(Bytes(input));
        return _bytes.Memory;
    }

    protected override bool Parse(Memory<byte> input)
    {
        var reader = new ChunkReader();
        ReadOnlyMemory<byte> rest = input;
        try
        {
            while (reader.Read(rest, out var consumed, out _))
                rest = rest[consumed..];
            FuzzFailure.Unless(reader.Held <= Math.Max(2 * input.Length, 64 * 256));
            return true;
        }
        catch (RtmpException)
        {
            return false;
        }
    }

    protected override void Verify(Memory<byte> input, bool accepted)
    {
        var read = InPieces(input, input.Length);
        FuzzFailure.Equal(accepted, !read.EndsWith('!'), "taken a second time");
        FuzzFailure.Equal(Second(input.Span), read, "by another reading");
        FuzzFailure.Equal(read, InPieces(input, 1), "a byte at a time");
        foreach (var cut in Cuts.Of(input.Length, 12))
            FuzzFailure.Equal(read, InPieces(input, cut, input.Length), string.Create(CultureInfo.InvariantCulture, $"cut at {cut}"));
    }

    private static string InPieces(ReadOnlyMemory<byte> input, params ReadOnlySpan<int> sizes)
    {
        var reader = new ChunkReader();
        var text = new StringBuilder();
        try
        {
            for (int i = 0, at = 0; at < input.Length; i++)
            {
                var piece = input.Slice(at, Math.Min(sizes[Math.Min(i, sizes.Length - 1)], input.Length - at));
                at += piece.Length;
                while (reader.Read(piece, out var consumed, out var message))
                {
                    piece = piece[consumed..];
                    Print((byte)message.Type, message.StreamId, message.Timestamp, message.Payload.Span, text);
                }
            }
        }
        catch (RtmpException fault)
        {
            text.Append(fault.Fault).Append('!');
        }
        return text.ToString();
    }

    private static void Print(byte type, uint streamId, uint timestamp, ReadOnlySpan<byte> payload, StringBuilder text)
    {
        var hash = new HashCode();
        hash.AddBytes(payload);
        text.Append(CultureInfo.InvariantCulture, $"{type}/{streamId}@{timestamp}:{payload.Length}:{hash.ToHashCode():x} ");
    }

    private sealed class Remembered
    {
        public uint Field;
        public uint Time;
        public int Length;
        public byte Type;
        public uint StreamId;
        public bool Extended;
        public List<byte>? Begun;
    }

    /// <summary>Index by index over all that there is.</summary>
    private static string Second(ReadOnlySpan<byte> all)
    {
        var text = new StringBuilder();
        var streams = new Dictionary<int, Remembered>();
        var size = 128;
        for (var at = 0; at < all.Length;)
        {
            var format = all[at] >> 6;
            var low = all[at] & 63;
            var basic = low == 0 ? 2 : low == 1 ? 3 : 1;
            var head = basic + (format == 0 ? 11 : format == 1 ? 7 : format == 2 ? 3 : 0);
            if (at + head > all.Length)
                break;
            var id = low == 0 ? all[at + 1] + 64 : low == 1 ? all[at + 1] + 64 + (all[at + 2] * 256) : low;
            if (!streams.TryGetValue(id, out var stream))
            {
                if (streams.Count == 64)
                    return text + "TooManyChunkStreams!";
                streams[id] = stream = new Remembered();
            }
            var h = all.Slice(at + basic, head - basic);
            at += head;
            if (format < 3)
            {
                if (stream.Begun is not null)
                    return text + "ChunkHeader!";
                stream.Field = (uint)((h[0] * 65536) + (h[1] * 256) + h[2]);
                stream.Extended = stream.Field == 0xFFFFFF;
                if (format < 2)
                    (stream.Length, stream.Type) = ((h[3] * 65536) + (h[4] * 256) + h[5], h[6]);
                if (format == 0)
                    (stream.StreamId, stream.Time) = ((uint)(h[7] + (h[8] << 8) + (h[9] << 16) + (h[10] << 24)), 0);
                if (stream.Extended)
                {
                    if (at + 4 > all.Length)
                        break;
                    stream.Field = Big(all[at..]);
                    at += 4;
                }
                stream.Time += stream.Field;
            }
            else
            {
                if (stream.Begun is null)
                    stream.Time += stream.Field;
                if (stream.Extended)
                {
                    var there = all[at..Math.Min(all.Length, at + 4)];
                    var repeated = Same(there, stream.Field) || Same(there, stream.Time);
                    if (repeated && there.Length < 4)
                        break;
                    at += repeated ? 4 : 0;
                }
            }
            if (stream.Begun is null && stream.Length > (stream.Type is 8 or 9 or 22 ? 8 << 20 : 64 << 10))
                return text + "MessageTooLong!";
            stream.Begun ??= [];
            var wanted = Math.Min(size, stream.Length - stream.Begun.Count);
            if (at + wanted > all.Length)
                break;
            stream.Begun.AddRange(all.Slice(at, wanted));
            at += wanted;
            if (stream.Begun.Count < stream.Length)
                continue;
            byte[] payload = [.. stream.Begun];
            stream.Begun = null;
            if (stream.Type is not (1 or 2))
            {
                Print(stream.Type, stream.StreamId, stream.Time, payload, text);
                continue;
            }
            if (payload.Length < 4)
                return text + "ControlMessage!";
            var value = Big(payload);
            if (stream.Type == 2 && value < 70_000 && streams.TryGetValue((int)value, out var aborted))
                aborted.Begun = null;
            if (stream.Type == 1 && (value == 0 || value >= 0x80000000))
                return text + "ChunkSize!";
            if (stream.Type == 1)
                size = (int)Math.Min(value, 0xFFFFFF);
        }
        return text.ToString();
    }

    private static uint Big(ReadOnlySpan<byte> bytes) => (uint)((bytes[0] << 24) + (bytes[1] << 16) + (bytes[2] << 8) + bytes[3]);

    private static bool Same(ReadOnlySpan<byte> there, uint value)
    {
        for (var i = 0; i < there.Length; i++)
        {
            if (there[i] != (value >> (24 - (8 * i)) & 0xFF))
                return false;
        }
        return true;
    }

    public void Dispose() => ((IDisposable)_bytes).Dispose();
}
