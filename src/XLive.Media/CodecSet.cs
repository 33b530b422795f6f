namespace XLive.Media;

/// <summary>Some of the codecs: those that somebody takes.</summary>
public readonly record struct CodecSet
{
    private readonly uint _bits; // one for each codec

    private CodecSet(uint bits) => _bits = bits;

    public static CodecSet All { get; } = new(uint.MaxValue);

    public static CodecSet Of(params ReadOnlySpan<Codec> codecs)
    {
        uint bits = 0;
        foreach (var codec in codecs)
            bits |= 1u << (int)codec;
        return new CodecSet(bits);
    }

    public bool Has(Codec codec) => (_bits & (1u << (int)codec)) != 0;

    public CodecSet With(in CodecSet others) => new(_bits | others._bits);
}
