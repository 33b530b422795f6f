using System.Buffers;
using System.Globalization;
using System.Text;
using XLive.Fuzz.Engine;
using XLive.Media.Amf;
using XLive.Media.Rtmp;

namespace XLive.Fuzz.Inputs;

/// <summary>
/// A whole connection behind its handshake: commands in and out of order, media, aggregates, control. Every request is granted. In whatever pieces it comes it comes to
/// the same; what is begun ends once, and the answers are no more than a few times what was asked.
/// </summary>
public sealed class RtmpSessionFuzzer : RtmpTalkFuzzer
{
    private static readonly byte[] Handshake = [3, .. new byte[1536], .. new byte[1536]];

    public override string Name => "rtmp-session";

    public override string Target => "`RtmpServerSession`";

    protected override string[] Tokens { get; } =
    [
        "\x02\0\x07publish\0\0\0\0\0\0\0\0\0\x05", "\x02\0\x04play\0\0\0\0\0\0\0\0\0\x05", "\x02\0\x0c" + "createStream\0?\xf0\0\0\0\0\0\0", "\x02\0\x0c" + "deleteStream\0\0\0\0\0\0\0\0\0\x05\0?\xf0\0\0\0\0\0\0", "\x02\0\x0b" + "closeStream\0\0\0\0\0\0\0\0\0",
        "\x02\0\x07" + "connect", "\xc3", "\x43", "\x83", "\xff\xff\xff", "\0\0\t", "\x08\xff\xff\xff\xff", "\0\x06", "\x16", "\x11",
    ];

    protected override string Generate(Dice dice)
    {
        var grammar = new ChunkGrammar(dice);
        grammar.Message(20, 0, Amf("connect", 1.0, "app", dice.Pick("live", "live/", "live?key=K", "")));
        if (dice.OneIn(3))
            grammar.SetChunkSize(1 + dice.Below(4096));
        for (var messages = 2 + dice.Below(12); messages > 0; messages--)
            Message(dice, grammar);
        return grammar.ToString();
    }

    private static void Message(Dice dice, ChunkGrammar grammar)
    {
        var stream = (uint)dice.Below(4);
        switch (dice.Below(14))
        {
            case 0 or 1:
                grammar.Message(dice.OneIn(8) ? 17 : 20, stream, Amf("publish", 0.0, null, dice.Pick("cam", "cam?key=K", ""), "live"));
                break;
            case 2:
                grammar.Message(20, stream, Amf("play", 4.0, null, "cam", -2.0));
                break;
            case 3:
                grammar.Message(20, 0, Amf("createStream", 2.0, null));
                break;
            case 4:
                grammar.Message(20, stream, Amf(dice.Pick("deleteStream", "closeStream", "FCUnpublish"), dice.Below(3), null, (double)dice.Below(4)));
                break;
            case 5:
                grammar.Message(20, 0, Amf(dice.Pick("releaseStream", "FCPublish", "_checkbw", "getStreamLength", "nobody", "pause", "receiveVideo", "seek", "connect"), dice.Below(5), null, "cam"));
                break;
            case 6 or 7 or 8:
                var body = new byte[dice.Below(400)];
                dice.Fill(body);
                grammar.Message(8 + dice.Below(2), stream, Latin(body));
                break;
            case 9:
                grammar.Message(22, stream, string.Concat(Enumerable.Range(0, dice.Below(5)).Select(_ => Part(dice))));
                break;
            case 10:
                grammar.Message(18, stream, Amf("@setDataFrame", "onMetaData", 7.0));
                break;
            case 11:
                grammar.Message(4, 0, "\0\x06\0\0\0\x01");
                break;
            case 12:
                grammar.Message(5, 0, ChunkGrammar.UInt32((uint)dice.Below(5000)));
                break;
            default:
                grammar.Message(6, 0, ChunkGrammar.UInt32(2_500_000) + "\x02");
                break;
        }
    }

    private static string Part(Dice dice)
    {
        var body = new string('x', dice.Below(30));
        return (char)(8 + dice.Below(2)) + ChunkGrammar.UInt32((uint)body.Length)[1..] + "\0\0\x05\0\0\0\0" + body + ChunkGrammar.UInt32((uint)body.Length + 11);
    }

    private static string Amf(params object?[] values)
    {
        var output = new ArrayBufferWriter<byte>();
        var amf = new Amf0Writer(output);
        for (var i = 0; i < values.Length; i++)
        {
            switch (values[i])
            {
                case null:
                    amf.Null();
                    break;
                case "app":
                    amf.BeginObject();
                    amf.Member("app", (string)values[++i]!);
                    amf.End();
                    break;
                case string text:
                    amf.Text(text);
                    break;
                default:
                    amf.Number(Convert.ToDouble(values[i], CultureInfo.InvariantCulture));
                    break;
            }
        }
        return Latin(output.WrittenSpan);
    }

    protected override Side Begin(ReadOnlyMemory<byte> input)
    {
        var session = new RtmpServerSession(new Random(1));
        session.Read(Handshake, 0, out _, out _);
        var (begun, ended) = (0, 0);
        // Acknowledgements depend on how it comes; the longest answer, to connect, is 300 bytes.
        return new Side(session, Judge, AnswerTimes: 40);

        void Judge(RtmpEvent occurred)
        {
            if (session.IsWaiting)
                session.Accept();
            begun += occurred.Kind is RtmpEventKind.PublishRequested or RtmpEventKind.PlayRequested ? 1 : 0;
            ended += occurred.Kind is RtmpEventKind.PublishEnded or RtmpEventKind.PlayEnded ? 1 : 0;
            FuzzFailure.Unless(ended <= begun && begun <= ended + 1);
            FuzzFailure.Equal(begun > ended, session.IsPublishing || session.IsPlaying, "a role");
        }
    }
}
