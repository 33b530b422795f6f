using XLive.Media.Amf;
using XLive.Media.Rtmp;
using XLive.Media.Tests.Amf;

namespace XLive.Media.Tests.Rtmp;

/// <summary>A client: sends, and reads what it is answered.</summary>
internal sealed class Peer
{
    private readonly ChunkReader _reader = new();
    private int _handshake = 3073;

    public RtmpServerSession Session { get; } = new(new Random(1));
    public int ChunkSize => _reader.ChunkSize;
    public long Received { get; private set; }
    public List<string> Events { get; } = [];
    public List<string> Sent { get; } = [];
    public List<string> Said { get; } = [];
    public List<string> SaidOnStreams { get; } = [];
    public RtmpEvent Last { get; private set; }

    public string[] Codes => [.. SaidOnStreams.Select(s => s[(s.IndexOf("code:\"", StringComparison.Ordinal) + 6)..].Split('"')[0])];

    public void Connect(Dictionary<string, string> members)
    {
        Send([3, .. Wire.Bytes(1536), .. Wire.Bytes(1536)], Wire.Command(0, "connect", 1, members));
        Session.Accept();
        Send();
    }

    public void Send(params byte[][] pieces)
    {
        Events.Clear();
        Sent.Clear();
        Said.Clear();
        SaidOnStreams.Clear();
        foreach (byte[] piece in pieces)
        {
            ReadOnlyMemory<byte> rest = piece;
            Received += rest.Length;
            while (true)
            {
                bool any = Session.Read(rest, 0, out int consumed, out var occurred);
                rest = rest[consumed..];
                if (!any)
                    break;
                Last = occurred;
                Events.Add(occurred.Kind is RtmpEventKind.Audio or RtmpEventKind.Video or RtmpEventKind.Data ? ServerSessionTests.Print(occurred) : occurred.Kind.ToString());
            }
        }
        Hear();
    }

    private void Hear()
    {
        var output = (ReadOnlyMemory<byte>)Session.Output.WrittenSpan.ToArray();
        Session.Output.ResetWrittenCount();
        int skipped = Math.Min(_handshake, output.Length);
        _handshake -= skipped;
        output = output[skipped..];
        while (_reader.Read(output, out int consumed, out var message))
        {
            output = output[consumed..];
            Sent.Add(Wire.Print(message));
            if (message.Type != RtmpMessageType.Command)
                continue;
            var amf = new Amf0Reader(message.Payload.Span);
            var values = new List<string>();
            while (!amf.AtEnd)
                values.Add(Amf0Tests.Print(amf.Read()));
            string said = string.Join(' ', values);
            Said.Add(said);
            if (message.StreamId != 0)
                SaidOnStreams.Add($"{message.StreamId}: {said}");
        }
    }
}
