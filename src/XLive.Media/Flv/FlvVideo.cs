using System.Buffers.Binary;
using XLive.Media.Codecs;

namespace XLive.Media.Flv;

/// <summary>
/// Bodies of video tags, or of RTMP's video messages, which are the same: H.264 (FLV 10.1, E.4.3). Parameter sets within frames are taken out: they
/// are the track's, and where they differ from it there is a new one.
/// </summary>
public sealed class FlvVideo
{
    private const int AvcCodec = 7;
    private const int EnhancedBit = 0x80;
    private const int HeaderLength = 5;

    private readonly AvcParameterSets _sets = new();
    private byte[] _record = []; // as it came last: encoders repeat it
    private int _lengthSize;
    private byte[] _rewritten = [];

    public Track? Track { get; private set; }

    /// <summary>What was wrong with the last that was dropped, for the log.</summary>
    public string FaultText { get; private set; } = "";

    /// <param name="frame">Its payload lies in the body, or stands until the next call.</param>
    public FlvContent Read(ReadOnlyMemory<byte> body, Timestamp decoded, out Frame frame, out FlvFault fault)
    {
        frame = default;
        fault = FlvFault.None;
        var head = body.Span;
        // Encoders send an empty one as a sign of life.
        if (head.IsEmpty)
            return FlvContent.Nothing;
        if ((head[0] & EnhancedBit) != 0)
            return Drop(FlvFault.EnhancedCodec, "a FourCC codec", out fault);
        if ((head[0] & 0x0F) != AvcCodec)
            return Drop(FlvFault.UnknownCodec, $"video codec {head[0] & 0x0F}", out fault);
        // 5 is a command to a player that seeks (E.4.3.1).
        if (head[0] >> 4 == 5)
            return FlvContent.Nothing;
        if (head.Length < HeaderLength)
            return Drop(FlvFault.CutShort, "a video tag without its header", out fault);
        return head[1] switch
        {
            0 => ReadConfiguration(head[HeaderLength..], out fault),
            1 => ReadFrame(body[HeaderLength..], decoded, CompositionTime(head), out frame, out fault),
            _ => FlvContent.Nothing, // 2: the end of the sequence
        };
    }

    private static int CompositionTime(ReadOnlySpan<byte> head) => ((sbyte)head[2] << 16) | (head[3] << 8) | head[4];

    private FlvContent Drop(FlvFault reason, string text, out FlvFault fault)
    {
        fault = reason;
        FaultText = text;
        return FlvContent.Dropped;
    }

    private FlvContent ReadConfiguration(ReadOnlySpan<byte> record, out FlvFault fault)
    {
        fault = FlvFault.None;
        if (Track is not null && record.SequenceEqual(_record))
            return FlvContent.Nothing;
        // What cannot be read changes nothing: the frames may go on by the one before.
        if (!AvcConfiguration.TryRead(record, out var track, out string text))
            return Drop(FlvFault.BadConfiguration, text, out fault);
        _record = record.ToArray();
        _lengthSize = AvcConfiguration.NalLengthSize(record);
        _sets.Take(record);
        Track = track;
        return FlvContent.Track;
    }

    private FlvContent ReadFrame(ReadOnlyMemory<byte> units, Timestamp decoded, int compositionTime, out Frame frame, out FlvFault fault)
    {
        frame = default;
        fault = FlvFault.None;
        if (Track is null)
            return Drop(FlvFault.NoConfiguration, "video before its configuration", out fault);

        bool asItIs = Look(units.Span, out bool hasSets, out var flags, out int count, out bool broken);
        if (broken)
            return Drop(FlvFault.BadNalLength, "a NAL unit longer than its frame", out fault);
        if (hasSets && !TakeSets(units.Span, out string text))
            return Drop(FlvFault.BadConfiguration, text, out fault);
        if (count == 0)
            return FlvContent.Nothing;
        frame = new Frame(Track, decoded, compositionTime * Timestamp.PerMillisecond, flags, asItIs ? units : Rewrite(units.Span));
        return FlvContent.Frame;
    }

    /// <returns>Whether the frame is already what it is to be.</returns>
    private bool Look(ReadOnlySpan<byte> units, out bool hasSets, out FrameFlags flags, out int count, out bool broken)
    {
        bool empty = false, key = false, slices = false, needed = false;
        hasSets = false;
        count = 0;
        var rest = units;
        while (Next(ref rest, out var unit))
        {
            if (unit.IsEmpty)
            {
                empty = true;
                continue;
            }
            int type = unit[0] & 0x1F;
            if (IsSet(type))
            {
                hasSets = true;
                continue;
            }
            count++;
            if (type is >= 1 and <= 5)
            {
                slices = true;
                needed |= (unit[0] & 0x60) != 0; // nal_ref_idc (14496-10 7.4.1)
                key |= type == (int)NalUnitType.Idr;
            }
        }
        broken = !rest.IsEmpty;
        // By the units, not by the tag's own word: encoders call frames keys that are none, and the other way round.
        flags = key ? FrameFlags.Key : slices && !needed ? FrameFlags.Disposable : FrameFlags.None;
        return _lengthSize == 4 && !empty && !hasSets;
    }

    private static bool IsSet(int type) => type is (int)NalUnitType.SequenceParameterSet or (int)NalUnitType.PictureParameterSet;

    private bool Next(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> unit)
    {
        unit = default;
        if (rest.Length < _lengthSize)
            return false;
        uint length = _lengthSize switch
        {
            1 => rest[0],
            2 => BinaryPrimitives.ReadUInt16BigEndian(rest),
            _ => BinaryPrimitives.ReadUInt32BigEndian(rest),
        };
        if (length > (uint)(rest.Length - _lengthSize))
            return false;
        unit = rest.Slice(_lengthSize, (int)length);
        rest = rest[(_lengthSize + (int)length)..];
        return true;
    }

    private bool TakeSets(ReadOnlySpan<byte> units, out string text)
    {
        text = "";
        bool changed = false;
        while (Next(ref units, out var unit))
        {
            if (!unit.IsEmpty && IsSet(unit[0] & 0x1F))
                changed |= _sets.Take(unit, unit[0] & 0x1F);
        }
        if (!changed)
            return true;
        if (!AvcConfiguration.TryRead(_sets.Record(), out var track, out text))
        {
            _sets.Take(Track!.Configuration.Span);
            return false;
        }
        Track = track;
        return true;
    }

    /// <summary>Lengths in 4 bytes, and without the parameter sets.</summary>
    private ReadOnlyMemory<byte> Rewrite(ReadOnlySpan<byte> units)
    {
        // At worst units of one byte behind a length of one.
        int most = units.Length + (_lengthSize == 4 ? 0 : 3 * (units.Length / (_lengthSize + 1)));
        if (_rewritten.Length < most)
            _rewritten = new byte[most + (most / 4)];
        int length = 0;
        while (Next(ref units, out var unit))
        {
            if (unit.IsEmpty || IsSet(unit[0] & 0x1F))
                continue;
            BinaryPrimitives.WriteInt32BigEndian(_rewritten.AsSpan(length), unit.Length);
            unit.CopyTo(_rewritten.AsSpan(length + 4));
            length += 4 + unit.Length;
        }
        return _rewritten.AsMemory(0, length);
    }
}
