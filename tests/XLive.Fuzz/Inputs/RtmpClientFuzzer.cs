using System.Buffers;
using System.Globalization;
using System.Text;
using XLive.Fuzz.Engine;
using XLive.Media;
using XLive.Media.Amf;
using XLive.Media.Rtmp;

namespace XLive.Fuzz.Inputs;

/// <summary>
/// What a server answers to us who fetch a stream from it, or push one to it, behind its handshake. In whatever pieces it comes it comes to the same; there is no
/// media before it has begun, nothing after its end, and we say no more than a few times what we hear.
/// </summary>
public sealed class RtmpClientFuzzer : RtmpTalkFuzzer
{
    private const int Packet = ServerHandshake.PacketLength;

    private static readonly byte[] Handshake = [3, .. new byte[Packet], .. new byte[Packet]];

    private static readonly Track Hevc = new() { Kind = TrackKind.Video, Codec = Codec.Hevc, Configuration = default, CodecName = "hvc1" };

    public override string Name => "rtmp-client";

    public override string Target => "`RtmpClientSession`, `AggregateReader`";

    protected override string[] Tokens { get; } =
    [
        "\x02\0\x07_result\0", "\x02\0\x06_error\0", "\x02\0\x08onStatus\0", "\0\x10\0\0\0\0\0\0", "\0?\xf0\0\0\0\0\0\0", "\0\x7f\xf8\0\0\0\0\0\0", "\0\xc0\0\0\0\0\0\0\0", "\x03\0\x04" + "code", "\0\0\t", "\xc3", "\x43", "\xff\xff\xff",
        "\0\x01\0\0\0\x01", "\0\x06", "\x16",
    ];

    protected override string Generate(Dice dice)
    {
        var grammar = new ChunkGrammar(dice);
        if (dice.OneIn(2))
            grammar.Message(5, 0, ChunkGrammar.UInt32(dice.OneIn(4) ? (uint)dice.Next() : 2_500_000));
        if (dice.OneIn(2))
            grammar.Message(6, 0, ChunkGrammar.UInt32(2_500_000) + "\x02");
        if (dice.OneIn(2))
            grammar.SetChunkSize(1 + dice.Below(5000));
        grammar.Message(20, 0, Answer(dice.OneIn(12) ? "_error" : "_result", 1, dice.Pick("NetConnection.Connect.Success", "NetConnection.Connect.Rejected"), Codecs(dice)));
        if (!dice.OneIn(8))
            grammar.Message(20, 0, Created(dice));
        if (!dice.OneIn(8))
            grammar.Message(20, 1, Answer("onStatus", 0, dice.Pick("NetStream.Play.Start", "NetStream.Publish.Start")));
        for (var messages = dice.Below(12); messages > 0; messages--)
            Message(dice, grammar);
        return grammar.ToString();
    }

    private static void Message(Dice dice, ChunkGrammar grammar)
    {
        switch (dice.Below(9))
        {
            case 0:
                grammar.Message(dice.OneIn(8) ? 17 : 20, 1, Answer("onStatus", 0, dice.Pick("NetStream.Play.Reset", "NetStream.Play.UnpublishNotify", "NetStream.Play.Stop", "NetStream.Data.Start", "")));
                break;
            case 1:
                grammar.Message(4, 0, dice.Pick("\0\x06\0\0\0\x01", "\0\x01\0\0\0\x01", "\0\0\0\0\0\x01", "\0\x06"));
                break;
            case 2:
                grammar.Message(22, 1, string.Concat(Enumerable.Range(0, dice.Below(5)).Select(_ => Part(dice))));
                break;
            case 3:
                grammar.Message(18, 1, "\x02\0\x0aonMetaData\x08\0\0\0\0\0\0\x09");
                break;
            case 4:
                grammar.Abort();
                break;
            default:
                var body = new byte[dice.Below(400)];
                dice.Fill(body);
                grammar.Message(8 + dice.Below(2), 1, Latin(body));
                break;
        }
    }

    private static string Part(Dice dice)
    {
        var body = new string('x', dice.Below(30));
        return (char)(8 + dice.Below(2)) + ChunkGrammar.UInt32((uint)body.Length)[1..] + "\0\0\x05\0\0\0\0" + body + ChunkGrammar.UInt32((uint)body.Length + 11);
    }

    private static string Created(Dice dice)
    {
        var output = new ArrayBufferWriter<byte>();
        var amf = new Amf0Writer(output);
        amf.Text("_result");
        amf.Number(4);
        amf.Null();
        amf.Number(dice.OneIn(10) ? dice.Pick<double>([0, -1, 1e300, double.NaN]) : 1 + dice.Below(3));
        return Latin(output.WrittenSpan);
    }

    // None are named, for the most part.
    private static string[]? Codecs(Dice dice) => dice.Below(6) switch { 0 => [], 1 => ["hvc1", "Opus"], 2 => ["av01", "\0\0\0\0"], 3 => ["*"], _ => null };

    private static string Answer(string name, int transaction, string code, string[]? codecs = null)
    {
        var output = new ArrayBufferWriter<byte>();
        var amf = new Amf0Writer(output);
        amf.Text(name);
        amf.Number(transaction);
        amf.Null();
        amf.BeginObject();
        amf.Member("level", code.EndsWith("Rejected", StringComparison.Ordinal) ? "error" : "status");
        amf.Member("code", code);
        if (codecs is not null)
        {
            amf.Name("fourCcList");
            amf.BeginStrictArray(codecs.Length);
            foreach (var codec in codecs)
                amf.Text(codec);
        }
        amf.End();
        return Latin(output.WrittenSpan);
    }

    protected override Side Begin(ReadOnlyMemory<byte> input)
    {
        var publishes = input.Length % 3 == 0;
        var session = new RtmpClientSession(new RtmpTarget("live", "rtmp://h/live", "cam", publishes) { Tracks = [Hevc] }, 0, new Random(1));
        session.Read(Handshake, 0, out _, out _);
        return new Side(session, Judge, AnswerTimes: 4);

        void Judge(RtmpEvent occurred)
        {
            var isMedia = occurred.Kind is RtmpEventKind.Audio or RtmpEventKind.Video;
            FuzzFailure.Unless(!isMedia || (session.IsEstablished && !publishes));
            FuzzFailure.Unless(occurred.Kind != RtmpEventKind.NotTaken || (publishes && session.Codecs.IsNamed && !session.Codecs.Takes(Codec.Hevc)));
            FuzzFailure.Equal(occurred.Kind is RtmpEventKind.Refused or RtmpEventKind.PlayEnded or RtmpEventKind.NotTaken, session.IsOver, "an end");
        }
    }
}
