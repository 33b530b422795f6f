using System.Buffers;
using System.Buffers.Binary;
using System.Reflection;
using XLive.Media.Amf;
using XLive.Media.Rtmp;

namespace XLive.Media.Tests.Rtmp;

/// <summary>Bytes as a peer sends them, written from the specification and not by what is tested.</summary>
internal static class Wire
{
    public static byte[] Capture(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    public static byte[] UInt24(uint value) => [(byte)(value >> 16), (byte)(value >> 8), (byte)value];

    public static byte[] UInt32(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    /// <summary>Type 0, and type 3 for the rest.</summary>
    public static byte[] Message(int chunks, int type, uint streamId, uint timestamp, byte[] payload, int chunkSize = 128, bool repeats = true)
    {
        byte[] extended = timestamp >= 0xFFFFFF ? UInt32(timestamp) : [];
        var bytes = new List<byte> { (byte)chunks };
        bytes.AddRange(UInt24(Math.Min(timestamp, 0xFFFFFF)));
        bytes.AddRange(UInt24((uint)payload.Length));
        bytes.AddRange([(byte)type, (byte)streamId, (byte)(streamId >> 8), 0, 0, .. extended]);
        for (int at = 0; at < payload.Length; at += chunkSize)
        {
            if (at > 0)
                bytes.AddRange([(byte)(0xC0 | chunks), .. repeats ? extended : []]);
            bytes.AddRange(payload[at..Math.Min(payload.Length, at + chunkSize)]);
        }
        return [.. bytes];
    }

    public static byte[] Command(uint streamId, params object?[] values) => Message(3, 20, streamId, 0, Amf(values));

    /// <summary>connect as a client of enhanced RTMP says it.</summary>
    public static byte[] EnhancedConnect(string[] list, params (string Map, string Name, double Can)[] maps)
    {
        var output = new ArrayBufferWriter<byte>();
        var amf = new Amf0Writer(output);
        amf.Text("connect");
        amf.Number(1);
        amf.BeginObject();
        amf.Member("app", "live");
        Codecs(amf, list.Length > 0 ? list : null, maps);
        amf.End();
        return Message(3, 20, 0, 0, output.WrittenSpan.ToArray());
    }

    /// <summary>A server's word that connect has succeeded, with what it takes: in the second of its objects, or in the first.</summary>
    public static byte[] Connected(string[]? list, bool inFirst = false, params (string Map, string Name, double Can)[] maps)
    {
        var output = new ArrayBufferWriter<byte>();
        var amf = new Amf0Writer(output);
        amf.Text("_result");
        amf.Number(1);
        for (int i = 0; i < 2; i++)
        {
            amf.BeginObject();
            if (i == 1)
                amf.Member("code", "NetConnection.Connect.Success");
            if (inFirst == (i == 0))
                Codecs(amf, list, maps);
            amf.End();
        }
        return Message(3, 20, 0, 0, output.WrittenSpan.ToArray());
    }

    private static void Codecs(Amf0Writer amf, string[]? list, (string Map, string Name, double Can)[] maps)
    {
        if (list is not null)
        {
            amf.Name("fourCcList");
            amf.BeginStrictArray(list.Length);
            foreach (string name in list)
                amf.Text(name);
        }
        foreach (var (map, name, can) in maps)
        {
            amf.Name(map);
            amf.BeginObject();
            amf.Member(name, can);
            amf.End();
        }
    }

    public static byte[] Amf(params object?[] values)
    {
        var output = new ArrayBufferWriter<byte>();
        var amf = new Amf0Writer(output);
        foreach (object? value in values)
        {
            switch (value)
            {
                case null:
                    amf.Null();
                    break;
                case string text:
                    amf.Text(text);
                    break;
                case bool truth:
                    amf.Boolean(truth);
                    break;
                case Dictionary<string, string> members:
                    amf.BeginObject();
                    foreach (var (name, text) in members)
                        amf.Member(name, text);
                    amf.End();
                    break;
                default:
                    amf.Number(Convert.ToDouble(value, System.Globalization.CultureInfo.InvariantCulture));
                    break;
            }
        }
        return output.WrittenSpan.ToArray();
    }

    public static byte[] Bytes(int length, int seed = 1)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>All messages of the input, fed in pieces of a length each.</summary>
    public static List<string> Messages(byte[] input, params int[] pieces)
    {
        var reader = new ChunkReader();
        var found = new List<string>();
        foreach (var piece in Cut(input, pieces))
        {
            var rest = (ReadOnlyMemory<byte>)piece;
            while (reader.Read(rest, out int consumed, out var message))
            {
                rest = rest[consumed..];
                found.Add(Print(message));
            }
        }
        return found;
    }

    public static string Print(in RtmpMessage message) =>
        FormattableString.Invariant($"{(int)message.Type}/{message.StreamId}@{message.Timestamp}:{Convert.ToHexString(message.Payload.Span)}");

    /// <summary>Each piece memory of its own, so that what reads behind its end is found.</summary>
    public static IEnumerable<byte[]> Cut(byte[] input, params int[] pieces)
    {
        int at = 0;
        for (int i = 0; at < input.Length; i++)
        {
            int length = pieces.Length == 0 ? input.Length : Math.Min(pieces[Math.Min(i, pieces.Length - 1)], input.Length - at);
            yield return input[at..(at + length)];
            at += length;
        }
    }
}
