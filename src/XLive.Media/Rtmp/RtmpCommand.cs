using XLive.Media.Amf;

namespace XLive.Media.Rtmp;

/// <summary>
/// The name and the transaction of a command; what follows is read when it is asked for, so that a command that nobody knows may carry what nobody can read.
/// </summary>
internal ref struct RtmpCommand
{
    private Amf0Reader _rest;

    private RtmpCommand(Amf0Reader rest, string name, double transaction)
    {
        _rest = rest;
        Name = name;
        Transaction = transaction;
    }

    public string Name { get; }
    public double Transaction { get; }

    public static RtmpCommand Read(in RtmpMessage message)
    {
        try
        {
            var reader = new Amf0Reader(Body(message));
            string name = reader.Read().Text ?? throw new AmfException("the name of a command is no text");
            double transaction = reader.ReadOptional().Number ?? 0;
            return new RtmpCommand(reader, name, transaction);
        }
        catch (AmfException e)
        {
            throw new RtmpException(RtmpFault.Command, e.Message, e);
        }
    }

    /// <summary>A message of object encoding 3 is AMF0 behind a 0, with AMF3 inside where a marker says so. Some leave the 0 out; no name begins with it.</summary>
    public static ReadOnlySpan<byte> Body(in RtmpMessage message)
    {
        var payload = message.Payload.Span;
        bool amf3 = message.Type is RtmpMessageType.CommandAmf3 or RtmpMessageType.DataAmf3;
        return amf3 && payload is [0, ..] ? payload[1..] : payload;
    }

    public AmfValue Next()
    {
        try
        {
            return _rest.ReadOptional();
        }
        catch (AmfException e)
        {
            throw new RtmpException(RtmpFault.Command, $"{Name}: {e.Message}", e);
        }
    }
}
