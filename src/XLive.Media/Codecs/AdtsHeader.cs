namespace XLive.Media.Codecs;

/// <summary>
/// What stands before each raw AAC frame in a transport stream: adts_fixed_header() and adts_variable_header() of ISO/IEC 14496-3 1.A.2.2, without
/// CRC. Channels that need a program config element have it before each frame too, since ADTS tells it nowhere else.
/// </summary>
internal sealed class AdtsHeader
{
    private const int Fixed = 7;
    private const int LongestFrame = (1 << 13) - 1;
    private const int ProgramConfigElement = 5; // id_syn_ele, table 4.85

    private readonly byte[] _bytes;

    public AdtsHeader(ReadOnlySpan<byte> audioSpecificConfig)
    {
        if (!AacParameters.TryRead(audioSpecificConfig, out var parameters, out var fault))
            throw new ArgumentException(fault, nameof(audioSpecificConfig));
        FrameTicks = (double)AacParameters.SamplesAFrame * Timestamp.PerSecond / parameters.CoreRate;
        var element = parameters.ElementEnd > 0 ? Element(audioSpecificConfig, parameters) : [];
        _bytes = new byte[Fixed + element.Length];
        element.CopyTo(_bytes, Fixed);
        _bytes[0] = 0xFF;
        _bytes[1] = 0xF1; // MPEG-4, layer 0, no CRC
        _bytes[2] = (byte)(((parameters.CoreType - 1) << 6) | (parameters.CoreRateIndex << 2) | (parameters.ChannelConfiguration >> 2));
        _bytes[3] = (byte)((parameters.ChannelConfiguration & 3) << 6);
        _bytes[5] = 0x1F; // the buffer's fullness: 0x7FF, variable bit rate
        _bytes[6] = 0xFC;
    }

    public int Length => _bytes.Length;

    public double FrameTicks { get; }

    /// <summary>The 13 bits of aac_frame_length hold it.</summary>
    public bool Holds(int payload) => payload > 0 && payload <= LongestFrame - _bytes.Length;

    public void Write(Span<byte> output, int payload)
    {
        var length = payload + _bytes.Length;
        _bytes.CopyTo(output);
        output[3] |= (byte)(length >> 11);
        output[4] = (byte)(length >> 3);
        output[5] |= (byte)(length << 5);
    }

    /// <summary>The element as a raw_data_block() has it: behind its id, aligned anew, so that the frame goes on at a whole byte.</summary>
    private static byte[] Element(ReadOnlySpan<byte> config, in AacParameters parameters)
    {
        // Everything up to the alignment keeps its bits; the comment behind is whole bytes at both places.
        var source = new BitReader(config);
        source.Skip(parameters.ElementStart);
        var output = new BitWriter(config.Length + 2);
        output.Write(ProgramConfigElement, 3);
        Span<int> counts = stackalloc int[6];
        output.Copy(ref source, 10);
        for (var i = 0; i < counts.Length; i++)
            counts[i] = (int)output.Copy(ref source, i < 3 ? 4 : i == 3 ? 2 : i == 4 ? 3 : 4);
        for (var i = 0; i < 3; i++)
        {
            if (output.Copy(ref source, 1) != 0)
                output.Copy(ref source, i < 2 ? 4 : 3);
        }
        for (var i = counts[0] + counts[1] + counts[2] + counts[5]; i > 0; i--)
            output.Copy(ref source, 5);
        for (var i = counts[3] + counts[4]; i > 0; i--)
            output.Copy(ref source, 4);
        output.Align();
        source.Skip(source.BitsLeft & 7);
        for (var comment = output.Copy(ref source, 8); comment > 0; comment--)
            output.Copy(ref source, 8);
        return output.Finish();
    }

    private sealed class BitWriter(int length)
    {
        private readonly byte[] _bytes = new byte[length];
        private int _at;

        public void Write(uint value, int count)
        {
            while (count-- > 0)
            {
                _bytes[_at >> 3] |= (byte)(((value >> count) & 1) << (7 - (_at & 7)));
                _at++;
            }
        }

        public uint Copy(ref BitReader source, int count)
        {
            var value = source.Bits(count);
            Write(value, count);
            return value;
        }

        public void Align() => _at = (_at + 7) & ~7;

        public byte[] Finish() => _bytes[..(_at >> 3)];
    }
}
