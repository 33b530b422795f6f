namespace XLive.Media.Flv;

/// <summary>Video of one codec, from what a message carries behind its head: configurations and pictures.</summary>
internal abstract class PictureReader(Codec codec)
{
    private byte[]? _record; // as it came last: encoders repeat it

    public Codec Codec { get; } = codec;

    public Track? Track { get; protected set; }

    /// <summary>What was wrong with the last that was dropped, for the log.</summary>
    public string FaultText { get; private set; } = "";

    public static PictureReader For(Codec codec) => codec switch
    {
        Codec.Av1 => new Av1Reader(),
        Codec.Vp9 => new Vp9Reader(),
        _ => new NalReader(codec),
    };

    public FlvContent Configure(ReadOnlySpan<byte> record, out FlvFault fault)
    {
        fault = FlvFault.None;
        if (_record is not null && record.SequenceEqual(_record))
            return FlvContent.Nothing;
        // What cannot be read changes nothing: the frames may go on by the one before.
        if (!TryConfigure(record, out string text))
            return Drop(FlvFault.BadConfiguration, text, out fault);
        _record = record.ToArray();
        return Track is null ? FlvContent.Nothing : FlvContent.Track;
    }

    /// <param name="compositionTime">Milliseconds.</param>
    /// <param name="frame">Its payload lies in the body, or stands until the next call.</param>
    public abstract FlvContent Read(ReadOnlyMemory<byte> body, Timestamp decoded, int compositionTime, out Frame frame, out FlvFault fault);

    protected abstract bool TryConfigure(ReadOnlySpan<byte> record, out string text);

    protected FlvContent Drop(FlvFault reason, string text, out FlvFault fault)
    {
        fault = reason;
        FaultText = text;
        return FlvContent.Dropped;
    }
}
