using System.Globalization;
using XLive.Fuzz.Engine;
using XLive.Media;
using XLive.Media.Codecs;

namespace XLive.Fuzz.Inputs;

/// <summary>AudioSpecificConfigs: object types, rates by index and by number, channels by number and by element, both ways to say SBR and PS.</summary>
public sealed class AacConfigFuzzer : Fuzzer<byte[]>
{
    private static readonly ulong[] Rates = [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

    private Track? _track;
    private string _fault = "";

    public override string Name => "aac-configs";

    public override string Target => "`AacConfiguration`, `AdtsHeader`";

    protected override string[] Tokens { get; } = ["\u0056\u00e5", "\u0012\u0010", "\u00ff", "\0", "\u00f8"];

    protected override string Generate(Dice dice)
    {
        var bits = new BitText();
        var type = dice.Pick<ulong>([2, 2, 2, 5, 29, 1, 3, 4, 39, 0, 23]);
        PutType(bits, type);
        PutRate(bits, dice);
        var channels = (ulong)dice.Below(dice.OneIn(6) ? 16 : 8);
        bits.Put(channels, 4);
        if (type is 5 or 29)
        {
            PutRate(bits, dice);
            PutType(bits, dice.OneIn(8) ? 39u : 2);
        }
        bits.Put(dice.OneIn(16) ? 1u : 0, 1).Put(0, 1).Put(0, 1);
        if (channels == 0)
        {
            bits.Put((ulong)dice.Below(1 << 10), 10);
            foreach (var width in new[] { 4, 4, 4, 2, 3, 4 })
                bits.Put((ulong)dice.Below(Math.Min(1 << width, 4)), width);
            bits.Put(0, 3);
            for (var i = 0; i < 12; i++)
                bits.Put((ulong)dice.Below(32), 5);
        }
        if (dice.OneIn(2))
        {
            bits.Put(0x2B7, 11).Put(5, 5).Put((ulong)dice.Below(2), 1);
            PutRate(bits, dice);
            if (dice.OneIn(2))
                bits.Put(0x548, 11).Put((ulong)dice.Below(2), 1);
        }
        return Latin(bits.Bytes());
    }

    private static void PutType(BitText bits, ulong type)
    {
        if (type < 31)
            bits.Put(type, 5);
        else
            bits.Put(31, 5).Put(type - 32, 6);
    }

    private static void PutRate(BitText bits, Dice dice)
    {
        if (dice.OneIn(6))
            bits.Put(15, 4).Put(dice.OneIn(2) ? dice.Pick<ulong>(Rates) : (ulong)dice.Below(1 << 24), 24);
        else
            bits.Put((ulong)dice.Below(dice.OneIn(8) ? 16 : 13), 4);
    }

    protected override byte[] Read(string input) => Bytes(input);

    protected override bool Parse(byte[] input) => AacConfiguration.TryRead(input, out _track, out _fault);

    protected override void Verify(byte[] input, bool accepted)
    {
        FuzzFailure.Equal(accepted, _track is not null, "a track or a fault");
        FuzzFailure.Equal(accepted, _fault.Length == 0, "a fault or a track");
        FuzzFailure.Equal(Reading(input), accepted ? string.Create(CultureInfo.InvariantCulture, $"{_track!.CodecName} {_track.SampleRate} {_track.Channels}") : null, "the sound");
        if (!accepted)
            return;
        var header = new AdtsHeader(input);
        FuzzFailure.Unless(header.Holds(1) && header.FrameTicks > 0 && header.Length < 600);
        var output = new byte[header.Length];
        header.Write(output, 1);
        FuzzFailure.Equal(header.Length + 1, ((output[3] & 3) << 11) | (output[4] << 3) | (output[5] >> 5), "aac_frame_length");
    }

    private static string? Reading(byte[] input)
    {
        if (input.Length > 512)
            return null;
        var bits = BitText.Of(input);
        ulong Type() => bits.Take(5) is < 31 and var type ? type : 32 + bits.Take(6);
        ulong Rate() => bits.Take(4) is var index && index == 15 ? bits.Take(24) : index < 13 ? Rates[index] : 0;
        var type = Type();
        var rate = Rate();
        var channels = bits.Take(4);
        var (name, coreRate, core) = (type, rate, type);
        if (type is 5 or 29)
            (rate, core) = (Rate(), Type());
        var isShort = bits.Take(1);
        if (bits.Take(1) == 1)
            bits.Take(14);
        var isExtended = bits.Take(1);
        if (bits.HasFailed || core is < 1 or > 4 || isShort == 1 || !Rates.Contains(rate) || !Rates.Contains(coreRate) || channels > 7)
            return null;
        ulong[] counts = [0, 1, 2, 3, 4, 5, 6, 8];
        var heard = counts[channels];
        if (channels == 0)
        {
            bits.Take(10);
            ulong[] elements = [bits.Take(4), bits.Take(4), bits.Take(4), bits.Take(2), bits.Take(3), bits.Take(4)];
            foreach (var width in new[] { 4, 4, 3 })
                bits.Take(bits.Take(1) == 1 ? width : 0);
            for (var i = elements[0] + elements[1] + elements[2]; i > 0; i--)
                heard += 1 + (bits.Take(5) / 16);
            heard += elements[3];
            bits.Take((int)((4 * elements[3]) + (4 * elements[4]) + (5 * elements[5])));
            bits.Take(bits.Left % 8);
            bits.Take(8 * (int)bits.Take(8));
            if (bits.HasFailed || heard == 0)
                return null;
        }
        bits.Take((int)isExtended);
        if (core == type && bits.Left >= 16 && bits.Take(11) == 0x2B7 && Type() == 5 && bits.Take(1) == 1)
        {
            var extended = Rate();
            if (!bits.HasFailed && Rates.Contains(extended))
            {
                (rate, name) = (extended, 5);
                if (bits.Left >= 12 && bits.Take(11) == 0x548 && bits.Take(1) == 1)
                    name = 29;
            }
        }
        return string.Create(CultureInfo.InvariantCulture, $"mp4a.40.{name} {rate} {(name == 29 && heard == 1 ? 2 : heard)}");
    }
}
