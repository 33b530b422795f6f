using System.Globalization;
using System.Text.RegularExpressions;
using XLive.Fuzz.Engine;
using XLive.Media;
using XLive.Media.Codecs;

namespace XLive.Fuzz.Inputs;

/// <summary>AVC configuration records with parameter sets of every profile; the picture's size and rate are read a second time from bits that are letters.</summary>
public sealed partial class AvcRecordFuzzer : Fuzzer<byte[]>
{
    private static readonly ulong[] Profiles = [66, 77, 88, 100, 110, 122, 244, 44, 118, 128];

    private Track? _track;
    private string _fault = "";

    public override string Name => "avc-records";

    public override string Target => "`AvcConfiguration`, `NalUnits`";

    protected override string[] Tokens { get; } = ["\0\0\u0003", "\0\0\0\u0001", "\u0067", "\u0068", "\u00e1", "\u00ff\u00ff", "\u0001\0", "\u00ff", "\0\0"];

    protected override string Generate(Dice dice)
    {
        List<byte> record = [1, 100, 0, 31, (byte)(0xFC | dice.Below(4)), (byte)(0xE0 | (dice.OneIn(8) ? dice.Below(32) : 1))];
        for (var sets = record[5] & 31; sets > 0; sets--)
            Append(record, Sequence(dice));
        record.Add((byte)(dice.OneIn(8) ? dice.Below(4) : 1));
        for (var sets = record[^1]; sets > 0; sets--)
            Append(record, [0x68, (byte)dice.Below(256), 0xCB]);
        if (dice.OneIn(2))
            record.AddRange([0xFD, 0xF8, 0xF8, 0]);
        return Latin([.. record]);
    }

    private static void Append(List<byte> record, byte[] unit)
    {
        record.AddRange([(byte)(unit.Length >> 8), (byte)unit.Length]);
        record.AddRange(unit);
    }

    private static byte[] Sequence(Dice dice)
    {
        var profile = dice.Pick<ulong>(Profiles);
        var bits = new BitText().Put(0x67, 8).Put(profile, 8).Put((ulong)dice.Below(256), 8).Put((ulong)dice.Below(53), 8).PutGolomb(0);
        var chroma = (ulong)dice.Below(4);
        if (profile is not (66 or 77 or 88))
        {
            bits.PutGolomb(chroma);
            if (chroma == 3)
                bits.Put((ulong)dice.Below(2), 1);
            bits.PutGolomb((ulong)dice.Below(7)).PutGolomb(0).Put(0, 1);
            var lists = dice.OneIn(3);
            bits.Put(lists ? 1u : 0, 1);
            for (var list = 0; lists && list < (chroma == 3 ? 12 : 8); list++)
            {
                var isGiven = dice.OneIn(2);
                bits.Put(isGiven ? 1u : 0, 1);
                // A delta of 0 for each, or of -8, which says "as in the tables".
                for (var i = 0; isGiven && i < (list < 6 ? 16 : 64); i++)
                    bits.PutGolomb(0);
            }
        }
        bits.PutGolomb((ulong)dice.Below(12));
        var order = (ulong)dice.Below(3);
        bits.PutGolomb(order);
        if (order == 0)
        {
            bits.PutGolomb((ulong)dice.Below(12));
        }
        else if (order == 1)
        {
            var cycle = dice.Below(4);
            bits.Put(0, 1).PutGolomb(3).PutGolomb(4).PutGolomb((ulong)cycle);
            for (; cycle > 0; cycle--)
                bits.PutGolomb(5);
        }
        bits.PutGolomb((ulong)dice.Below(16)).Put(0, 1);
        bits.PutGolomb((ulong)dice.Below(dice.OneIn(6) ? 2_000 : 300)).PutGolomb((ulong)dice.Below(dice.OneIn(6) ? 2_000 : 300));
        bits.Put(dice.OneIn(3) ? 0u : 0b11, 2).Put((ulong)dice.Below(4), 2);
        // Both, the former or neither: the bits that follow are what they are.
        for (var i = 0; i < 4; i++)
            bits.PutGolomb((ulong)dice.Below(12));
        bits.Put(0b11, 2).Put(dice.OneIn(2) ? 255u : (ulong)dice.Below(20), 8).Put((ulong)dice.Below(1 << 16), 16).Put((ulong)dice.Below(1 << 16), 16);
        bits.Put((ulong)dice.Below(4), 2).Put(1, 1).Put((ulong)dice.Below(2_000), 32).Put((ulong)dice.Below(200_000), 32).Put(1, 1);
        List<byte> unit = [];
        foreach (var value in bits.Bytes())
        {
            if (unit.Count > 1 && unit[^1] == 0 && unit[^2] == 0 && value < 4 && !dice.OneIn(50))
                unit.Add(3);
            unit.Add(value);
        }
        return [.. unit];
    }

    protected override byte[] Read(string input) => Bytes(input);

    protected override bool Parse(byte[] input)
    {
        var units = new NalUnits(input);
        while (units.MoveNext())
        {
        }
        return AvcConfiguration.TryRead(input, out _track, out _fault);
    }

    protected override void Verify(byte[] input, bool accepted)
    {
        FuzzFailure.Equal(accepted, _track is not null, "a track or a fault");
        FuzzFailure.Equal(accepted, _fault.Length == 0, "a fault or a track");
        var sequence = FirstSequence(input);
        var expected = sequence is null ? null : Reading(sequence);
        FuzzFailure.Equal(expected, accepted ? string.Create(CultureInfo.InvariantCulture, $"{_track!.CodecName} {_track.Width}x{_track.Height} {_track.FrameRate:F6}") : null, "the picture");
        if (!accepted)
            return;
        FuzzFailure.Equal(4, AvcConfiguration.NalLengthSize(_track!.Configuration.Span), "NAL lengths");
        AvcConfiguration.WriteParameterSets(input, new byte[AvcConfiguration.ParameterSetsLength(input)]);
    }

    /// <summary>Of a record that is whole; else null.</summary>
    private static byte[]? FirstSequence(byte[] record)
    {
        if (record.Length is < 6 or > 16 * 1024 || record[0] != 1 || record[4] % 4 == 2)
            return null;
        List<byte[]> sets = [];
        var (at, sequences) = (6, record[5] % 32);
        for (var left = sequences; ; left--)
        {
            if (left == 0 && sets.Count == sequences)
            {
                if (at >= record.Length || record[at] == 0)
                    return null;
                left = record[at++];
            }
            if (left == 0)
                break;
            var end = at + 2 + (at + 1 < record.Length ? (record[at] * 256) + record[at + 1] : int.MaxValue / 2);
            if (end > record.Length || end == at + 2 || record[at + 2] % 32 != (sets.Count < sequences ? 7 : 8))
                return null;
            sets.Add(record[(at + 2)..end]);
            at = end;
        }
        return sequences == 0 || sets[0].Length < 4 ? null : sets[0];
    }

    private static string? Reading(byte[] unit)
    {
        var plain = Bytes(Emulation().Replace(Latin(unit), "$1"));
        var bits = BitText.Of(plain);
        bits.Take(8);
        var profile = bits.Take(8);
        bits.Take(16);
        bits.Golomb();
        ulong chroma = 1, planes = 0;
        if (profile is 100 or 110 or 122 or 244 or 44 or 83 or 86 or 118 or 128 or 138 or 139 or 134 or 135)
        {
            chroma = bits.Golomb();
            if (chroma > 3)
                return null;
            planes = chroma == 3 ? bits.Take(1) : 0;
            bits.Golomb();
            bits.Golomb();
            bits.Take(1);
            for (int list = 0, lists = bits.Take(1) == 1 ? (chroma == 3 ? 12 : 8) : 0; list < lists; list++)
            {
                long last = 8, next = 8;
                for (var i = bits.Take(1) == 1 ? 0 : 64; i < (list < 6 ? 16 : 64); i++)
                {
                    next = next == 0 ? 0 : (last + bits.SignedGolomb() + 256) & 255;
                    last = next == 0 ? last : next;
                }
            }
        }
        bits.Golomb();
        switch (bits.Golomb())
        {
            case 0:
                bits.Golomb();
                break;
            case 1:
                bits.Take(1);
                bits.Golomb();
                bits.Golomb();
                var cycle = bits.Golomb();
                if (cycle > 255)
                    return null;
                for (; cycle > 0; cycle--)
                    bits.Golomb();
                break;
        }
        bits.Golomb();
        bits.Take(1);
        var (columns, rows) = (bits.Golomb() + 1, bits.Golomb() + 1);
        var fields = bits.Take(1) == 0 ? 2u : 1u;
        if (bits.HasFailed || columns > 1055 || rows * fields > 1055 || columns * rows * fields > 139_264)
            return null;
        bits.Take(fields == 2 ? 2 : 1);
        var (width, height) = ((long)columns * 16, (long)(rows * fields) * 16);
        if (bits.Take(1) == 1)
        {
            var isHalved = planes == 0 && chroma is 1 or 2;
            width -= (long)((bits.Golomb() + bits.Golomb()) * (planes == 0 && chroma is 1 or 2 ? 2u : 1u));
            height -= (long)((bits.Golomb() + bits.Golomb()) * (isHalved && chroma == 1 ? 2u : 1u) * fields);
        }
        var hasMore = bits.Take(1) == 1;
        if (bits.HasFailed || width <= 0 || height <= 0)
            return null;
        double aspect = 1, rate = 0;
        if (hasMore)
        {
            double[] ratios = [1, 1, 12 / 11.0, 10 / 11.0, 16 / 11.0, 40 / 33.0, 24 / 11.0, 20 / 11.0, 32 / 11.0, 80 / 33.0, 18 / 11.0, 15 / 11.0, 64 / 33.0, 160 / 99.0, 4 / 3.0, 1.5, 2];
            if (bits.Take(1) == 1)
            {
                var index = bits.Take(8);
                aspect = index < 17 ? ratios[index] : 1;
                if (index == 255)
                {
                    var (across, down) = (bits.Take(16), bits.Take(16));
                    aspect = across * down == 0 ? 1 : (double)across / down;
                }
            }
            if (bits.Take(1) == 1)
                bits.Take(1);
            if (bits.Take(1) == 1 && bits.Take(5) % 2 == 1)
                bits.Take(24);
            if (bits.Take(1) == 1)
                _ = bits.Golomb() + bits.Golomb();
            if (bits.Take(1) == 1)
            {
                var (unit1, scale) = (bits.Take(32), bits.Take(32));
                rate = unit1 == 0 ? 0 : scale / (2.0 * unit1);
            }
            if (bits.HasFailed)
                (aspect, rate) = (1, 0);
        }
        var shown = Math.Round(width * aspect);
        return string.Create(CultureInfo.InvariantCulture, $"avc1.{unit[1]:x2}{unit[2]:x2}{unit[3]:x2} {(shown is < 1 or > 16_880 ? width : shown)}x{height} {(rate is < 1 or > 300 ? 0 : rate):F6}");
    }

    [GeneratedRegex("(\\x00\\x00)\\x03")]
    private static partial Regex Emulation();
}
