using System.Globalization;
using System.Text;
using XLive.Fuzz.Engine;
using XLive.Media;
using XLive.Media.Codecs;
using XLive.Media.Flv;

namespace XLive.Fuzz.Inputs;

/// <summary>
/// An FLV stream, its tags, their bodies, their times. Read a second time index by index, and cut at every place; each frame that comes out is what a frame has to
/// be: whole NAL units behind four bytes each, no parameter sets, a time that never falls.
/// </summary>
public sealed class FlvFuzzer : Fuzzer<Memory<byte>>, IDisposable
{
    private const string Sps = "\x67\xf4\0\x0a\x91\x9c\x82\x3d\x80\x88\0\0\x03\0\x08\0\0\x03\0\x50\x78\x91\x28\x90";
    private const string Pps = "\x68\xeb\xe3\xc4\x48\x44";

    private readonly GuardedBuffer<byte> _bytes = new();

    public override string Name => "flv";

    public override string Target => "`FlvReader`, `FlvVideo`, `FlvAudio`, `Timeline`";

    // A configuration of 40 bytes is a track with its text; sets within frames are kept one by one.
    protected override int AllocationTimes => 40;

    protected override long AllocationRoom => 256 << 10;

    protected override string[] Tokens { get; } =
    [
        "FLV\x01\x05\0\0\0\x09", "\x17\0\0\0\0", "\x27\x01\0\0\0", "\xaf\0\x12\x10", "\xaf\x01", "\x2f\xff\xfb\x90\x64", Sps, Pps, "\0\0\0\x18" + Sps, "\0\0\0\x06" + Pps, "\x65\x88", "\xff\xff\xff\xff", "\0\0\0\0", "\x90hvc1", "\x9cOpus",
    ];

    protected override string Generate(Dice dice)
    {
        var text = new StringBuilder("FLV\x01\x05\0\0\0\x09\0\0\0\0");
        var width = dice.Pick("\xff", "\xfd", "\xfc");
        var digits = (width[0] & 3) + 1;
        Tag(text, 9, 0, "\x17\0\0\0\0\x01\xf4\0\x0a" + width + "\xe1\0\x18" + Sps + "\x01\0\x06" + Pps);
        Tag(text, 8, 0, "\xaf\0\x12\x10");
        for (var tags = dice.Below(8); tags > 0; tags--)
        {
            var time = dice.OneIn(10) ? (uint)dice.Next() : (uint)(40 * dice.Below(100));
            switch (dice.Below(6))
            {
                case 0:
                    Tag(text, 8, time, dice.Pick("\xaf\x01\x21\x10\x04", "\x2f\xff\xfb\x90\x64\0\0", "\xaf\x01", "\xaf\0\x11\x90", ""));
                    break;
                case 1:
                    Tag(text, 18, time, "\x02\0\x0aonMetaData\x08\0\0\0\0\0\0\x09");
                    break;
                default:
                    var units = new StringBuilder("\x27\x01\0\0").Append((char)dice.Below(80));
                    for (var count = 1 + dice.Below(4); count > 0; count--)
                    {
                        var unit = dice.Pick("\x65\x88\x84", "\x41\x9a", "\x01\x9e", "\x06\x05\x01\xaa", Sps, Pps, "", Sps[..3] + "\x0b" + Sps[4..]);
                        units.Append(ChunkGrammar.UInt32((uint)unit.Length)[(4 - digits)..]).Append(unit);
                    }
                    Tag(text, 9, time, units.ToString());
                    break;
            }
        }
        return text.ToString();
    }

    private static void Tag(StringBuilder text, int type, uint time, string body) =>
        text.Append((char)type).Append(ChunkGrammar.UInt32((uint)body.Length)[1..]).Append(ChunkGrammar.UInt32(time)[1..]).Append((char)(time >> 24)).Append("\0\0\0")
            .Append(body).Append(ChunkGrammar.UInt32((uint)body.Length + 11));

    protected override Memory<byte> Read(string input)
    {
        _bytes.Put(Bytes(input));
        return _bytes.Memory;
    }

    protected override bool Parse(Memory<byte> input) => Play(input, null, [Math.Max(1, input.Length)]);

    protected override void Verify(Memory<byte> input, bool accepted)
    {
        var read = new StringBuilder();
        FuzzFailure.Equal(accepted, Play(input, read, [Math.Max(1, input.Length)]), "a second time");
        FuzzFailure.Equal(Second(input.Span), string.Concat(read.ToString().Split(' ').Where(static s => s.StartsWith('T')).Select(static s => s + " ")) + (accepted ? "" : "!"), "the tags by another reading");
        foreach (var cut in Cuts.Of(input.Length, 6))
        {
            var pieces = new StringBuilder();
            Play(input, pieces, [cut, input.Length]);
            FuzzFailure.Equal(read.ToString(), pieces.ToString(), string.Create(CultureInfo.InvariantCulture, $"cut at {cut}"));
        }
        var bytes = new StringBuilder();
        Play(input, bytes, [1]);
        FuzzFailure.Equal(read.ToString(), bytes.ToString(), "a byte at a time");
    }

    private static bool Play(ReadOnlyMemory<byte> input, StringBuilder? text, ReadOnlySpan<int> sizes)
    {
        var (reader, video, audio, timeline) = (new FlvReader(), new FlvVideo(), new FlvAudio(), new Timeline(default));
        Span<long> last = [long.MinValue, long.MinValue];
        try
        {
            for (int i = 0, at = 0; at < input.Length; i++)
            {
                var piece = input.Slice(at, Math.Min(sizes[Math.Min(i, sizes.Length - 1)], input.Length - at));
                at += piece.Length;
                while (reader.Read(piece, out var consumed, out var tag))
                {
                    piece = piece[consumed..];
                    text?.Append(CultureInfo.InvariantCulture, $"T{(int)tag.Type}@{tag.Timestamp}:{tag.Body.Length}:{Sum(tag.Body.Span)} ");
                    if (tag.Type is not (FlvTagType.Video or FlvTagType.Audio))
                        continue;
                    var kind = tag.Type == FlvTagType.Video ? TrackKind.Video : TrackKind.Audio;
                    var step = timeline.Next(kind, tag.Timestamp, out var time);
                    FuzzFailure.Unless(time.Ticks >= last[(int)kind]);
                    last[(int)kind] = time.Ticks;
                    var content = kind == TrackKind.Video ? video.Read(tag.Body, time, out var frame, out var fault) : audio.Read(tag.Body, time, out frame, out fault);
                    FuzzFailure.Equal(content == FlvContent.Dropped, fault != FlvFault.None, "a fault");
                    if (content == FlvContent.Frame)
                        Check(frame, kind, kind == TrackKind.Video ? video.Track : audio.Track);
                    text?.Append(CultureInfo.InvariantCulture, $"{step}{content}{fault}{(content == FlvContent.Frame ? Sum(frame.Payload.Span) : 0)}{frame.Flags} ");
                }
            }
            return true;
        }
        catch (FlvException)
        {
            return false;
        }
    }

    private static void Check(in Frame frame, TrackKind kind, Track? track)
    {
        FuzzFailure.Unless(ReferenceEquals(frame.Track, track) && track.Kind == kind && frame.Payload.Length > 0);
        // Of other codecs: EnhancedTagFuzzer.
        if (track.Codec != Codec.H264)
            return;
        FuzzFailure.Unless((track.Configuration.Span[4] & 3) == 3);
        var units = new NalUnits(frame.Payload.Span);
        var (count, key) = (0, false);
        while (units.MoveNext())
        {
            count++;
            key |= units.Type == NalUnitType.Idr;
            FuzzFailure.Unless(units.Type is not (NalUnitType.SequenceParameterSet or NalUnitType.PictureParameterSet));
        }
        FuzzFailure.Unless(!units.IsBroken && count > 0 && key == frame.IsKey);
    }

    private static string Second(ReadOnlySpan<byte> all)
    {
        var text = new StringBuilder();
        if (all.Length < 9)
            return "";
        long offset = ((long)all[5] << 24) + (all[6] << 16) + (all[7] << 8) + all[8];
        if (all[0] != 'F' || all[1] != 'L' || all[2] != 'V' || all[3] != 1 || offset is < 9 or > 65536)
            return "!";
        for (var at = offset; at + 15 <= all.Length;)
        {
            var head = all.Slice((int)at + 4, 11);
            var length = (head[1] << 16) + (head[2] << 8) + head[3];
            if ((head[0] & 32) != 0 || length > 8 << 20)
                return text + "!";
            at += 15;
            if (at + length > all.Length)
                break;
            var time = ((uint)head[7] << 24) + (uint)(head[4] << 16) + (uint)(head[5] << 8) + head[6];
            text.Append(CultureInfo.InvariantCulture, $"T{head[0] & 31}@{time}:{length}:{Sum(all.Slice((int)at, length))} ");
            at += length;
        }
        return text.ToString();
    }

    private static int Sum(ReadOnlySpan<byte> bytes)
    {
        var hash = new HashCode();
        hash.AddBytes(bytes);
        return hash.ToHashCode();
    }

    public void Dispose() => ((IDisposable)_bytes).Dispose();
}
