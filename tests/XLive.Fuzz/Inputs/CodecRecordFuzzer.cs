using System.Globalization;
using XLive.Fuzz.Engine;
using XLive.Media;
using XLive.Media.Codecs;
using XLive.Media.Fmp4;

namespace XLive.Fuzz.Inputs;

/// <summary>
/// Configurations of HEVC, AV1, Opus, FLAC, AC-3 and E-AC-3, behind a letter that says which. What is taken is its own configuration: read again it is the same track,
/// and MP4 has a place for it. Pictures of HEVC and AV1 are read a second time from bits that are letters.
/// </summary>
public sealed class CodecRecordFuzzer : Fuzzer<byte[]>
{
    private Track? _track;
    private string _fault = "";

    public override string Name => "codec-records";

    public override string Target => "`HevcConfiguration`, `Av1Configuration`, `OpusConfiguration`, `FlacConfiguration`, `Ac3Header`";

    // A record, its sets one by one, and the record that is made of them.
    protected override int AllocationTimes => 40;

    protected override string[] Tokens { get; } = ["\0\0\u0003", "\u0042\u0001", "\u0040\u0001", "\u0044\u0001", "\u00a1\0\u0001", "\u0081", "\u000a\u000b", "\u00ff\u00ff", "OpusHead", "fLaC", "\u000b\u0077"];

    protected override string Generate(Dice dice)
    {
        switch (dice.Below(6))
        {
            case 0:
                return "H" + Latin(HevcRecord(dice));
            case 1:
                return "1" + Latin(Av1Record(dice));
            case 2:
                var channels = 1 + dice.Below(dice.OneIn(4) ? 9 : 2);
                return "O" + "OpusHead\u0001" + (char)channels + "\u0038\u0001\u0080\u00bb\0\0\0\0" + (channels < 3 ? "\0" : "\u0001" + (char)channels + "\0" + string.Concat(Enumerable.Range(0, channels).Select(i => (char)i)));
            case 3:
                return "F" + MediaVectors.Audios[1].Configuration;
            case 4:
                return "3" + MediaVectors.Audios[2].Frame;
            default:
                return "E" + MediaVectors.Audios[3].Frame;
        }
    }

    private static byte[] HevcRecord(Dice dice)
    {
        var bits = new BitText().Put(0x4201, 16).Put(0, 4);
        var layers = dice.OneIn(4) ? dice.Below(7) : 0;
        bits.Put((ulong)layers, 3).Put(1, 1).Put((ulong)dice.Below(256), 8).Put((uint)dice.Next(), 32).Put((ulong)dice.Below(1 << 16), 16).Put((uint)dice.Next(), 32).Put((ulong)dice.Below(256), 8);
        if (layers > 0)
        {
            var present = (ulong)dice.Below(1 << 16);
            bits.Put(present, 16);
            for (var i = 0; i < layers; i++)
            {
                for (var left = ((present >> (15 - (2 * i))) & 1) * 11; left > 0; left--)
                    bits.Put((ulong)dice.Below(256), 8);
                if (((present >> (14 - (2 * i))) & 1) != 0)
                    bits.Put((ulong)dice.Below(256), 8);
            }
        }
        var chroma = (ulong)dice.Below(4);
        bits.PutGolomb((ulong)dice.Below(16)).PutGolomb(chroma);
        if (chroma == 3)
            bits.Put((ulong)dice.Below(2), 1);
        bits.PutGolomb((ulong)dice.Below(dice.OneIn(6) ? 20_000 : 4_000)).PutGolomb((ulong)dice.Below(dice.OneIn(6) ? 20_000 : 4_000));
        var isCropped = dice.OneIn(2);
        bits.Put(isCropped ? 1u : 0, 1);
        for (var i = 0; isCropped && i < 4; i++)
            bits.PutGolomb((ulong)dice.Below(20));
        bits.PutGolomb((ulong)dice.Below(9)).PutGolomb((ulong)dice.Below(9));
        for (var rest = dice.Below(60); rest > 0; rest--)
            bits.Put(dice.Next() & 1, 1);
        List<byte> sequence = [];
        foreach (var value in bits.Bytes())
        {
            if (sequence.Count > 1 && sequence[^1] == 0 && sequence[^2] == 0 && value < 4 && !dice.OneIn(50))
                sequence.Add(3);
            sequence.Add(value);
        }
        List<byte> record = [1, .. new byte[20], (byte)(dice.OneIn(8) ? dice.Below(4) : 3), 3];
        Append(record, 0x20, [0x40, 0x01, 0x0C, 0x01]);
        Append(record, 0x21, [.. sequence]);
        Append(record, 0x22, [0x44, 0x01, 0xC1, 0x73]);
        return [.. record];
    }

    private static void Append(List<byte> record, byte type, byte[] unit) => record.AddRange([type, 0, 1, (byte)(unit.Length >> 8), (byte)unit.Length, .. unit]);

    private static byte[] Av1Record(Dice dice)
    {
        var profile = (ulong)dice.Below(3);
        var bits = new BitText().Put(profile, 3).Put(0, 2).Put(0, 1).Put(0, 1).Put(0, 5).Put(0, 12);
        var level = (ulong)dice.Below(24);
        bits.Put(level, 5);
        if (level > 7)
            bits.Put((ulong)dice.Below(2), 1);
        var (width, height) = (4 + dice.Below(12), 4 + dice.Below(12));
        bits.Put((ulong)width - 1, 4).Put((ulong)height - 1, 4).Put((ulong)dice.Below(1 << width), width).Put((ulong)dice.Below(1 << height), height);
        for (var rest = 48; rest > 0; rest--)
            bits.Put(dice.Next() & 1, 1);
        var header = bits.Bytes();
        return [0x81, 0, 0, 0, 0x0A, (byte)header.Length, .. header];
    }

    protected override byte[] Read(string input) => Bytes(input);

    protected override bool Parse(byte[] input)
    {
        _track = null;
        if (input.Length == 0)
            return false;
        return TryRead(input[0], input.AsSpan(1), out _track, out _fault);
    }

    private static bool TryRead(byte which, ReadOnlySpan<byte> record, out Track? track, out string fault) => (char)which switch
    {
        'H' => HevcConfiguration.TryRead(record, out track, out fault),
        '1' => Av1Configuration.TryRead(record, out track, out fault),
        'O' => OpusConfiguration.TryRead(record, out track, out fault),
        'F' => FlacConfiguration.TryRead(record, out track, out fault),
        '3' => Ac3Header.TryRead(record, false, out track, out fault),
        _ => Ac3Header.TryRead(record, true, out track, out fault),
    };

    protected override void Verify(byte[] input, bool accepted)
    {
        FuzzFailure.Equal(accepted, _track is not null, "a track or a fault");
        if (input.Length == 0)
            return;
        FuzzFailure.Equal(accepted, _fault.Length == 0, "a fault or a track");
        if (!accepted)
            return;
        var track = _track!;
        // Another frame of it does not make another track; nor does the configuration that was made of a record.
        if (track.Codec is Codec.Ac3 or Codec.Eac3)
            FuzzFailure.Unless(Ac3Header.IsOf(track, input.AsSpan(1)));
        else
            FuzzFailure.Equal(Said(track), TryRead(input[0], track.Configuration.Span, out var again, out _) ? Said(again!) : null, "its own configuration");
        FuzzFailure.Unless(Initialization.TryMake(track, out var initialization, out _) && initialization!.IsOf(track));
        if (input[0] is (byte)'H' or (byte)'1')
            FuzzFailure.Equal(input[0] == 'H' ? Hevc(track.Configuration.ToArray()) : Av1(track.Configuration.ToArray()), $"{Coded(track)}x{track.Height}", "the picture");
    }

    // Not as it is shown: the shape of the samples is not read here.
    private static int Coded(Track track)
    {
        var isRead = track.Codec == Codec.Hevc
            ? HevcConfiguration.TryReadPicture(track.Configuration.Span, out var picture, out _)
            : Av1Configuration.TryReadPicture(track.Configuration.Span, out picture, out _);
        FuzzFailure.Unless(isRead);
        return picture.Width;
    }

    private static string Said(Track track) => string.Create(CultureInfo.InvariantCulture,
        $"{track.Codec} {track.CodecName} {track.Width}x{track.Height} {track.FrameRate:F6} {track.SampleRate} {track.Channels} {Convert.ToHexString(track.Configuration.Span)}");

    /// <summary>Of a record of ours, whose sets stand in the order of their kinds.</summary>
    private static string Hevc(byte[] record)
    {
        var at = 23;
        while ((record[at] & 0x3F) != 33)
        {
            var units = (record[at + 1] * 256) + record[at + 2];
            at += 3;
            for (; units > 0; units--)
                at += 2 + (record[at] * 256) + record[at + 1];
        }
        var unit = record[(at + 5)..(at + 5 + (record[at + 3] * 256) + record[at + 4])];
        var plain = new List<byte>();
        var zeros = 0;
        foreach (var value in unit)
        {
            if (zeros >= 2 && value == 3)
            {
                zeros = 0;
                continue;
            }
            zeros = value == 0 ? zeros + 1 : 0;
            plain.Add(value);
        }
        var bits = BitText.Of([.. plain]);
        bits.Take(20);
        var layers = (int)bits.Take(3);
        bits.Take(1 + 96);
        var present = layers > 0 ? bits.Take(16) : 0;
        for (var i = 0; i < layers; i++)
        {
            bits.Take(((present >> (15 - (2 * i))) & 1) == 1 ? 88 : 0);
            bits.Take(((present >> (14 - (2 * i))) & 1) == 1 ? 8 : 0);
        }
        bits.Golomb();
        var chroma = bits.Golomb();
        bits.Take(chroma == 3 ? 1 : 0);
        var (width, height) = ((long)bits.Golomb(), (long)bits.Golomb());
        if (bits.Take(1) == 1)
        {
            width -= (long)(bits.Golomb() + bits.Golomb()) * (chroma is 1 or 2 ? 2 : 1);
            height -= (long)(bits.Golomb() + bits.Golomb()) * (chroma == 1 ? 2 : 1);
        }
        return $"{width}x{height}";
    }

    private static string Av1(byte[] record)
    {
        var bits = BitText.Of(record.AsSpan(record[5] < 0x80 ? 6 : 7));
        bits.Take(5);
        var delay = 0;
        if (bits.Take(1) == 1)
        {
            bits.Take(64);
            if (bits.Take(1) == 1)
                bits.Golomb();
            if (bits.Take(1) == 1)
            {
                delay = (int)bits.Take(5) + 1;
                bits.Take(42);
            }
        }
        var hasDelay = bits.Take(1) == 1;
        for (var points = bits.Take(5) + 1; points > 0; points--)
        {
            bits.Take(12);
            if (bits.Take(5) > 7)
                bits.Take(1);
            if (delay > 0 && bits.Take(1) == 1)
                bits.Take((2 * delay) + 1);
            if (hasDelay && bits.Take(1) == 1)
                bits.Take(4);
        }
        var (across, down) = ((int)bits.Take(4) + 1, (int)bits.Take(4) + 1);
        return $"{bits.Take(across) + 1}x{bits.Take(down) + 1}";
    }
}
